package dev.changenet.cli;

import dev.changenet.config.Spelling;
import dev.changenet.report.ShellCommand;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** Entry point: finds the command, runs it, ends the process with its exit code. */
public final class Main {
  static final String DEFAULT_NAME = "changenet";

  private Main() {}

  public static void main(String[] args) {
    // Numbers in files and messages look the same for everybody.
    Locale.setDefault(Locale.ROOT);
    StandardOutput out = new StandardOutput();
    Terminal terminal = Terminal.standard(out);
    int code = run(terminal, args);
    if (code == ExitCode.OK && out.problem() != null) {
      boolean failure = onlyPrints(args);
      terminal
          .err()
          .println(
              (failure ? "ERROR" : "WARNING")
                  + ": standard output can't be written: "
                  + out.problem());
      code = failure ? ExitCode.FAILED : ExitCode.OK;
    }
    System.exit(code);
  }

  /** True for commands whose result is what they print; others leave files. */
  private static boolean onlyPrints(String... args) {
    List<String> leaveFiles = List.of("train", "evaluate", "inference", "export", "quickstart");
    List<String> printing = List.of("-h", "--help", "-V", "--version", "--keys");
    return Arrays.stream(args).anyMatch(printing::contains)
        || Arrays.stream(args)
            .dropWhile(word -> word.equals("model") || word.equals(ShellCommand.NETWORK))
            .limit(1)
            .noneMatch(leaveFiles::contains);
  }

  /** Runs one command line; returns its exit code. */
  static int run(Terminal terminal, String... args) {
    String name = ShellCommand.program();
    List<String> rest = Arrays.asList(args);
    boolean networkNamed = false;
    if (startsWith(rest, "model")) {
      name += " model";
      rest = rest.subList(1, rest.size());
      if (!rest.isEmpty()
          && !startsWith(rest, ShellCommand.NETWORK)
          && !rest.getFirst().startsWith("-")) {
        terminal
            .err()
            .println(
                "unknown network '"
                    + rest.getFirst()
                    + "'; this program has "
                    + ShellCommand.NETWORK
                    + ": "
                    + name
                    + " "
                    + ShellCommand.NETWORK
                    + " TASK -e SPEC");
        terminal.err().flush();
        return ExitCode.USAGE;
      }
      networkNamed = true;
    }
    if (startsWith(rest, ShellCommand.NETWORK)) {
      name += " " + ShellCommand.NETWORK;
      rest = rest.subList(1, rest.size());
      networkNamed = true;
    }
    int code = commandLine(terminal, name, networkNamed).execute(rest.toArray(String[]::new));
    terminal.out().flush();
    terminal.err().flush();
    return code;
  }

  private static boolean startsWith(List<String> args, String word) {
    return !args.isEmpty() && args.getFirst().equals(word);
  }

  static CommandLine commandLine(Terminal terminal, String name, boolean tasksOnly) {
    CommandLine root = new CommandLine(new RootCommand(terminal));
    root.addSubcommand("train", new TrainCommand(terminal));
    root.addSubcommand("evaluate", new EvaluateCommand(terminal));
    root.addSubcommand("inference", InferenceCommand.commandLine(terminal));
    root.addSubcommand("export", new ExportCommand(terminal));
    root.addSubcommand("get-spec", new GetSpecCommand(terminal));
    if (!tasksOnly) {
      root.addSubcommand("config", new ConfigCommand(terminal));
      root.addSubcommand("quickstart", new QuickstartCommand(terminal));
      root.addSubcommand("split", new SplitCommand(terminal));
      root.addSubcommand("check", new CheckCommand(terminal));
      root.addSubcommand("generate", new GenerateCommand(terminal));
      root.addSubcommand("inspect", new InspectCommand(terminal));
      root.addSubcommand("completion", new Completion());
    }
    root.setCommandName(name);
    if (tasksOnly) {
      root.getCommandSpec()
          .usageMessage()
          .footer("", "Example: " + name + " train -e spec.yaml train.num_epochs=50");
    }
    if (!name.equals(DEFAULT_NAME)) {
      showName(root, name);
    }
    root.setOut(terminal.out());
    root.setErr(terminal.err());
    root.setExpandAtFiles(false);
    root.setAbbreviatedOptionsAllowed(true);
    root.setUsageHelpWidth(100);
    root.setUsageHelpLongOptionsMaxWidth(34);
    root.setParameterExceptionHandler((e, args) -> badArguments(terminal, e, args));
    root.setExecutionExceptionHandler((e, command, parsed) -> failed(terminal, e, command, parsed));
    for (CommandLine command : root.getSubcommands().values()) {
      if (command.getCommand() instanceof TaskCommand
          || command.getCommand() instanceof ConfigCommand) {
        // The parser of overrides knows better what is wrong with them.
        command.setUnmatchedOptionsArePositionalParams(true);
      }
    }
    return root;
  }

  /** Puts the name that the user typed into the examples. */
  private static void showName(CommandLine root, String name) {
    for (CommandLine command : root.getSubcommands().values()) {
      CommandLine.Model.UsageMessageSpec usage = command.getCommandSpec().usageMessage();
      usage.footer(
          Arrays.stream(usage.footer())
              .map(line -> line.replace("  " + DEFAULT_NAME + " ", "  " + name + " "))
              .toArray(String[]::new));
    }
  }

  private static int badArguments(Terminal terminal, ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    boolean root = command.getParent() == null;
    List<String> given = Arrays.asList(args);
    if (!root && (given.contains("-h") || given.contains("--help"))) {
      command.usage(terminal.out());
      return ExitCode.OK;
    }
    String message = e.getMessage().lines().findFirst().orElse("").replaceFirst("^Error: ", "");
    if (root) {
      terminal.err().println(rootProblem(e, message));
      command.usage(terminal.err());
      return ExitCode.USAGE;
    }
    terminal.err().println("ERROR: " + message);
    terminal.err().println("See: " + command.getCommandSpec().qualifiedName() + " --help");
    if (command.getCommand() instanceof TaskCommand) {
      TaskExecution.printStatus(terminal, false);
    }
    return ExitCode.FAILED;
  }

  /** What a command didn't expect, such as words that are no path. */
  private static int failed(
      Terminal terminal, Exception e, CommandLine command, CommandLine.ParseResult parsed) {
    boolean verbose = parsed.originalArgs().contains("--verbose");
    int code = TaskExecution.report(terminal, e, verbose);
    if (command.getCommand() instanceof TaskCommand) {
      TaskExecution.printStatus(terminal, false);
    }
    return code;
  }

  private static String rootProblem(ParameterException e, String message) {
    if (e instanceof CommandLine.UnmatchedArgumentException u
        && !u.getUnmatched().isEmpty()
        && !u.getUnmatched().getFirst().startsWith("-")) {
      String word = u.getUnmatched().getFirst();
      String meant = meant(e, word);
      boolean tools = meant.isEmpty() && e.getCommandLine().getSubcommands().containsKey("split");
      return "unknown task '"
          + word
          + "'; "
          + RootCommand.VALID_TASKS
          + (tools ? "; tools: " + RootCommand.TOOLS : meant);
    }
    return message + "; " + RootCommand.VALID_TASKS;
  }

  private static String meant(ParameterException e, String word) {
    if (word.equals("deploy") || word.equals("gen_trt_engine")) {
      return "; TensorRT engines are made by TAO Deploy, from the file that export writes";
    }
    List<String> names =
        e.getCommandLine().getSubcommands().entrySet().stream()
            .filter(entry -> !entry.getValue().getCommandSpec().usageMessage().hidden())
            .map(Map.Entry::getKey)
            .toList();
    List<String> near = Spelling.nearest(word.toLowerCase(Locale.ROOT), names, 2);
    return near.isEmpty() ? "" : "; did you mean '" + String.join("' or '", near) + "'?";
  }

  /** {@code completion}: picocli's generator under a shorter name. */
  @Command(
      name = "completion",
      description = "Print a completion script for bash and zsh: source <(changenet completion)")
  static final class Completion extends AutoComplete.GenerateCompletion {}
}
