package dev.changenet.cli;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SegmentDataSpec;
import dev.changenet.data.DataSettings;
import dev.changenet.data.SplitDivision;
import dev.changenet.image.DataException;
import dev.changenet.report.ShellCommand;
import dev.changenet.tensor.io.IoProblem;
import dev.changenet.train.RunContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code split}: writes the lists of a data set. */
@Command(
    name = "split",
    mixinStandardHelpOptions = true,
    versionProvider = Program.Version.class,
    sortOptions = false,
    synopsisHeading = "Usage: ",
    description = {
      "Write the train, val, test and predict lists of a data set that has none.",
      "",
      "Looks for pairs of pictures with a mask in the folders that the spec names, and divides them"
          + " at random. Where predict_split names a list of its own, pairs without a mask go into"
          + " it; if all have masks and there is no such list, the pairs of the test list. A pair's"
          + " place depends on its name and the seed alone."
    },
    parameterListHeading = "%nArguments:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Examples:",
      "  changenet split -e spec.yaml",
      "  changenet split -e spec.yaml --shares 80,10,10 --seed 3",
      "  changenet split -e spec.yaml dataset.segment.root_dir=data --force",
      "",
      "Tiles of one scene look alike: if they fall into different splits, scores come out too good."
          + " Then",
      "divide whole scenes by hand; 'changenet check' looks for such pictures."
    })
final class SplitCommand implements Callable<Integer> {
  private static final Pattern SHARES = Pattern.compile("[1-9]\\d{0,5}(,[1-9]\\d{0,5}){2}");

  private final Terminal terminal;

  @Mixin private DataSpecOptions source;

  @Option(
      names = "--shares",
      paramLabel = "N,N,N",
      description = "Relative sizes of train, val and test (default: ${DEFAULT-VALUE}).")
  private String shares = "70,15,15";

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Another seed, another division (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  @Option(names = "--force", description = "Replace lists that exist.")
  private boolean force;

  @Mixin private RuntimeOptions runtime;

  SplitCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    String problem = runtime.apply();
    if (problem == null) {
      problem = source.problem();
    }
    if (problem == null && !SHARES.matcher(shares).matches()) {
      problem =
          "--shares: expected three numbers from 1 to 999999 for train, val and test, such as"
              + " 80,10,10; got '"
              + shares
              + "'";
    }
    if (problem != null) {
      terminal.err().println("ERROR: " + problem);
      return ExitCode.FAILED;
    }
    ConsoleReporter reporter = new ConsoleReporter(terminal);
    try {
      ExperimentSpec spec = source.load(reporter);
      write(RunContext.dataSettings(spec), spec.segmentData(), reporter);
      return ExitCode.OK;
    } catch (RuntimeException | Error e) {
      return TaskExecution.report(terminal, e, runtime.verbose());
    }
  }

  private void write(DataSettings data, SegmentDataSpec names, ConsoleReporter reporter) {
    // One list may serve two splits.
    Map<String, Integer> byName = new LinkedHashMap<>();
    List<Integer> sizes = Arrays.stream(shares.split(",")).map(Integer::valueOf).toList();
    byName.merge(names.trainSplit(), sizes.get(0), Integer::sum);
    byName.merge(names.validationSplit(), sizes.get(1), Integer::sum);
    byName.merge(names.testSplit(), sizes.get(2), Integer::sum);
    SplitDivision division = SplitDivision.of(data, byName, seed);
    Map<String, List<String>> lists = new LinkedHashMap<>(division.lists());
    boolean labelled = division.unlabelled().isEmpty();
    // A list of pictures without masks that lie elsewhere is the user's own.
    boolean predict =
        !lists.containsKey(names.predictSplit())
            && !(labelled && existing(data, names.predictSplit()).isPresent());
    if (predict) {
      lists.put(
          names.predictSplit(), labelled ? lists.get(names.testSplit()) : division.unlabelled());
    }
    if (!force) {
      lists.keySet().forEach(split -> refuseExisting(data, split));
    }
    lists.values().forEach(list -> list.forEach(SplitDivision::requireWritable));
    division.notes().forEach(reporter::warn);
    lists.forEach(
        (split, pairs) -> {
          Path file = SplitDivision.write(data, split, pairs);
          deleteOther(file);
          terminal
              .out()
              .printf(
                  "%s: %d %s%s%n",
                  file,
                  pairs.size(),
                  pairs.size() == 1 ? "pair" : "pairs",
                  predict && labelled && split.equals(names.predictSplit())
                      ? ", those of " + names.testSplit() + ", as all have masks"
                      : "");
        });
    int left = predict ? 0 : division.unlabelled().size();
    if (left > 0) {
      reporter.warn(
          (left == 1
                  ? "a pair without a mask is in no list: "
                  : left + " pairs without a mask are in no list, such as ")
              + division.unlabelled().getFirst()
              + "; dataset.segment.predict_split would need a name of its own, not "
              + names.predictSplit());
    }
    terminal
        .out()
        .println(
            "Look through the data next: " + ShellCommand.launcher() + " check " + source.words());
  }

  /** Where both exist, the .txt list would hide the other. */
  private static void deleteOther(Path file) {
    String name = file.getFileName().toString();
    String other =
        name.endsWith(".txt") ? name.replaceFirst("txt$", "csv") : name.replaceFirst("csv$", "txt");
    try {
      Files.deleteIfExists(file.resolveSibling(other));
    } catch (IOException e) {
      throw new DataException(
          file.resolveSibling(other) + ": the old list cannot be deleted (" + IoProblem.of(e) + ")",
          e);
    }
  }

  private static void refuseExisting(DataSettings data, String split) {
    existing(data, split)
        .ifPresent(
            file -> {
              throw new DataException(
                  file + " exists; delete it, or replace the lists with --force");
            });
  }

  private static Optional<Path> existing(DataSettings data, String split) {
    Path folder = data.rootDir().resolve(data.listFolderName());
    return Stream.of(".txt", ".csv")
        .map(suffix -> folder.resolve(split + suffix))
        .filter(Files::exists)
        .findFirst();
  }
}
