package dev.changenet.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/**
 * The least probability of change, as a spec gives it.
 *
 * @param value above 0 and below 1; empty when it stands in {@code file}
 * @param file a {@code metrics.json}; empty when the value is given
 */
public record ThresholdSpec(OptionalDouble value, Optional<Path> file) {
  static final String INFERENCE = "inference.threshold";
  static final String EXPORT = "export.threshold";

  private static final Pattern NUMBER =
      Pattern.compile("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?");

  /** Returns the threshold that {@code key} asks for. */
  static Optional<ThresholdSpec> from(SpecReading reading, String key) {
    return reading.nonEmpty(key).map(ThresholdSpec::of);
  }

  private static ThresholdSpec of(String text) {
    OptionalDouble number = number(text);
    if (number.isPresent()) {
      return new ThresholdSpec(number, Optional.empty());
    }
    Path path = FileChecks.expandHome(text);
    return new ThresholdSpec(
        number, Optional.of(Files.isDirectory(path) ? path.resolve("metrics.json") : path));
  }

  /** Checks what needs no look at the disk. */
  static void check(SpecReading reading, String key) {
    if (reading.readable(key) && reading.nonEmpty(key).isPresent()) {
      OptionalDouble number = number(reading.text(key));
      if (number.isPresent() && !(number.getAsDouble() > 0 && number.getAsDouble() < 1)) {
        reading.range(key, "must be above 0 and below 1, got " + reading.text(key));
      }
    }
  }

  /** Checks that a file that is named is there. */
  static void checkFile(SpecReading reading, String key) {
    if (!reading.readable(key)
        || reading.nonEmpty(key).isEmpty()
        || number(reading.text(key)).isPresent()) {
      return;
    }
    Path path = FileChecks.expandHome(reading.text(key));
    if (!Files.exists(path)) {
      reading.unusable(
          FailureKind.FILE_SYSTEM,
          key,
          "no such file: "
              + path
              + "; expected a number between 0 and 1, or a metrics.json of evaluate");
    } else if (Files.isDirectory(path) && !Files.exists(path.resolve("metrics.json"))) {
      reading.unusable(
          FailureKind.FILE_SYSTEM,
          key,
          "the folder " + path + " holds no metrics.json; run evaluate, or give a number");
    }
  }

  /** Returns the number that a text stands for, or nothing when it must be a path. */
  private static OptionalDouble number(String text) {
    return NUMBER.matcher(text).matches()
        ? OptionalDouble.of(Double.parseDouble(text))
        : OptionalDouble.empty();
  }
}
