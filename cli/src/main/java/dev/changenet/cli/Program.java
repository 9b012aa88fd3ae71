package dev.changenet.cli;

import picocli.CommandLine.IVersionProvider;

/** What this program is called, and which version it is. */
final class Program {
  private Program() {}

  /** Returns {@code changenet}, or {@code tao} when started under that name. */
  static String name() {
    return System.getProperty("changenet.program", Main.DEFAULT_NAME);
  }

  /** Returns the program as the user started it, quoted for a shell. */
  static String launcher() {
    return quote(System.getProperty("changenet.command", name()));
  }

  /** Returns {@code word} as a shell reads it back: in quotes where it needs them. */
  static String quote(String word) {
    return word.matches("[A-Za-z0-9_./:=@%+,~-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  /**
   * Returns the words in front of a task in command lines to copy: the program as the user started
   * it, where the launcher tells.
   */
  static String command() {
    return name().equals("tao") ? launcher() + " model " + Main.NETWORK : launcher();
  }

  /** The version line. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Program.class.getPackage().getImplementationVersion();
      String known = version == null ? "(development build)" : version;
      return new String[] {"changenet " + known + ", Java " + Runtime.version()};
    }
  }
}
