package dev.changenet.config;

import java.util.Arrays;
import java.util.Locale;

/** The four things one experiment spec can be run for. */
public enum Task {
  TRAIN,
  EVALUATE,
  INFERENCE,
  EXPORT;

  /** Returns the word used on the command line and as section name, such as {@code train}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Tells whether {@code word} is the {@link #key} of a task. */
  public static boolean isKey(String word) {
    return Arrays.stream(values()).anyMatch(task -> task.key().equals(word));
  }

  /** Returns the word as it starts a sentence, such as {@code Train}. */
  public String title() {
    return name().charAt(0) + key().substring(1);
  }
}
