package dev.changenet.cli;

import dev.changenet.config.SpecLint;
import dev.changenet.config.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code config}: checks a spec and shows where each value comes from. */
@Command(
    name = "config",
    mixinStandardHelpOptions = true,
    versionProvider = Program.Version.class,
    sortOptions = false,
    description = {
      "Check a spec without running anything, and show every setting with its origin.",
      "",
      "All errors are listed, each with its line of the file and what the key may hold; settings"
          + " that change nothing are warned about. The exit code is 0 for a spec with which the"
          + " task would start, else 1."
    },
    parameterListHeading = "%nArguments:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Examples:",
      "  changenet config -e spec.yaml",
      "  changenet config -e spec.yaml --task export --resolved",
      "  changenet config -e spec.yaml train.optim.lr=1e-3 results_dir=out",
      "  changenet config -e spec.yaml --no-files --json"
    })
final class ConfigCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Parameters(
      paramLabel = "KEY=VALUE",
      arity = "0..1",
      description = "Settings that replace the file's, as for the task.")
  private List<String> overrides = new ArrayList<>();

  @Option(
      names = {"-e", "--experiment_spec_file"},
      paramLabel = "SPEC",
      required = true,
      description = "The experiment spec, YAML or (*.json) JSON. Mandatory.")
  private Path specFile;

  @Option(
      names = {"--task", "--action"},
      paramLabel = "TASK",
      converter = TaskNames.class,
      completionCandidates = TaskNames.class,
      description = "Task to check for: ${COMPLETION-CANDIDATES} (default: train).")
  private Task task = Task.TRAIN;

  @Option(
      names = "--resolved",
      description = "Show the defaults too: every value that the task would work with.")
  private boolean resolved;

  @Option(
      names = "--no-files",
      description = "Don't ask whether data, checkpoints and other files of the spec are there.")
  private boolean noFiles;

  @Option(names = "--json", description = "Print errors, warnings and settings as JSON.")
  private boolean json;

  ConfigCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    SpecLint lint = SpecLint.of(specFile, overrides, task, !noFiles, System.getenv());
    if (json) {
      terminal.out().print(lint.json(resolved));
    } else {
      if (lint.isValid()) {
        terminal.out().print(lint.table(resolved));
        terminal.out().flush();
      }
      lint.warnings().forEach(line -> terminal.err().println("WARNING: " + line));
      terminal.err().print(lint.errors());
    }
    return lint.isValid() ? ExitCode.OK : ExitCode.FAILED;
  }
}
