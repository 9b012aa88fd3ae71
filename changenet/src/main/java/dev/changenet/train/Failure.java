package dev.changenet.train;

import dev.changenet.config.SpecException;
import dev.changenet.image.DataException;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.tensor.ChangeNetException;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Words for a failed run in {@code status.json}. */
public final class Failure {
  private Failure() {}

  /** Returns what a class said that could not be initialised, else {@code e}. */
  public static Throwable unwrap(Throwable e) {
    return e instanceof ExceptionInInitializerError && e.getCause() instanceof ChangeNetException c
        ? c
        : e;
  }

  /** The message of the FAILURE line. */
  public static String statusMessage(String task, Throwable thrown) {
    Throwable e = unwrap(thrown);
    if (e instanceof InterruptedRunException) {
      return "User/System interruption: " + task + " was interrupted";
    }
    if (e instanceof SpecException s) {
      return s.statusMessage();
    }
    String kind =
        switch (e) {
          case DataException d -> "File system error";
          case CheckpointException c -> "File system error";
          case UncheckedIOException u -> "File system error";
          case Throwable t when t.getCause() instanceof IOException -> "File system error";
          case OutOfMemoryError o -> "Out of memory";
          default -> "Parameter validation error";
        };
    return kind + ": " + userMessage(e).lines().findFirst().orElse("");
  }

  /** One line (or a few) for the user. */
  public static String userMessage(Throwable e) {
    if (e instanceof OutOfMemoryError) {
      return "not enough memory for this run (heap limit "
          + Runtime.getRuntime().maxMemory() / (1 << 20)
          + " MiB); lower dataset.segment.batch_size or img_size, or raise the limit with"
          + " CHANGENET_JAVA_OPTS=-Xmx…";
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
