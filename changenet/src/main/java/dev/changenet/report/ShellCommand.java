package dev.changenet.report;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import java.util.ArrayList;
import java.util.List;

/** Command lines to copy into a POSIX shell. */
public final class ShellCommand {
  /** The network's name in front of a task, as in {@code tao model visual_changenet train}. */
  public static final String NETWORK = "visual_changenet";

  private ShellCommand() {}

  /** Returns {@code changenet}, or {@code tao} when this program was started under that name. */
  public static String program() {
    return System.getProperty("changenet.program", "changenet");
  }

  /** Returns the program as the user started it, where the launcher tells, quoted. */
  public static String launcher() {
    return quoted(System.getProperty("changenet.command", program()));
  }

  /** Returns the words in front of a task. */
  public static String beforeTask() {
    return program().equals("tao") ? launcher() + " model " + NETWORK : launcher();
  }

  /** The command that starts a run again. */
  static String of(ExperimentSpec spec) {
    return of(spec, spec.task().key());
  }

  /** Returns the line for {@code command} with a run's spec and overrides. */
  public static String of(ExperimentSpec spec, String command) {
    List<String> words = new ArrayList<>();
    words.add(Task.isKey(command) ? beforeTask() : launcher());
    words.add(quoted(command));
    words.add("-e");
    words.add(quoted(spec.specFile().toString()));
    spec.overrides().forEach(o -> words.add(quoted(o)));
    return String.join(" ", words);
  }

  /** Returns {@code word} as a shell reads it back: in quotes where it needs them. */
  public static String quoted(String word) {
    return word.matches("[A-Za-z0-9_./:=@%+,~-]+") && !word.startsWith("~")
        ? word
        : "'" + word.replace("'", "'\\''") + "'";
  }
}
