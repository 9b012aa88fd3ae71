package dev.changenet.train;

import dev.changenet.tensor.cpu.Parallel;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Small trainings on one thread: their kernels are too short to gain from more. */
final class OneThread implements BeforeEachCallback, AfterEachCallback {
  private final int threads = Parallel.threads();

  @Override
  public void beforeEach(ExtensionContext context) {
    Parallel.setThreads(1);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    Parallel.setThreads(threads);
  }
}
