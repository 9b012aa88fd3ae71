package dev.changenet.train;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

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
   * @param seconds time since the loop's first step began; 0 says that none was done yet
   * @param details such as {@code train_loss_step=0.31}; may be empty
   */
  void progress(String label, long done, long total, double seconds, String details);

  /**
   * Something to show about a loop.
   *
   * @param text such as {@code train_loss_step=0.31}
   * @param brief the same for a line that has to be short, such as {@code loss=0.31}
   */
  record Detail(String text, String brief) {
    /** A detail that is short anyway. */
    public static Detail of(String text) {
      return new Detail(text, text);
    }
  }

  /**
   * {@link #progress(String, long, long, double, String)} with the most important details first:
   * where there is no room for all, the last ones are left out.
   */
  default void progress(String label, long done, long total, double seconds, List<Detail> details) {
    String all = details.stream().map(Detail::text).collect(Collectors.joining(", "));
    progress(label, done, total, seconds, all);
  }

  /** Ends the rewriting of a progress line and leaves {@code line} in its place. */
  void progressDone(String line);

  /** The effective spec of the run that starts, as YAML. */
  default void spec(String yaml) {
    info(yaml);
  }

  /**
   * The scores of an evaluation.
   *
   * @param scores by name in the order in which they are shown
   * @param classNames a name for each class
   */
  default void scores(Map<String, Double> scores, List<String> classNames) {
    info(ScoreTable.of(scores, classNames));
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
