package dev.changenet.train;

import dev.changenet.check.Progress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/** Keeps the lines of a run and tells a listener about each step. */
final class CapturingReporter implements Reporter {
  final List<String> lines = new ArrayList<>();
  final List<String> warnings = new ArrayList<>();
  private final LongConsumer onStep;
  private final Progress onProgress;
  private long steps;

  CapturingReporter() {
    this(Progress.SILENT);
  }

  /**
   * @param onStep gets the number of progress reports so far; training steps and validation batches
   *     count alike
   */
  CapturingReporter(LongConsumer onStep) {
    this.onStep = onStep;
    this.onProgress = Progress.SILENT;
  }

  /**
   * @param onProgress gets label, steps done and steps in all of each progress report
   */
  CapturingReporter(Progress onProgress) {
    this.onStep = step -> {};
    this.onProgress = onProgress;
  }

  /**
   * Asks a run to stop at one of its progress reports.
   *
   * @param at number of the report, from 1; training steps and validation batches count alike
   */
  static CapturingReporter stoppingAt(long at, Interruption stop) {
    return new CapturingReporter(
        n -> {
          if (n == at) {
            stop.request();
          }
        });
  }

  @Override
  public void info(String line) {
    lines.add(line);
  }

  @Override
  public void warn(String line) {
    warnings.add(line);
  }

  @Override
  public void progress(String label, long done, long total, double seconds, String details) {
    onStep.accept(++steps);
    onProgress.tell(label, done, total);
  }

  @Override
  public void progressDone(String line) {
    lines.add(line);
  }
}
