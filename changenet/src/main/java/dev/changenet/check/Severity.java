package dev.changenet.check;

import java.util.Locale;

/** How bad a finding is. */
public enum Severity {
  /** A run stops at it, or its result is worthless. */
  ERROR,
  /** A run goes on, with a result that the user probably does not want. */
  WARNING,
  /** Worth knowing. */
  NOTE;

  /** Returns the word in lower case. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
