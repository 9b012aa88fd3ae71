package dev.changenet.train;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.export.ExportRun;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.AtomicFile;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * Runs a task from its spec: results directory, {@code experiment.yaml}, status lines, and exactly
 * one FAILURE line when it fails.
 */
public final class TaskRunner {
  private TaskRunner() {}

  /**
   * @throws ChangeNetException when the task fails for a reason the user can act on; the failure
   *     has been recorded
   */
  public static void run(ExperimentSpec spec, Reporter reporter, Interruption interruption) {
    Task task = spec.task();
    Path dir = spec.resultsDir();
    try {
      Files.createDirectories(dir);
    } catch (IOException e) {
      throw new ChangeNetException(
          "results_dir: cannot create "
              + dir
              + " ("
              + AtomicFile.cause(e)
              + "); choose another results_dir",
          e);
    }
    try (ResultsLock _ = task == Task.TRAIN ? lock(dir, reporter) : null) {
      run(spec, reporter, interruption, dir);
    }
  }

  /** Locks {@code dir}, or warns and returns null: some network file systems have no locks. */
  private static ResultsLock lock(Path dir, Reporter reporter) {
    try {
      return ResultsLock.take(dir);
    } catch (IOException e) {
      reporter.warn(
          "results_dir: "
              + dir
              + " cannot be locked ("
              + IoProblem.of(e)
              + "); see to it that no other training writes there");
      return null;
    }
  }

  private static void run(
      ExperimentSpec spec, Reporter reporter, Interruption interruption, Path dir) {
    Task task = spec.task();
    if (!Files.exists(dir.resolve(ExperimentSpec.FILE))) {
      spec.writeExperimentYaml();
    }
    StatusLog status = new StatusLog(dir);
    String title = task.title();
    reporter.info(title + " results will be saved at: " + dir);
    status.write(StatusLog.Status.STARTED, "Starting Visual ChangeNet " + task.key() + ".");
    try {
      reporter.spec(spec.toYaml().stripTrailing());
      spec.warnings().forEach(reporter::warn);
      RunContext context = new RunContext(spec, reporter, status, interruption);
      context.announceGpu();
      switch (task) {
        case TRAIN -> new TrainRun(context).run();
        case EVALUATE -> new EvaluateRun(context).run();
        case INFERENCE -> new InferenceRun(context).run();
        case EXPORT -> new ExportRun(context).run();
      }
      status.write(StatusLog.Status.RUNNING, title + " finished successfully.");
      if ("True".equals(System.getenv("CLOUD_BASED"))) {
        status.write(
            StatusLog.Status.RUNNING,
            "Job artifacts in results dir are being uploaded to the cloud");
      }
    } catch (RuntimeException | Error e) {
      recordFailure(status, title, e);
      throw e;
    }
  }

  /** Tells whether a training that was interrupted can go on from what it saved. */
  public static boolean canContinue(Path resultsDir) {
    return Files.exists(resultsDir.resolve(Checkpoint.LATEST), LinkOption.NOFOLLOW_LINKS);
  }

  private static void recordFailure(StatusLog status, String title, Throwable e) {
    try {
      status.write(StatusLog.Status.FAILURE, Failure.statusMessage(title, e));
    } catch (ChangeNetException second) {
      // The first failure (a full disk, say) is the one to report.
      e.addSuppressed(second);
    }
  }
}
