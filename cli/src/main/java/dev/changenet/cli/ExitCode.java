package dev.changenet.cli;

/** Exit codes of the process. */
final class ExitCode {
  static final int OK = 0;
  static final int FAILED = 1;

  /** No task, or one that doesn't exist. */
  static final int USAGE = 2;

  private ExitCode() {}
}
