package dev.changenet.report;

import dev.changenet.config.ExperimentSpec;
import java.util.ArrayList;
import java.util.List;

/** The command that starts a run again. */
final class CommandLine {
  private CommandLine() {}

  /** Returns the command, each word quoted for a POSIX shell where it needs quotes. */
  static String of(ExperimentSpec spec) {
    String program = System.getProperty("changenet.program", "changenet");
    List<String> words = new ArrayList<>();
    words.add(System.getProperty("changenet.command", program));
    if (program.equals("tao")) {
      words.add("model");
      words.add("visual_changenet");
    }
    words.add(spec.task().key());
    words.add("-e");
    words.add(spec.specFile().toString());
    words.addAll(spec.overrides());
    return String.join(" ", words.stream().map(CommandLine::quoted).toList());
  }

  static String quoted(String word) {
    return word.matches("[A-Za-z0-9_./:=@%+,~-]+") && !word.startsWith("~")
        ? word
        : "'" + word.replace("'", "'\\''") + "'";
  }
}
