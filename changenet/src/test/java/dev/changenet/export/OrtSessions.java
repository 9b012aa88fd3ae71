package dev.changenet.export;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** ONNX Runtime for tests: it begins with recursions that overrun the usual stack of a thread. */
final class OrtSessions {
  private static final long STACK_BYTES = 64L << 20;

  private OrtSessions() {}

  static OrtEnvironment environment() throws OrtException, InterruptedException {
    return onLargeStack(OrtEnvironment::getEnvironment);
  }

  static OrtSession open(Path file) throws OrtException, InterruptedException {
    return onLargeStack(() -> OrtEnvironment.getEnvironment().createSession(file.toString()));
  }

  private static <T> T onLargeStack(Callable<T> work) throws OrtException, InterruptedException {
    FutureTask<T> task = new FutureTask<>(work);
    new Thread(null, task, "onnxruntime", STACK_BYTES).start();
    try {
      return task.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof OrtException refused) {
        throw refused;
      }
      throw new AssertionError("ONNX Runtime cannot be used", e.getCause());
    }
  }
}
