package dev.changenet.config;

/** Keeps the encryption key out of everything that is printed or written. */
final class Secrets {
  static final String KEY = "encryption_key";
  static final String MASK = "*****";

  private Secrets() {}

  static boolean isSecret(String key) {
    return key.equals(KEY);
  }

  /** Returns the override with its value hidden when it sets the encryption key. */
  static String maskArgument(String argument) {
    int equals = argument.indexOf('=');
    if (equals < 0) {
      return argument;
    }
    String key = argument.substring(0, equals).strip();
    return isSecret(key.replaceFirst("^\\++", ""))
        ? argument.substring(0, equals + 1) + MASK
        : argument;
  }
}
