package dev.changenet.config;

/**
 * One thing that is wrong with a spec.
 *
 * @param errorClass the schema's class of the error
 * @param kind the cause reported in {@code status.json}
 * @param key full dotted key; empty when no key can be named (syntax errors)
 * @param location where the setting was written
 * @param text the sentence for the user, without the location
 */
public record SpecError(
    ErrorClass errorClass, FailureKind kind, String key, Location location, String text) {

  static SpecError syntax(Location location, String text) {
    return new SpecError(ErrorClass.SYNTAX, FailureKind.CONFIGURATION, "", location, text);
  }

  static SpecError unknownKey(String key, Location location, String text) {
    return new SpecError(ErrorClass.UNKNOWN_KEY, FailureKind.CONFIGURATION, key, location, text);
  }

  static SpecError type(String key, Location location, String text) {
    return new SpecError(ErrorClass.TYPE, FailureKind.PARAMETER, key, location, text);
  }

  static SpecError range(String key, Location location, String text) {
    return new SpecError(ErrorClass.RANGE, FailureKind.PARAMETER, key, location, text);
  }

  static SpecError missing(String key, Location location, String text) {
    return new SpecError(ErrorClass.MISSING, FailureKind.CONFIGURATION, key, location, text);
  }

  static SpecError unusable(FailureKind kind, String key, Location location, String text) {
    return new SpecError(ErrorClass.UNUSABLE, kind, key, location, text);
  }

  /** Returns the line for the user: location, colon, sentence. */
  public String message() {
    return location + ": " + text;
  }
}
