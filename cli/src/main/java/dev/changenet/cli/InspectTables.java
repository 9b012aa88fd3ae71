package dev.changenet.cli;

import dev.changenet.inspect.CheckpointSummary;
import dev.changenet.inspect.Cost;
import dev.changenet.inspect.ModuleTree;
import dev.changenet.inspect.StepProfile;
import dev.changenet.inspect.TensorInfo;
import dev.changenet.inspect.TensorStatistics;
import dev.changenet.inspect.WeightComparison;
import dev.changenet.inspect.WeightSource;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Prints what {@code inspect} finds, at most 100 columns wide. */
final class InspectTables {
  private static final int NAME_WIDTH = 42;
  private static final int LEAST_NAME_WIDTH = 24;
  private static final int VALUE_WIDTH = 70;
  private static final int TENSOR_WIDTH = 52;

  private final PrintWriter out;

  InspectTables(PrintWriter out) {
    this.out = out;
  }

  private void line(String pattern, Object... values) {
    out.println(Units.format(pattern, values).stripTrailing());
  }

  /** An empty line. */
  void line() {
    out.println();
  }

  /** A line of text. */
  void text(String text) {
    out.println(text);
  }

  /** What a file says about itself. */
  void summary(CheckpointSummary s, String sha256) {
    line("%s", s.path());
    row("size", s.bytes() + " bytes (" + Units.bytes(s.bytes()) + ")");
    row("weights", s.tensors() + " tensors, " + s.elements() + " elements; " + dtypes(s.dtypes()));
    for (Map.Entry<String, Object> fact : s.facts().entrySet()) {
      switch (fact.getValue()) {
        case List<?> l -> list(fact.getKey(), l.stream().map(String::valueOf).toList());
        case Double d -> row(fact.getKey(), Units.format("%.6g", d));
        default -> row(fact.getKey(), Units.fit(String.valueOf(fact.getValue()), VALUE_WIDTH));
      }
    }
    if (sha256 != null) {
      row("sha256", sha256);
    }
  }

  private void row(String name, String value) {
    line("  %-26s %s", name, value);
  }

  /** Words with commas, on as many lines as they need. */
  private void list(String name, List<String> words) {
    String first = name;
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < words.size(); i++) {
      String word = Units.fit(words.get(i), VALUE_WIDTH / 2) + (i < words.size() - 1 ? "," : "");
      if (!text.isEmpty() && text.length() + 1 + word.length() > VALUE_WIDTH) {
        row(first, text.toString());
        first = "";
        text.setLength(0);
      }
      text.append(text.isEmpty() ? "" : " ").append(word);
    }
    row(first, text.toString());
  }

  private static String dtypes(Map<String, Integer> dtypes) {
    return String.join(
        ", ", dtypes.entrySet().stream().map(e -> e.getValue() + " " + e.getKey()).toList());
  }

  /** One line of a tree: how deep, what it is called, and the module. */
  private record Row(int depth, String name, ModuleTree node, boolean own) {
    Cost cost() {
      return own ? node.own() : node.total();
    }

    String label(int width) {
      String indent = "  ".repeat(depth);
      return indent + Units.fit(name, Math.max(8, width - indent.length()));
    }
  }

  /** Width of the first column: as narrow as its labels allow. */
  private static int width(List<Row> rows) {
    int widest = rows.stream().mapToInt(r -> 2 * r.depth() + r.name().length()).max().orElse(0);
    return Math.clamp(widest, LEAST_NAME_WIDTH, NAME_WIDTH);
  }

  private static List<Row> rows(ModuleTree tree, int depth) {
    List<Row> rows = new ArrayList<>();
    collect(tree, 0, depth, rows);
    return rows;
  }

  private static void collect(ModuleTree node, int depth, int most, List<Row> rows) {
    String times = node.count() > 1 ? " (" + node.count() + "x)" : "";
    rows.add(new Row(depth, WeightSource.printable(node.name()) + times, node, false));
    if (depth >= most) {
      return;
    }
    if (!node.children().isEmpty() && hasOwn(node.own())) {
      rows.add(new Row(depth + 1, "(itself)", node, true));
    }
    for (ModuleTree child : node.children()) {
      collect(child, depth + 1, most, rows);
    }
  }

  private static boolean hasOwn(Cost own) {
    return own.parameters() + own.buffers() + own.kept() > 0 || own.flops() + own.nanos() > 0;
  }

  /** Parameters, arithmetic and activations by module; the first alone when nothing runs. */
  void modules(ModuleTree tree, int depth, boolean parameters) {
    Cost all = tree.total();
    boolean runs = all.flops() > 0;
    List<Row> rows = rows(tree, depth);
    int width = width(rows);
    line(
        "%-" + width + "s %9s %5s" + (runs ? " %9s %5s %11s %5s" : ""),
        "module",
        "params",
        "%",
        "FLOP",
        "%",
        "activations",
        "%");
    for (Row row : rows) {
      Cost c = row.cost();
      String text =
          Units.format(
              "%-" + width + "s %9s %5s",
              row.label(width),
              c.parameters() == 0 ? "" : Units.count(c.parameters()),
              Units.percent(c.parameters(), all.parameters()));
      if (runs) {
        text +=
            Units.format(
                " %9s %5s %11s %5s",
                c.flops() == 0 ? "" : Units.count(c.flops()),
                Units.percent(c.flops(), all.flops()),
                c.kept() == 0 ? "" : Units.bytes(c.kept()),
                Units.percent(c.kept(), all.kept()));
      }
      line("%s%s", text, frozen(c));
      if (parameters && !row.own()) {
        String indent = "  ".repeat(row.depth() + 1);
        row.node().tensors().forEach(t -> tensor(indent, t));
      }
    }
  }

  private static String frozen(Cost c) {
    if (c.trainable() == c.parameters()) {
      return "";
    }
    return c.trainable() == 0 ? " frozen" : " partly frozen";
  }

  private void tensor(String indent, TensorInfo t) {
    String name = WeightSource.printable(t.name().substring(t.name().lastIndexOf('.') + 1));
    String kind =
        switch (t.kind()) {
          case TRAINABLE -> "";
          case FROZEN -> "frozen";
          case BUFFER -> "buffer";
        };
    line("%s· %-22s %-9s %-20s %s", indent, Units.fit(name, 30), t.dtype(), t.shape(), kind);
  }

  /** Time by module, then by operation. */
  void profile(StepProfile p, int depth) {
    double all = p.modules().total().nanos();
    line(
        "%s step, batch %d, %d x %d pixels: %s ms per step, the fastest of %d (%.1f pairs/s)",
        p.train() ? "training" : "inference",
        p.batch(),
        p.size(),
        p.size(),
        Units.millis(p.stepNanos()),
        p.steps(),
        p.batch() * 1e9 / p.stepNanos());
    line(
        "operations %s ms%s, everything else %s ms",
        Units.millis(all),
        p.train() ? ", optimizer " + Units.millis(p.updateNanos()) + " ms" : "",
        Units.millis(Math.max(1, p.stepNanos() - all - p.updateNanos())));
    line();
    timeHeader("module", p.train());
    for (Row row : rows(p.modules().compact(), depth)) {
      if (row.cost().nanos() > 0) {
        time(row.label(NAME_WIDTH), row.cost(), all, p.train());
      }
    }
    line();
    timeHeader("operation", p.train());
    for (StepProfile.OpTime o : p.ops()) {
      time(o.op() + " (" + o.calls() + "x)", o.cost(), all, p.train());
    }
  }

  private void timeHeader(String what, boolean train) {
    line(
        "%-" + NAME_WIDTH + "s %10s" + (train ? " %11s" : "%s") + " %5s %9s",
        what,
        train ? "forward ms" : "ms",
        train ? "backward ms" : "",
        "%",
        "GFLOP/s");
  }

  private void time(String label, Cost c, double all, boolean train) {
    line(
        "%-" + NAME_WIDTH + "s %10s" + (train ? " %11s" : "%s") + " %5s %9s",
        label,
        Units.millis(c.forwardNanos()),
        train ? Units.millis(c.backwardNanos()) : "",
        Units.percent(c.nanos(), all),
        c.flops() == 0 ? "" : Units.format("%.1f", c.flops() / c.nanos()));
  }

  /** Statistics of every tensor. */
  void statistics(List<TensorStatistics> all) {
    int width = Math.min(44, widest(all.stream().map(InspectTables::shortName).toList()));
    String row = "%-" + width + "s %9s %10s %10s %10s %9s %s";
    line(row, "tensor", "elements", "min", "max", "mean", "std", "zeros");
    for (TensorStatistics s : all) {
      line(
          "%s%s",
          Units.format(
                  row,
                  Units.fit(shortName(s), width),
                  s.elements(),
                  number(s.min()),
                  number(s.max()),
                  number(s.mean()),
                  number(s.std()),
                  s.zeros() == 0 ? "" : s.zeros())
              .stripTrailing(),
          nonFinite(s.nans(), s.infinities()));
    }
    long bad = all.stream().filter(s -> s.nans() + s.infinities() > 0).count();
    line("%s", bad == 0 ? "no NaN, no infinities" : "NaN or infinities in " + bad + " tensors");
  }

  private static String shortName(TensorStatistics s) {
    String name = WeightSource.printable(s.name());
    return name.startsWith("model.") ? name.substring("model.".length()) : name;
  }

  private static String nonFinite(long nans, long infinities) {
    return (nans > 0 ? "  NaN: " + nans : "") + (infinities > 0 ? "  Inf: " + infinities : "");
  }

  private static int widest(List<String> names) {
    return names.stream().mapToInt(String::length).max().orElse(0);
  }

  /** Four digits, in the shorter of both notations. */
  private static String number(double v) {
    double a = Math.abs(v);
    if (v == 0) {
      return "0";
    }
    return Units.format(a >= 1e5 || a < 1e-3 ? "%.2e" : a >= 100 ? "%.1f" : "%.4f", v);
  }

  /** Differences of two files; {@code all} shows every tensor. */
  void comparison(WeightComparison c, int most, boolean all) {
    if (!c.prefixA().equals(c.prefixB())) {
      line("names: '%s' taken off in the first file, '%s' in the second", c.prefixA(), c.prefixB());
    }
    if (c.isEqual()) {
      line("equal: %d tensors with the same shapes, types and values", c.tensors().size());
      return;
    }
    List<WeightComparison.Difference> different = c.different();
    line(
        "%d tensors in both: %d equal, %d different, %d of another shape",
        c.tensors().size() + c.shapes().size(),
        c.tensors().size() - different.size(),
        different.size(),
        c.shapes().size());
    line("%d only in the first file, %d only in the second", c.onlyA().size(), c.onlyB().size());
    if (!c.tensors().isEmpty()) {
      line(
          "all floating-point values as one: relative L2 %s, largest difference %s, cosine %.6f",
          number(c.together().relativeL2()), number(c.together().maxAbs()), c.together().cosine());
    }
    List<WeightComparison.Difference> shown = all ? c.tensors() : different;
    if (!shown.isEmpty()) {
      differences(shown, all ? shown.size() : most);
    }
    names("another shape", c.shapes().entrySet().stream().map(InspectTables::shapes).toList(), all);
    names("only in the first file", c.onlyA(), all);
    names("only in the second file", c.onlyB(), all);
  }

  private static String shapes(Map.Entry<String, String> e) {
    return e.getKey() + "  " + e.getValue();
  }

  private void differences(List<WeightComparison.Difference> shown, int most) {
    int width =
        Math.min(
            TENSOR_WIDTH,
            widest(shown.stream().limit(most).map(WeightComparison.Difference::name).toList()));
    String row = "%-" + width + "s %10s %10s %8s %9s%s";
    line();
    line(row, "tensor", "rel. L2", "max |a-b|", "cosine", "changed", "");
    for (WeightComparison.Difference d : shown.stream().limit(most).toList()) {
      String notes =
          (d.typesDiffer() ? "  " + d.dtypes() : "")
              + (d.nonFiniteA() > 0 ? "  NaN/Inf in the first: " + d.nonFiniteA() : "")
              + (d.nonFiniteB() > 0 ? "  NaN/Inf in the second: " + d.nonFiniteB() : "");
      line(
          row,
          Units.fit(WeightSource.printable(d.name()), width),
          Double.isFinite(d.relativeL2()) ? number(d.relativeL2()) : "from 0",
          number(d.maxAbs()),
          Units.format("%.5f", d.cosine()),
          d.different() == 0 ? "none" : Units.percent(d.different(), d.elements()) + " %",
          notes);
    }
    if (shown.size() > most) {
      line("… and %d more; --all shows them", shown.size() - most);
    }
  }

  private void names(String what, List<String> names, boolean all) {
    if (names.isEmpty()) {
      return;
    }
    int most = 10;
    line();
    line("%s:", what);
    names.stream()
        .limit(all ? names.size() : most)
        .forEach(n -> line("  %s", Units.fit(WeightSource.printable(n), 96)));
    if (!all && names.size() > most) {
      line("  … and %d more; --all shows them", names.size() - most);
    }
  }
}
