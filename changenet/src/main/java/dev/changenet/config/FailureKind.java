package dev.changenet.config;

/** The cause under which a failed run is reported in {@code status.json}. */
public enum FailureKind {
  CONFIGURATION("Configuration error"),
  NOT_IMPLEMENTED("Feature not implemented"),
  PARAMETER("Parameter validation error"),
  FILE_SYSTEM("File system error");

  private final String text;

  FailureKind(String text) {
    this.text = text;
  }

  /** Returns the words in front of the colon of the status message. */
  public String text() {
    return text;
  }
}
