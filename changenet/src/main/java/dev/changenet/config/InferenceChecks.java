package dev.changenet.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/** Checks of section {@code inference} that are more than a range. */
final class InferenceChecks {
  static final String IMAGE_A = "inference.image_a";
  static final String IMAGE_B = "inference.image_b";
  static final String THRESHOLD = "inference.threshold";

  private static final Pattern NUMBER =
      Pattern.compile("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?");

  private InferenceChecks() {}

  /** Checks what needs no look at the disk. */
  static void run(SpecReading reading) {
    if (reading.readable(IMAGE_A, IMAGE_B)) {
      boolean a = reading.nonEmpty(IMAGE_A).isPresent();
      boolean b = reading.nonEmpty(IMAGE_B).isPresent();
      if (a != b) {
        reading.unusable(
            FailureKind.PARAMETER,
            a ? IMAGE_A : IMAGE_B,
            "needs " + (a ? IMAGE_B : IMAGE_A) + " as well, the other picture of the pair");
      }
    }
    if (reading.readable(THRESHOLD) && reading.nonEmpty(THRESHOLD).isPresent()) {
      String text = reading.text(THRESHOLD);
      OptionalDouble number = number(text);
      if (number.isPresent() && !(number.getAsDouble() > 0 && number.getAsDouble() < 1)) {
        reading.range(THRESHOLD, "must be above 0 and below 1, got " + text);
      }
    }
  }

  /** Checks that pictures and the file of the threshold are there. */
  static void files(SpecReading reading) {
    if (reading.readable(IMAGE_A, IMAGE_B)) {
      Path a = picture(reading, IMAGE_A);
      Path b = picture(reading, IMAGE_B);
      if (a != null && b != null && Files.isDirectory(a) != Files.isDirectory(b)) {
        reading.unusable(
            FailureKind.FILE_SYSTEM,
            IMAGE_B,
            "%s is a %s, but %s (%s) is a %s; give two pictures or two folders"
                .formatted(b, kind(b), IMAGE_A, a, kind(a)));
      }
    }
    if (reading.readable(THRESHOLD)
        && reading.nonEmpty(THRESHOLD).isPresent()
        && number(reading.text(THRESHOLD)).isEmpty()) {
      thresholdFile(reading, reading.text(THRESHOLD));
    }
  }

  private static Path picture(SpecReading reading, String key) {
    if (reading.nonEmpty(key).isEmpty()) {
      return null;
    }
    Path path = FileChecks.expandHome(reading.text(key));
    if (!Files.exists(path)) {
      reading.unusable(FailureKind.FILE_SYSTEM, key, "no such picture or folder: " + path);
      return null;
    }
    return path;
  }

  private static String kind(Path path) {
    return Files.isDirectory(path) ? "folder" : "file";
  }

  private static void thresholdFile(SpecReading reading, String text) {
    String expected = "expected a number between 0 and 1, or a metrics.json of evaluate";
    Path path = FileChecks.expandHome(text);
    if (!Files.exists(path)) {
      reading.unusable(
          FailureKind.FILE_SYSTEM, THRESHOLD, "no such file: " + path + "; " + expected);
    } else if (Files.isDirectory(path) && !Files.exists(path.resolve("metrics.json"))) {
      reading.unusable(
          FailureKind.FILE_SYSTEM,
          THRESHOLD,
          "the folder " + path + " holds no metrics.json; run evaluate, or give a number");
    }
  }

  /** Returns the number that a text stands for, or nothing when it must be a path. */
  static OptionalDouble number(String text) {
    return NUMBER.matcher(text).matches()
        ? OptionalDouble.of(Double.parseDouble(text))
        : OptionalDouble.empty();
  }
}
