package dev.changenet.config;

/**
 * A setting of a loaded spec and where it comes from.
 *
 * @param key full dotted key
 * @param value value as the spec would write it; the encryption key masked
 * @param defaultValue what it would be without a word of the user, likewise
 * @param source {@code default}, {@code file:line}, or {@code override}
 * @param given whether the user gave it
 * @param read whether the task reads it
 */
public record Origin(
    String key, String value, String defaultValue, String source, boolean given, boolean read) {

  static Origin of(SpecKey key, SpecTree.Setting setting, Object value, Task task) {
    boolean hidden = Secrets.isSecret(key.path()) && value != null;
    Location at = setting.location();
    String given =
        at.isOverride() ? "override" : at.line() > 0 ? at.file() + ":" + at.line() : at.file();
    return new Origin(
        key.path(),
        hidden ? Secrets.MASK : SpecWriter.flow(value),
        SpecWriter.flow(SpecSchema.get().defaultValue(key.path())),
        setting.given() ? given : "default",
        setting.given(),
        key.readBy().contains(task));
  }
}
