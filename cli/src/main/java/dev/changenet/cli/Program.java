package dev.changenet.cli;

import picocli.CommandLine.IVersionProvider;

/** Which version this program is. */
final class Program {
  private Program() {}

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
