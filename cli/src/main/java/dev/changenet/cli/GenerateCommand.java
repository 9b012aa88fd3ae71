package dev.changenet.cli;

import dev.changenet.generate.GeneratorSettings;
import dev.changenet.report.ShellCommand;
import dev.changenet.tensor.ChangeNetException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code generate}: a data set of made-up aerial scenes. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    versionProvider = Program.Version.class,
    sortOptions = false,
    description = {
      "Draw a data set of made-up aerial scenes, to try things out without data of your own.",
      "",
      "Each pair shows one place at two dates: buildings appear, vanish and are rebuilt, which is"
          + " change; light, season, shadows, cars and haze differ too, which is not."
    },
    parameterListHeading = "%nArguments:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Examples:",
      "  changenet generate data",
      "  changenet generate data --train 400 --val 50 --test 50 --size 256",
      "  changenet generate data --classes 5 --seed 7",
      "",
      "The folder gets A, B and label with PNG files, and list with train.txt, val.txt, test.txt"
          + " and",
      "predict.txt. Masks hold 0 and 255 for two classes (label_transform: norm), class numbers for"
          + " more",
      "(label_transform: None). The same seed draws the same scenes."
    })
final class GenerateCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Parameters(paramLabel = "DIR", description = "Folder to create; must be new or empty.")
  private Path dir;

  @Option(
      names = "--train",
      paramLabel = "N",
      description = "Training pairs (default: ${DEFAULT-VALUE}).")
  private int train = 160;

  @Option(
      names = "--val",
      paramLabel = "N",
      description = "Validation pairs (default: ${DEFAULT-VALUE}).")
  private int val = 20;

  @Option(
      names = "--test",
      paramLabel = "N",
      description = "Test pairs (default: ${DEFAULT-VALUE}).")
  private int test = 20;

  @Option(
      names = "--size",
      paramLabel = "PX",
      description = "Side of the square pictures in pixels (default: ${DEFAULT-VALUE}).")
  private int size = 256;

  @Option(
      names = "--classes",
      paramLabel = "K",
      description =
          "2: change or none. 3 to 5: 1 new, 2 demolished, 3 rebuilt building, 4 new road or"
              + " cleared trees (default: ${DEFAULT-VALUE}).")
  private int classes = 2;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Another seed, other scenes (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  GenerateCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    GeneratorSettings settings;
    try {
      settings = new GeneratorSettings(seed, size, train, val, test, classes);
    } catch (IllegalArgumentException e) {
      terminal.err().println("ERROR: " + e.getMessage());
      return ExitCode.FAILED;
    }
    ConsoleReporter reporter = new ConsoleReporter(terminal);
    try {
      SceneFolder.generate(dir, settings, reporter);
    } catch (ChangeNetException e) {
      reporter.finish();
      terminal.err().println("ERROR: " + e.getMessage());
      return ExitCode.FAILED;
    }
    terminal
        .out()
        .println(
            "Use it with: "
                + ShellCommand.quoted("dataset.segment.root_dir=" + dir)
                + " dataset.segment.num_classes="
                + classes
                + " dataset.segment.label_transform="
                + (classes == 2 ? "norm" : "None"));
    return ExitCode.OK;
  }
}
