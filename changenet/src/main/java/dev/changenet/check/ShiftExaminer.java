package dev.changenet.check;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Whether B is shifted against A in the same way all over the data set, or all over a split. A
 * single pair proves nothing: change moves edges, too. Needs every picture.
 */
final class ShiftExaminer implements Examiner {
  private static final int LEAST_PAIRS = 6;

  /** In units of the comparison; one may be rounding. */
  private static final double LEAST_UNITS = 2;

  /**
   * In standard deviations. Real data sets whose pairs fit had 11 to 50 at their true place; up to
   * 11 at a wrong one.
   */
  private static final double CERTAIN = 15;

  private final ShiftEvidence evidence;

  ShiftExaminer(ShiftEvidence evidence) {
    this.evidence = evidence;
  }

  @Override
  public void examine(DataSet data, Consumer<Finding> found) {
    Set<Role> all = evidence.roles();
    if (shifted(data, all, found)) {
      return;
    }
    for (Role role : all) {
      shifted(data, EnumSet.of(role), found);
    }
  }

  private boolean shifted(DataSet data, Set<Role> roles, Consumer<Finding> found) {
    ShiftEvidence.Shift s = roles.isEmpty() ? null : evidence.shift(roles);
    if (s == null
        || s.pairs() < LEAST_PAIRS
        || !s.agreed()
        || s.certainty() < CERTAIN
        || Math.hypot(s.x(), s.y()) < LEAST_UNITS * s.step()) {
      return false;
    }
    found.accept(
        new Finding(
            Code.SHIFT,
            Severity.WARNING,
            data.splitsOf(
                data.pairs().stream()
                    .filter(p -> roles.contains(p.roles.iterator().next()))
                    .toList()),
            List.of(),
            String.format(
                Locale.ROOT,
                "B is shifted against A by about %.0f pixels to the %s and %.0f %s, seen over %d"
                    + " pairs (± %d); edges will look like change",
                Math.abs(s.x()),
                s.x() < 0 ? "left" : "right",
                Math.abs(s.y()),
                s.y() < 0 ? "up" : "down",
                s.pairs(),
                s.step()),
            "align B with A before training"));
    return true;
  }
}
