package dev.changenet.cli;

import dev.changenet.config.Task;
import dev.changenet.generate.GeneratorSettings;
import dev.changenet.report.ShellCommand;
import dev.changenet.tensor.ChangeNetException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code quickstart}: from nothing to a trained and exported network. */
@Command(
    name = "quickstart",
    mixinStandardHelpOptions = true,
    versionProvider = Program.Version.class,
    sortOptions = false,
    description = {
      "Draw a small data set, then train, evaluate, run and export a network on it, in a few"
          + " minutes.",
      "",
      "Every step is the command that you would type yourself, and is shown as such. At the end you"
          + " have a spec to copy and the command lines for your own data."
    },
    optionListHeading = "%nOptions:%n",
    footer = {"", "Examples:", "  changenet quickstart", "  changenet quickstart --dir /tmp/first"})
final class QuickstartCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Folder to create (default: ${DEFAULT-VALUE}).")
  private Path dir = Path.of("quickstart");

  @Option(
      names = "--force",
      description = "Delete what an earlier quickstart left in the folder, and start again.")
  private boolean force;

  @Mixin private RuntimeOptions runtime;

  QuickstartCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    String problem = runtime.apply();
    if (problem != null) {
      terminal.err().println("ERROR: " + problem);
      return ExitCode.FAILED;
    }
    long began = System.nanoTime();
    QuickstartReporter reporter = new QuickstartReporter(terminal);
    QuickstartFolder folder = new QuickstartFolder(dir);
    try {
      folder.prepare(force);
      reporter.info("ChangeNet quickstart in " + folder.root());
      GeneratorSettings data = QuickstartFolder.DATA;
      step(
          reporter,
          1,
          "generate "
              + ShellCommand.quoted(folder.data().toString())
              + " --train "
              + data.train()
              + " --val "
              + data.val()
              + " --test "
              + data.test()
              + " --size "
              + data.size()
              + " --seed "
              + data.seed());
      SceneFolder.generate(folder.data(), data, reporter);
      folder.writeSpec();
      reporter.info("Wrote the experiment spec " + folder.spec());
    } catch (ChangeNetException e) {
      reporter.finish();
      terminal.err().println("ERROR: " + e.getMessage());
      return ExitCode.FAILED;
    }
    TaskExecution execution = new TaskExecution(terminal, reporter, runtime.verbose());
    for (Task task : Task.values()) {
      step(
          reporter,
          2 + task.ordinal(),
          task.key() + " -e " + ShellCommand.quoted(folder.spec().toString()));
      int code = execution.run(task, folder.spec(), List.of());
      if (code != ExitCode.OK) {
        terminal
            .err()
            .println(
                "The quickstart stopped at step "
                    + (2 + task.ordinal())
                    + ". Go on with the command lines of that step and the next ones, or start anew"
                    + " with --force.");
        return code;
      }
    }
    double seconds = (System.nanoTime() - began) * 1e-9;
    reporter.info(
        QuickstartSummary.text(folder, ShellCommand.beforeTask(), reporter.changeIou(), seconds));
    return ExitCode.OK;
  }

  private static void step(ConsoleReporter reporter, int number, String arguments) {
    String program =
        arguments.startsWith("generate") ? ShellCommand.launcher() : ShellCommand.beforeTask();
    reporter.info("");
    reporter.info("Step " + number + " of 5:  " + program + " " + arguments);
  }
}
