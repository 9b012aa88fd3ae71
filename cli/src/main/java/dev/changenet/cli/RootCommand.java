package dev.changenet.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command without a task: says which tasks there are. */
@Command(
    name = "changenet",
    mixinStandardHelpOptions = true,
    versionProvider = Program.Version.class,
    synopsisSubcommandLabel = "TASK",
    description =
        "Trains, evaluates, runs and exports Visual ChangeNet models, which find what changed"
            + " between two pictures of one place.",
    commandListHeading = "%nTasks and tools:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "First steps:",
      "  changenet quickstart                       data, training, pictures, ONNX in a few"
          + " minutes",
      "  changenet split -e spec.yaml               write train, val and test lists",
      "  changenet check -e spec.yaml               look for faults in your data",
      "  changenet train -e spec.yaml               train on your data",
      "  changenet train -e spec.yaml train.num_epochs=50 results_dir=out",
      "  changenet train --help                     options, examples, most important keys",
      "",
      "TAO's spellings 'model visual_changenet TASK' and 'visual_changenet TASK' work too."
    })
final class RootCommand implements Callable<Integer> {
  static final String TOOLS =
      "quickstart, split, check, config, get-spec, inspect, generate, completion";

  static final String VALID_TASKS = "valid tasks: train, evaluate, inference, export";

  private final Terminal terminal;

  @Spec private CommandSpec spec;

  RootCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    terminal.err().println("a task is missing; " + VALID_TASKS);
    spec.commandLine().usage(terminal.err());
    return ExitCode.USAGE;
  }
}
