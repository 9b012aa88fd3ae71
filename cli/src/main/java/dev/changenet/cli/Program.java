package dev.changenet.cli;

import picocli.CommandLine.IVersionProvider;

/** What this program is called, and which version it is. */
final class Program {
  private Program() {}

  /** Returns {@code changenet}, or {@code tao} when started under that name. */
  static String name() {
    return System.getProperty("changenet.program", Main.DEFAULT_NAME);
  }

  /**
   * Returns the words in front of a task in command lines to copy: the program as the user started
   * it, where the launcher tells.
   */
  static String command() {
    String command = System.getProperty("changenet.command", name());
    return name().equals("tao") ? command + " model " + Main.NETWORK : command;
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
