package dev.changenet.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Finds the folder of independent reference results ({@code golden/}, {@code data/}).
 *
 * <p>It is looked up at system property {@code changenet.reference}; tests that ask for a file are
 * skipped, with the reason shown, where the folder is absent.
 */
public final class ReferenceData {
  private ReferenceData() {}

  /** Returns {@code <reference>/relative}, or skips the calling test when there is none. */
  public static Path path(String relative) {
    String root = System.getProperty("changenet.reference", "../shared");
    Path path = Path.of(root).resolve(relative).toAbsolutePath().normalize();
    assumeTrue(
        Files.exists(path),
        "reference data absent: "
            + path
            + " (point -Dchangenet.reference=<folder> at it to run this test)");
    return path;
  }

  /** Returns {@code <reference>/golden/relative}, or skips the calling test. */
  public static Path golden(String relative) {
    return path("golden/" + relative);
  }

  /** Returns true when the reference folder is there. */
  public static boolean present() {
    return Files.isDirectory(
        Path.of(System.getProperty("changenet.reference", "../shared"), "golden"));
  }
}
