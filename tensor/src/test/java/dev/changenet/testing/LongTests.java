package dev.changenet.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Tests that take long: part of continuous integration, and of other runs that ask for them. */
public final class LongTests {
  private LongTests() {}

  /** Skips the calling test unless {@code CI=true} or {@code CHANGENET_LONG_TESTS=1} is set. */
  public static void require() {
    assumeTrue(
        "true".equals(System.getenv("CI")) || asked(),
        "a long test: CHANGENET_LONG_TESTS=1 runs it");
  }

  /** Skips the calling test, too long for continuous integration, unless it is asked for. */
  public static void requireAsked() {
    assumeTrue(asked(), "a very long test: CHANGENET_LONG_TESTS=1 runs it");
  }

  private static boolean asked() {
    return "1".equals(System.getenv("CHANGENET_LONG_TESTS"));
  }
}
