package dev.changenet.config;

/**
 * Where a setting was written: a place in a spec file, a command-line override, or (line 0) a file
 * as a whole.
 *
 * @param file the spec file as the user named it; empty for an override
 * @param line 1-based line, 0 when the location is not inside a file
 * @param column 1-based column, 0 when the location is not inside a file
 * @param override the command-line argument; empty for a file
 */
public record Location(String file, int line, int column, String override) {

  static Location in(String file, int line, int column) {
    return new Location(file, line, column, "");
  }

  static Location file(String file) {
    return new Location(file, 0, 0, "");
  }

  static Location override(String argument) {
    return new Location("", 0, 0, argument);
  }

  /** Returns true for a command-line override. */
  public boolean isOverride() {
    return !override.isEmpty();
  }

  /** Returns the location as it starts an error line. */
  @Override
  public String toString() {
    if (isOverride()) {
      return "override '" + Secrets.maskArgument(override) + "'";
    }
    return line == 0 ? file : file + ":" + line + ":" + column;
  }
}
