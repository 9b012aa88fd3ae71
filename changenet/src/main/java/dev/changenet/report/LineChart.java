package dev.changenet.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A chart of lines as inline SVG: axes, ticks, legend, and the values as hover titles. */
final class LineChart {
  /** How a series is drawn. */
  enum Style {
    LINE,
    FAINT,
    DOTS,
    LINE_AND_DOTS
  }

  private static final int WIDTH = 560;
  private static final int HEIGHT = 300;
  private static final int LEFT = 64;
  private static final int RIGHT = 14;
  private static final int TOP = 10;
  private static final int BOTTOM = 42;
  private static final int TICKS = 5;
  private static final int COLORS = 8;

  /** More hover titles than this make a page heavy and help nobody. */
  private static final int MAX_TITLES = 150;

  private record Series(String name, int color, Style style, List<double[]> points) {}

  private record Mark(String name, double x, double y) {}

  private final String title;
  private final String xLabel;
  private final String yLabel;
  private final List<Series> series = new ArrayList<>();
  private final List<Mark> marks = new ArrayList<>();
  private double[] xRange;
  private boolean fromZero;
  private double[] yRange;

  LineChart(String title, String xLabel, String yLabel) {
    this.title = title;
    this.xLabel = xLabel;
    this.yLabel = yLabel;
  }

  /** Fixes the ranges of both axes. */
  LineChart ranges(double xFrom, double xTo, double yFrom, double yTo) {
    xRange = new double[] {xFrom, xTo};
    yRange = new double[] {yFrom, yTo};
    return this;
  }

  /** Begins the x axis at 0, so that charts below each other line up. */
  LineChart fromZero() {
    fromZero = true;
    return this;
  }

  /**
   * Adds a series.
   *
   * @param points x and y; points that are not finite are left out
   */
  LineChart add(String name, int color, Style style, List<double[]> points) {
    List<double[]> finite =
        points.stream().filter(p -> Double.isFinite(p[0]) && Double.isFinite(p[1])).toList();
    if (!finite.isEmpty()) {
      series.add(new Series(name, color % COLORS, style, finite));
    }
    return this;
  }

  /** Marks a point with a ring. */
  LineChart mark(String name, double x, double y) {
    marks.add(new Mark(name, x, y));
    return this;
  }

  boolean isEmpty() {
    return series.isEmpty();
  }

  /** Writes the chart as a figure. */
  void write(Html h) {
    double[] xs = ticks(xRange == null ? range(0) : xRange, xRange != null);
    double[] ys = ticks(yRange == null ? range(1) : yRange, yRange != null);
    h.in(
            "figure",
            () -> {
              h.in("figcaption", () -> caption(h));
              h.in(
                  "svg",
                  () -> {
                    axes(h, xs, ys);
                    for (Series s : series) {
                      draw(h, s, xs, ys);
                    }
                    for (Mark m : marks) {
                      ring(h, m, xs, ys);
                    }
                  },
                  "viewBox=0 0 " + WIDTH + " " + HEIGHT,
                  "role=img",
                  "aria-label=" + title);
            },
            "class=chart")
        .line();
  }

  private void caption(Html h) {
    h.tag("b", title);
    for (Series s : series) {
      h.in(
          "span",
          () -> {
            h.in(
                "i",
                () -> {},
                "class=key " + s.style.name().toLowerCase(Locale.ROOT) + " b" + s.color);
            h.text(s.name);
          },
          "class=legend");
    }
  }

  private void axes(Html h, double[] xs, double[] ys) {
    for (int i = 2; i < ys.length; i++) {
      String y = at(y(ys[i], ys));
      h.in(
          "line",
          () -> {},
          "class=grid",
          "x1=" + LEFT,
          "x2=" + (WIDTH - RIGHT),
          "y1=" + y,
          "y2=" + y);
      h.tag(
          "text",
          Text.number(ys[i]),
          "class=tick end",
          "x=" + (LEFT - 8),
          "y=" + at(y(ys[i], ys) + 4));
    }
    for (int i = 2; i < xs.length; i++) {
      String x = at(x(xs[i], xs));
      int base = HEIGHT - BOTTOM;
      h.in("line", () -> {}, "class=axis", "x1=" + x, "x2=" + x, "y1=" + base, "y2=" + (base + 5));
      h.tag("text", Text.number(xs[i]), "class=tick mid", "x=" + x, "y=" + (base + 18));
    }
    h.in(
        "path",
        () -> {},
        "class=axis",
        "d=M" + LEFT + " " + TOP + "V" + (HEIGHT - BOTTOM) + "H" + (WIDTH - RIGHT));
    h.tag(
        "text", xLabel, "class=label mid", "x=" + (LEFT + WIDTH - RIGHT) / 2, "y=" + (HEIGHT - 6));
    if (!yLabel.isEmpty()) {
      int middle = (TOP + HEIGHT - BOTTOM) / 2;
      h.tag(
          "text",
          yLabel,
          "class=label mid",
          "x=12",
          "y=" + middle,
          "transform=rotate(-90 12 " + middle + ")");
    }
  }

  private void draw(Html h, Series s, double[] xs, double[] ys) {
    if (s.style != Style.DOTS) {
      StringBuilder d = new StringBuilder();
      for (double[] p : s.points) {
        d.append(d.isEmpty() ? "M" : "L");
        d.append(at(x(p[0], xs))).append(' ').append(at(y(p[1], ys)));
      }
      h.in(
          "path",
          () -> {},
          "class=" + (s.style == Style.FAINT ? "faint" : "series") + " s" + s.color,
          "d=" + d);
    }
    if (s.style == Style.FAINT) {
      return;
    }
    boolean dots = s.style != Style.LINE && s.points.size() <= MAX_TITLES || s.points.size() == 1;
    int step = Math.ceilDiv(s.points.size(), MAX_TITLES);
    for (int i = 0; i < s.points.size(); i += step) {
      double[] p = s.points.get(i);
      String cx = "cx=" + at(x(p[0], xs));
      String cy = "cy=" + at(y(p[1], ys));
      h.in(
          "g",
          () -> {
            h.tag(
                "title",
                s.name + "\n" + xLabel + " " + Text.number(p[0]) + ": " + Text.number(p[1]));
            h.in("circle", () -> {}, "class=touch", cx, cy, "r=7");
            if (dots) {
              h.in("circle", () -> {}, "class=dot f" + s.color, cx, cy, "r=2.6");
            }
          });
    }
  }

  private void ring(Html h, Mark m, double[] xs, double[] ys) {
    h.in(
        "circle",
        () -> h.tag("title", m.name),
        "class=ring",
        "cx=" + at(x(m.x, xs)),
        "cy=" + at(y(m.y, ys)),
        "r=5");
  }

  private static double x(double value, double[] ticks) {
    return LEFT + (value - ticks[0]) / (ticks[1] - ticks[0]) * (WIDTH - LEFT - RIGHT);
  }

  private static double y(double value, double[] ticks) {
    double share = Math.clamp((value - ticks[0]) / (ticks[1] - ticks[0]), 0, 1);
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  }

  private static String at(double place) {
    return String.format(Locale.ROOT, "%.1f", place);
  }

  private double[] range(int axis) {
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    for (Series s : series) {
      for (double[] p : s.points) {
        min = Math.min(min, p[axis]);
        max = Math.max(max, p[axis]);
      }
    }
    min = axis == 0 && fromZero ? Math.min(0, min) : min;
    return min <= max ? new double[] {min, max} : new double[] {0, 1};
  }

  /**
   * Returns the ends of an axis and then its ticks, which are round numbers.
   *
   * @param fixed keep the ends as they are instead of rounding them outwards
   */
  private static double[] ticks(double[] range, boolean fixed) {
    double low = range[0];
    double high = range[1];
    if (high - low < 1e-12 * Math.max(Math.abs(low), Math.abs(high)) || high == low) {
      double half = low == 0 ? 0.5 : Math.abs(low) / 2;
      low -= half;
      high += half;
    }
    double raw = (high - low) / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double step =
        raw / power <= 1
            ? power
            : raw / power <= 2 ? 2 * power : raw / power <= 5 ? 5 * power : 10 * power;
    long from = Math.round(fixed ? Math.ceil(low / step - 1e-9) : Math.floor(low / step + 1e-9));
    long to = Math.round(fixed ? Math.floor(high / step + 1e-9) : Math.ceil(high / step - 1e-9));
    double[] all = new double[(int) (to - from) + 3];
    all[0] = fixed ? low : from * step;
    all[1] = fixed ? high : to * step;
    for (int i = 0; i <= to - from; i++) {
      all[i + 2] = (from + i) * step;
    }
    return all;
  }
}
