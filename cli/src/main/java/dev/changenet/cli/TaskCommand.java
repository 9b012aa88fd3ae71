package dev.changenet.cli;

import dev.changenet.config.SpecReference;
import dev.changenet.config.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What the four tasks have in common: a spec file and overrides. */
@Command(
    mixinStandardHelpOptions = true,
    versionProvider = Program.Version.class,
    sortOptions = false,
    synopsisHeading = "Usage: ",
    parameterListHeading = "%nArguments:%n",
    optionListHeading = "%nOptions:%n")
abstract class TaskCommand implements Callable<Integer> {
  /** Key of the text on the spec in the resources of a command that has its own. */
  static final String SPEC_TEXT = "spec";

  private final Task task;
  private final Terminal terminal;

  // One at a time: a greedy list would swallow an abbreviated option behind an override.
  @Parameters(
      paramLabel = "KEY=VALUE",
      arity = "0..1",
      description = "Settings that replace the file's: dataset.segment.batch_size=4")
  private List<String> overrides = new ArrayList<>();

  @Option(
      names = {"-e", "--experiment_spec_file"},
      paramLabel = "SPEC",
      descriptionKey = SPEC_TEXT,
      description = "The experiment spec, a YAML or JSON file. Mandatory.")
  private String specFile;

  @Option(
      names = "--keys",
      description = "List every spec key that this task reads, with type and default, and exit.")
  private boolean keys;

  @Mixin private RuntimeOptions runtime;

  @Option(
      names = {"-k", "--key"},
      hidden = true,
      paramLabel = "KEY")
  private String key;

  @Option(
      names = {"-r", "--results_dir"},
      hidden = true,
      paramLabel = "DIR")
  private String resultsDir;

  @Option(
      names = {"-g", "--gpus"},
      hidden = true,
      paramLabel = "N")
  private Integer gpus;

  TaskCommand(Task task, Terminal terminal) {
    this.task = task;
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    if (keys) {
      terminal.out().print(SpecReference.help(task));
      return ExitCode.OK;
    }
    int code = run();
    TaskExecution.printStatus(terminal, code == ExitCode.OK);
    return code;
  }

  /**
   * Returns the settings that the arguments without a dash stand for; a task may understand more
   * than KEY=VALUE.
   */
  List<String> settings(List<String> arguments) {
    return arguments;
  }

  /**
   * Returns the spec to use when the user names none, and settings that replace the file's.
   *
   * @param arguments the user's settings
   */
  Optional<FoundSpec> findSpec(List<String> arguments) {
    return Optional.empty();
  }

  /** Returns why {@link #findSpec} finds none, if the user expects it to. */
  Optional<String> whyNoSpec(List<String> arguments) {
    return Optional.empty();
  }

  /** Returns what is wrong with arguments that are no settings, if the task knows better. */
  Optional<String> problem(List<String> arguments) {
    return Optional.empty();
  }

  /**
   * A spec that the user did not name.
   *
   * @param file the spec
   * @param settings replaced by those of the user
   */
  record FoundSpec(String file, List<String> settings) {}

  private int run() {
    List<String> arguments = settings(overrides);
    List<String> more = List.of();
    Optional<String> forgotten = arguments.stream().filter(TaskCommand::isSpecFile).findFirst();
    if (specFile == null && forgotten.isEmpty()) {
      Optional<String> cause = problem(arguments).or(() -> whyNoSpec(arguments));
      if (cause.isPresent()) {
        terminal.err().println("ERROR: " + cause.get());
        return ExitCode.FAILED;
      }
      Optional<FoundSpec> found = findSpec(arguments);
      if (found.isPresent()) {
        specFile = found.get().file();
        more = found.get().settings();
      }
    }
    if (specFile == null) {
      terminal
          .out()
          .println(
              "ERROR: The subtask `"
                  + task.key()
                  + "` requires the following argument: -e/--experiment_spec_file"
                  + forgotten.map(file -> "; did you mean -e " + file + "?").orElse(""));
      return ExitCode.FAILED;
    }
    if (specFile.indexOf('\0') >= 0 || specFile.isEmpty() || !Files.exists(Path.of(specFile))) {
      terminal
          .out()
          .println("ERROR: The indicated experiment spec file `" + specFile + "` doesn't exist!");
      return ExitCode.FAILED;
    }
    String problem = looseEquals(arguments).or(() -> problem(arguments)).orElseGet(runtime::apply);
    if (problem != null) {
      terminal.err().println("ERROR: " + problem);
      return ExitCode.FAILED;
    }
    ConsoleReporter reporter = new ConsoleReporter(terminal);
    List<String> settings = new ArrayList<>(more);
    settings.addAll(legacySettings(reporter));
    settings.addAll(arguments);
    return new TaskExecution(terminal, reporter, runtime.verbose())
        .run(task, Path.of(specFile), settings);
  }

  /** Says what to do about blanks around an equals sign, which make three words of a setting. */
  private static Optional<String> looseEquals(List<String> arguments) {
    for (int i = 1; i < arguments.size(); i++) {
      String key = arguments.get(i - 1);
      if (arguments.get(i).startsWith("=") && !key.contains("=")) {
        return Optional.of(
            "override '" + key + "': no blanks around =; write " + key + "=VALUE in one word");
      }
    }
    return Optional.empty();
  }

  static boolean isSpecFile(String argument) {
    return !argument.contains("=") && argument.matches("[^-~+].*\\.(yaml|yml|json)");
  }

  /** Translates the options of TAO 5.2; they come first, so that a setting by its key wins. */
  private List<String> legacySettings(ConsoleReporter reporter) {
    List<String> settings = new ArrayList<>();
    if (key != null) {
      reporter.warn("-k/--key is deprecated; write encryption_key=KEY");
      settings.add("encryption_key=" + quoted(key));
    }
    if (resultsDir != null) {
      reporter.warn("-r/--results_dir is deprecated; write results_dir=" + resultsDir);
      settings.add("results_dir=" + quoted(resultsDir));
    }
    if (gpus != null && task == Task.EXPORT) {
      reporter.warn("-g/--gpus is deprecated and ignored; export runs on export.gpu_id");
    } else if (gpus != null) {
      reporter.warn("-g/--gpus is deprecated; write " + task.key() + ".num_gpus=" + gpus);
      settings.add(task.key() + ".num_gpus=" + gpus);
    }
    return settings;
  }

  /** Returns {@code text} such that the parser of overrides takes it as it is. */
  static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("'");
    int backslashes = 0;
    for (char c : text.toCharArray()) {
      if (c == '\'') {
        quoted.append("\\".repeat(backslashes + 1));
      }
      backslashes = c == '\\' ? backslashes + 1 : 0;
      quoted.append(c);
    }
    return quoted.append("\\".repeat(backslashes)).append('\'').toString();
  }
}
