package dev.changenet.config;

import java.nio.file.Files;
import java.nio.file.Path;

/** Checks of section {@code inference} that are more than a range. */
final class InferenceChecks {
  static final String IMAGE_A = "inference.image_a";
  static final String IMAGE_B = "inference.image_b";

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
    ThresholdSpec.check(reading, ThresholdSpec.INFERENCE);
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
    ThresholdSpec.checkFile(reading, ThresholdSpec.INFERENCE);
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
}
