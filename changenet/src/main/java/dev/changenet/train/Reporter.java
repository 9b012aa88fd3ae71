package dev.changenet.train;

import java.util.Locale;
import java.util.Map;

/** Where a run tells what it does: a terminal, a log, a test. */
public interface Reporter {
  /** A lasting line. */
  void info(String line);

  /** Something the user should look at, though the run goes on. */
  void warn(String line);

  /**
   * The state of a loop, rewritten in place where that is possible.
   *
   * @param label such as {@code Epoch 3}
   * @param done steps done
   * @param total steps in all
   * @param seconds time since the loop's first step began
   * @param details such as {@code train_loss_step=0.31}; may be empty
   */
  void progress(String label, long done, long total, double seconds, String details);

  /** Ends the rewriting of a progress line and leaves {@code line} in its place. */
  void progressDone(String line);

  /** The effective spec of the run that starts, as YAML. */
  default void spec(String yaml) {
    info(yaml);
  }

  /** The scores of an evaluation, by name in the order in which they are shown. */
  default void scores(Map<String, Double> scores) {
    StringBuilder table = new StringBuilder("Test metrics:");
    scores.forEach(
        (name, value) -> table.append(String.format(Locale.ROOT, "%n  %-14s %.4f", name, value)));
    info(table.toString());
  }

  /** Tells nobody anything. */
  Reporter SILENT =
      new Reporter() {
        @Override
        public void info(String line) {}

        @Override
        public void warn(String line) {}

        @Override
        public void progress(String label, long done, long total, double seconds, String details) {}

        @Override
        public void progressDone(String line) {}
      };
}
