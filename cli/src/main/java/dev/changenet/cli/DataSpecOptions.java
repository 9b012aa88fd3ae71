package dev.changenet.cli;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SpecLoader;
import dev.changenet.config.Task;
import dev.changenet.report.ShellCommand;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The spec of a command that reads its section {@code dataset.segment} alone. */
final class DataSpecOptions {
  @Parameters(
      paramLabel = "KEY=VALUE",
      arity = "0..1",
      description = "Settings that replace the file's: dataset.segment.root_dir=data")
  private List<String> overrides = new ArrayList<>();

  @Option(
      names = {"-e", "--experiment_spec_file"},
      paramLabel = "SPEC",
      required = true,
      description = "The experiment spec, YAML or JSON. Mandatory.")
  private String specFile;

  /** Returns why there is no spec to load, or null. */
  String problem() {
    if (Files.isDirectory(Path.of(specFile))) {
      return "-e: '" + specFile + "' is a folder, expected the experiment spec file";
    }
    return Files.exists(Path.of(specFile))
        ? null
        : "the experiment spec file '" + specFile + "' does not exist";
  }

  /** Loads the spec and tells its warnings. */
  ExperimentSpec load(ConsoleReporter reporter) {
    ExperimentSpec spec = new SpecLoader(Task.TRAIN).dataOnly().load(Path.of(specFile), overrides);
    spec.warnings().forEach(reporter::warn);
    return spec;
  }

  /** The same options, to copy to another command. */
  String words() {
    StringBuilder words = new StringBuilder("-e " + ShellCommand.quoted(specFile));
    overrides.forEach(o -> words.append(' ').append(ShellCommand.quoted(o)));
    return words.toString();
  }
}
