package dev.changenet.config;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/** Chooses the directory of a run: {@code <task>.results_dir}, else {@code results_dir/<task>}. */
final class ResultsDirectory {
  private ResultsDirectory() {}

  /** Returns the directory as text, or nothing after having recorded an error. */
  static Optional<String> choose(SpecReading reading) {
    String taskKey = reading.task().key() + ".results_dir";
    if (!reading.readable("results_dir", taskKey)) {
      return Optional.empty();
    }
    try {
      String own = (String) reading.resolver().resolve(taskKey);
      String chosen = own == null ? "" : own;
      if (chosen.isEmpty()) {
        String parent = (String) reading.resolver().resolve("results_dir");
        if (parent == null || parent.isEmpty()) {
          SpecError error =
              SpecError.missing(
                  "results_dir",
                  reading.location("results_dir"),
                  "results_dir and "
                      + taskKey
                      + " are both empty; set one of results_dir / "
                      + taskKey);
          reading.fail(new SpecException(error));
          return Optional.empty();
        }
        chosen = (parent.endsWith("/") ? parent : parent + "/") + reading.task().key();
      }
      Path path = Path.of(chosen);
      return Optional.of(path.toString());
    } catch (SpecException e) {
      reading.fail(e);
    } catch (InvalidPathException e) {
      reading.unusable(
          FailureKind.FILE_SYSTEM, "results_dir", "not a path on this system: " + e.getReason());
    }
    return Optional.empty();
  }
}
