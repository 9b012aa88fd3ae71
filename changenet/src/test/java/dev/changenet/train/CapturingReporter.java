package dev.changenet.train;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/** Keeps the lines of a run and tells a listener about each step. */
final class CapturingReporter implements Reporter {
  final List<String> lines = new ArrayList<>();
  final List<String> warnings = new ArrayList<>();
  private final LongConsumer onStep;
  private long steps;

  CapturingReporter() {
    this(step -> {});
  }

  /**
   * @param onStep gets the number of progress reports so far; training steps and validation batches
   *     count alike
   */
  CapturingReporter(LongConsumer onStep) {
    this.onStep = onStep;
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
  }

  @Override
  public void progressDone(String line) {
    lines.add(line);
  }
}
