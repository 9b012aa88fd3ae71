package dev.changenet.config;

import java.util.List;

/**
 * One thing that is wrong with a spec.
 *
 * @param errorClass the schema's class of the error
 * @param kind the cause reported in {@code status.json}
 * @param key full dotted key; empty when no key can be named (syntax errors)
 * @param location where the setting was written
 * @param text the sentence for the user, without the location
 * @param nearest declared keys that were probably meant, for an unknown key; else empty
 */
public record SpecError(
    ErrorClass errorClass,
    FailureKind kind,
    String key,
    Location location,
    String text,
    List<String> nearest) {

  public SpecError {
    nearest = List.copyOf(nearest);
  }

  private SpecError(
      ErrorClass errorClass, FailureKind kind, String key, Location location, String text) {
    this(errorClass, kind, key, location, text, List.of());
  }

  static SpecError syntax(Location location, String text) {
    return new SpecError(ErrorClass.SYNTAX, FailureKind.CONFIGURATION, "", location, text);
  }

  static SpecError unknownKey(String key, Location location, String text, List<String> nearest) {
    return new SpecError(
        ErrorClass.UNKNOWN_KEY, FailureKind.CONFIGURATION, key, location, text, nearest);
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

  /**
   * Returns what the key of the error may hold, or for an unknown key what the nearest one may;
   * empty where that would not help.
   */
  String note() {
    String about =
        switch (errorClass) {
          case UNKNOWN_KEY -> nearest.isEmpty() ? "" : nearest.getFirst();
          case TYPE, RANGE, MISSING -> key;
          case SYNTAX, UNUSABLE -> "";
        };
    return SpecSchema.get().enclosing(about).map(declared -> note(declared)).orElse("");
  }

  private String note(SpecKey declared) {
    String allowed = declared.constraint().text();
    return declared.path()
        + ": "
        + declared.type().expectation()
        + (allowed.isEmpty() || text.contains(allowed) ? "" : ", " + allowed)
        + (declared.isMandatory() ? ", mandatory" : ", default " + declared.defaultText())
        + ". "
        + declared.description();
  }
}
