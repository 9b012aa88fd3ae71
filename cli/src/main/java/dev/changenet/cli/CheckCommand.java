package dev.changenet.cli;

import dev.changenet.check.CheckReport;
import dev.changenet.check.CheckSettings;
import dev.changenet.check.CheckSettings.Depth;
import dev.changenet.check.DataDoctor;
import dev.changenet.check.MaskConversion;
import dev.changenet.check.Progress;
import dev.changenet.check.ReportJson;
import dev.changenet.check.ReportText;
import dev.changenet.check.Severity;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.image.OutputFile;
import dev.changenet.report.ShellCommand;
import dev.changenet.tensor.cpu.Parallel;
import dev.changenet.train.DataCheck;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code check}: what is wrong with a data set. */
@Command(
    name = "check",
    mixinStandardHelpOptions = true,
    versionProvider = Program.Version.class,
    sortOptions = false,
    synopsisHeading = "Usage: ",
    description = {
      "Look through a data set and say what is wrong with it, why, and what to do.",
      "",
      "Reads all pictures and masks of the train, val, test and predict lists: missing, broken and"
          + " unlisted files, sizes, how masks are stored and what label_transform makes of them,"
          + " empty classes, the same picture in two splits, shifted pairs. Changes nothing."
    },
    parameterListHeading = "%nArguments:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Examples:",
      "  changenet check -e spec.yaml",
      "  changenet check -e spec.yaml --quick                headers and some masks only",
      "  changenet check -e spec.yaml dataset.segment.label_transform=None",
      "  changenet check -e spec.yaml --json findings.json --strict",
      "  changenet check -e spec.yaml --convert-masks labels_by_class",
      "",
      "Exit code: 0 clean or notes and warnings only, 1 errors (with --strict warnings, too).",
      "Only the section dataset.segment of the spec is read; no checkpoint, no GPU is needed."
    })
final class CheckCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Mixin private DataSpecOptions source;

  @Option(
      names = "--quick",
      description =
          "Read only the headers of pictures, and some masks of each split; finds no leaks, shifts"
              + " or empty classes.")
  private boolean quick;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write all findings with all files as JSON; - is standard output.")
  private String json;

  @Option(names = "--strict", description = "Exit with 1 for warnings, too.")
  private boolean strict;

  @Option(
      names = "--convert-masks",
      paramLabel = "DIR",
      description =
          "Instead of checking, write the masks of train, val and test with one channel into a new"
              + " folder: colours become classes through color_map.")
  private String convert;

  @Mixin private RuntimeOptions runtime;

  CheckCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    String problem = runtime.apply();
    if (problem == null) {
      problem = source.problem();
    }
    if (problem != null) {
      terminal.err().println("ERROR: " + problem);
      return ExitCode.FAILED;
    }
    ConsoleReporter reporter = new ConsoleReporter(terminal);
    try {
      ExperimentSpec spec = source.load(reporter);
      CheckSettings settings =
          DataCheck.settings(spec, quick ? Depth.QUICK : Depth.FULL, Parallel.threads());
      long began = System.nanoTime();
      Progress progress = progress(reporter);
      return convert == null
          ? check(settings, progress, reporter, began)
          : convert(settings, progress, reporter);
    } catch (RuntimeException | Error e) {
      reporter.finish();
      return TaskExecution.report(terminal, e, runtime.verbose());
    }
  }

  /** Each part of the work has a clock of its own, which starts where the part before ended. */
  private static Progress progress(ConsoleReporter reporter) {
    return new Progress() {
      private String part;
      private long began;
      private long lastTold = System.nanoTime();

      @Override
      public void tell(String what, long done, long total) {
        if (!what.equals(part)) {
          part = what;
          began = lastTold;
        }
        lastTold = System.nanoTime();
        reporter.progress(what, done, total, (lastTold - began) * 1e-9, "");
      }
    };
  }

  private int check(
      CheckSettings settings, Progress progress, ConsoleReporter reporter, long began) {
    CheckReport report =
        DataDoctor.examine(settings, "-".equals(json) ? Progress.SILENT : progress);
    reporter.clear();
    if ("-".equals(json)) {
      terminal.out().print(ReportJson.of(report));
    } else {
      terminal.out().print(ReportText.of(report));
      terminal
          .out()
          .printf(
              "%s in %.1f s%n",
              quick ? "Quick check" : "Checked", (System.nanoTime() - began) * 1e-9);
    }
    if (json != null && !json.equals("-")) {
      OutputFile.write(Path.of(json), ReportJson.of(report));
    }
    boolean failed =
        report.count(Severity.ERROR) > 0 || strict && report.count(Severity.WARNING) > 0;
    return failed ? ExitCode.FAILED : ExitCode.OK;
  }

  private int convert(CheckSettings settings, Progress progress, ConsoleReporter reporter) {
    Path folder = Path.of(convert).toAbsolutePath().normalize();
    MaskConversion.Result result = new MaskConversion(settings, folder).run(progress);
    reporter.progressDone(
        "Wrote "
            + result.masks()
            + " masks with one channel into "
            + folder
            + (result.mapped() > 0 ? "; colours became classes through color_map" : ""));
    Path root = settings.data().rootDir();
    terminal
        .out()
        .println(
            "Use them with: dataset.segment.annotation_folder_name="
                + ShellCommand.quoted(
                    (folder.startsWith(root) ? root.relativize(folder) : folder).toString())
                + (result.mapped() > 0 ? " dataset.segment.label_transform=None" : ""));
    return ExitCode.OK;
  }
}
