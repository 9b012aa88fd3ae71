package dev.changenet.report;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import java.util.ArrayList;
import java.util.List;

/** Commands to copy that take a run's spec and overrides. */
public final class CommandLine {
  private CommandLine() {}

  /** The command that starts a run again. */
  static String of(ExperimentSpec spec) {
    return of(spec, spec.task().key());
  }

  /** Returns the command, each word quoted for a POSIX shell where it needs quotes. */
  public static String of(ExperimentSpec spec, String command) {
    String program = System.getProperty("changenet.program", "changenet");
    List<String> words = new ArrayList<>();
    words.add(System.getProperty("changenet.command", program));
    if (program.equals("tao") && Task.isKey(command)) {
      words.add("model");
      words.add("visual_changenet");
    }
    words.add(command);
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
