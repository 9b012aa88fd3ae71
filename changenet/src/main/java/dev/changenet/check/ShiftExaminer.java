package dev.changenet.check;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * Whether B is shifted against A in the same way all over the data set. A single pair proves
 * nothing: change moves edges, too. Needs every picture.
 */
final class ShiftExaminer implements Examiner {
  private static final int LEAST_PAIRS = 4;
  private static final double CLEAR = 1.5;
  private static final double LEAST_PEAK = 0.04;
  private static final double AGREEING = 0.6;

  @Override
  public void examine(DataSet data, Consumer<Finding> found) {
    List<PairFacts> clear =
        data.pairs().stream()
            .filter(p -> p.shift != null)
            .filter(
                p -> p.shift.peak() >= LEAST_PEAK && p.shift.peak() >= CLEAR * p.shift.next())
            .toList();
    long compared = data.pairs().stream().filter(p -> p.shift != null).count();
    if (clear.size() < LEAST_PAIRS || 2L * clear.size() < compared) {
      return;
    }
    double x = median(clear, PhaseCorrelation.Shift::x);
    double y = median(clear, PhaseCorrelation.Shift::y);
    double step = median(clear, PhaseCorrelation.Shift::step);
    List<PairFacts> agreeing = new ArrayList<>();
    for (PairFacts pair : clear) {
      if (Math.abs(pair.shift.x() - x) <= step && Math.abs(pair.shift.y() - y) <= step) {
        agreeing.add(pair);
      }
    }
    // One step may be rounding.
    if (Math.hypot(x, y) <= 1.5 * step || agreeing.size() < AGREEING * compared) {
      return;
    }
    found.accept(
        new Finding(
            Code.SHIFT,
            Severity.WARNING,
            data.splitsOf(agreeing),
            agreeing.stream().map(p -> p.b.shown).toList(),
            String.format(
                Locale.ROOT,
                "in %d of %d pairs B is shifted against A by about %.0f pixels to the %s and %.0f"
                    + " %s; edges will look like change",
                agreeing.size(),
                compared,
                Math.abs(x),
                x < 0 ? "left" : "right",
                Math.abs(y),
                y < 0 ? "up" : "down"),
            "align B with A before training"));
  }

  private static double median(List<PairFacts> pairs, ToDoubleFunction<PhaseCorrelation.Shift> f) {
    double[] values = pairs.stream().mapToDouble(p -> f.applyAsDouble(p.shift)).toArray();
    Arrays.sort(values);
    return values[values.length / 2];
  }
}
