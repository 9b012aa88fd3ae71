package dev.changenet.cli;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SpecException;
import dev.changenet.config.Task;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.cpu.Parallel;
import dev.changenet.train.Failure;
import dev.changenet.train.InterruptedRunException;
import dev.changenet.train.Interruption;
import dev.changenet.train.StatusLog;
import dev.changenet.train.TaskRunner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/** Runs one task from spec file and overrides and tells the user how it ended. */
final class TaskExecution {
  private final Terminal terminal;
  private final ConsoleReporter reporter;
  private final boolean stackTraces;

  TaskExecution(Terminal terminal, ConsoleReporter reporter, boolean stackTraces) {
    this.terminal = terminal;
    this.reporter = reporter;
    this.stackTraces = stackTraces;
  }

  /** Prints the last line of a task. */
  static void printStatus(Terminal terminal, boolean passed) {
    terminal.err().flush();
    terminal.out().println("Execution status: " + (passed ? "PASS" : "FAIL"));
    terminal.out().flush();
  }

  /** Runs the task; returns the exit code. */
  int run(Task task, Path specFile, List<String> overrides) {
    Interruption interruption = new Interruption();
    StopSignals signals =
        new StopSignals(
            interruption,
            () ->
                reporter.warn(
                    task == Task.TRAIN
                        ? "stopping at the next safe point and saving; Ctrl-C (or the signal) again"
                            + " stops at once, without saving"
                        : "stopping at the next safe point; Ctrl-C (or the signal) again stops at"
                            + " once"));
    Path results = null;
    Parallel.environmentProblem(System.getenv("OMP_NUM_THREADS")).ifPresent(reporter::warn);
    try (signals) {
      ExperimentSpec spec = ExperimentSpec.load(specFile, overrides, task, System.getenv());
      results = spec.resultsDir();
      TaskRunner.run(spec, reporter, interruption);
      reporter.finish();
      return ExitCode.OK;
    } catch (InterruptedRunException e) {
      reporter.finish();
      terminal
          .err()
          .println(
              "ERROR: "
                  + task.key()
                  + " was interrupted"
                  + (task == Task.TRAIN ? whatNext(results) : ""));
      return signals.exitCode();
    } catch (SpecException e) {
      reporter.finish();
      recordFailure(e);
      return report(e);
    } catch (RuntimeException | Error e) {
      reporter.finish();
      return report(e);
    }
  }

  private static String whatNext(Path results) {
    return results != null && TaskRunner.canContinue(results)
        ? "; run the same command again to continue from the latest checkpoint"
        : "; nothing was saved yet, run the same command again";
  }

  private void recordFailure(SpecException e) {
    if (e.resultsDir().isEmpty()) {
      return;
    }
    Path dir = e.resultsDir().get();
    try {
      Files.createDirectories(dir);
      new StatusLog(dir).write(StatusLog.Status.FAILURE, e.statusMessage());
    } catch (IOException | ChangeNetException second) {
      reporter.warn("the failure cannot be recorded in " + dir + " (" + second + ")");
    }
  }

  private int report(Throwable e) {
    return report(terminal, e, stackTraces);
  }

  /** Tells the user why a command failed; returns the exit code. */
  static int report(Terminal terminal, Throwable thrown, boolean stackTrace) {
    Throwable e = Failure.unwrap(thrown);
    terminal.out().flush();
    terminal.err().println("ERROR: " + message(e));
    if (stackTrace) {
      e.printStackTrace(terminal.err());
    }
    terminal.err().flush();
    return ExitCode.FAILED;
  }

  private static String message(Throwable e) {
    if (e instanceof SpecException spec) {
      return spec.details().stripTrailing();
    }
    if (e instanceof ChangeNetException || e instanceof OutOfMemoryError) {
      return Failure.userMessage(e);
    }
    if (e instanceof NoClassDefFoundError && e.getMessage().startsWith("jdk/incubator/vector")) {
      return "Java runs without its vector module; start ChangeNet with bin/changenet, or add"
          + " --add-modules jdk.incubator.vector to the java command";
    }
    if (e instanceof InvalidPathException path) {
      return "'"
          + path.getInput()
          + "' is no path on this system ("
          + path.getReason()
          + ")"
          + (path.getInput().chars().allMatch(c -> c < 128)
              ? ""
              : "; letters beyond ASCII need a UTF-8 locale, such as LC_ALL=C.UTF-8");
    }
    return "unexpected "
        + e.getClass().getSimpleName()
        + ": "
        + e.getMessage()
        + "; this is a defect of ChangeNet, --verbose shows where";
  }
}
