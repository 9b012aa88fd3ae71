package dev.changenet.cli;

import dev.changenet.inspect.CheckpointSummary;
import dev.changenet.inspect.Json;
import dev.changenet.inspect.ModuleTree;
import dev.changenet.inspect.Network;
import dev.changenet.inspect.NetworkFinder;
import dev.changenet.inspect.StepProfile;
import dev.changenet.inspect.TensorStatistics;
import dev.changenet.inspect.WeightComparison;
import dev.changenet.inspect.WeightSource;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.Sha256;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code inspect}: what a network, a step or a checkpoint consists of. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    versionProvider = Program.Version.class,
    sortOptions = false,
    description = {
      "Look into a network or a file of weights: parameters, arithmetic and memory by module, time"
          + " by module and operation, statistics, differences of two files.",
      "",
      "A spec is enough, weights are not needed. A file may be a checkpoint (.pth) of this program"
          + " or of TAO, or any other .pth or .safetensors file."
    },
    parameterListHeading = "%nArguments:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Examples:",
      "  changenet inspect spec.yaml                  modules with parameters, FLOP, activations",
      "  changenet inspect spec.yaml --depth 5 --parameters --size 512",
      "  changenet inspect spec.yaml model.backbone.type=fan_small_12_p4_hybrid",
      "  changenet inspect spec.yaml --profile --train --batch 2",
      "  changenet inspect model.pth                  epoch, optimizer, modules",
      "  changenet inspect model.pth --stats --hash   minimum, mean, NaN, … of every tensor",
      "  changenet inspect old.pth new.pth            which tensors differ, and by how much",
      "  changenet inspect model.pth --json -         all of it as JSON",
      "",
      "FLOP: the forward pass of one pair, two per multiply-add. Activations: bytes that a training",
      "step on one pair keeps for its backward pass."
    })
final class InspectCommand implements Callable<Integer> {
  private static final int DIFFERENCES = 20;

  private final Terminal terminal;

  @Parameters(
      paramLabel = "FILE|KEY=VALUE",
      arity = "0..1",
      description =
          "A spec (.yaml, .json) or a file of weights; a second file of weights to compare with;"
              + " settings that replace the spec's.")
  private List<String> arguments = new ArrayList<>();

  @Option(
      names = {"-e", "--experiment_spec_file"},
      paramLabel = "SPEC",
      description = "The spec, as with the other commands.")
  private String specFile;

  @Option(
      names = "--depth",
      paramLabel = "N",
      description = "Levels of modules to show (default: ${DEFAULT-VALUE}).")
  private int depth = 3;

  @Option(names = "--expand", description = "Show every block, equal ones too.")
  private boolean expand;

  @Option(names = "--parameters", description = "List each module's tensors: type and shape.")
  private boolean parameters;

  @Option(
      names = "--size",
      paramLabel = "PX",
      description = "Side of the images (default: that of the spec, or 256).")
  private Integer size;

  @Option(names = "--profile", description = "Take a few steps on random images and time them.")
  private boolean profile;

  @Option(
      names = "--batch",
      paramLabel = "B",
      description = "Pairs in a step of --profile (default: ${DEFAULT-VALUE}).")
  private int batch = 1;

  @Option(names = "--train", description = "Time training steps; otherwise inference.")
  private boolean train;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Steps to time; the fastest counts (default: ${DEFAULT-VALUE}).")
  private int steps = 5;

  @Option(names = "--stats", description = "Statistics of every tensor of the file.")
  private boolean stats;

  @Option(names = "--hash", description = "SHA-256 of the file.")
  private boolean hash;

  @Option(names = "--all", description = "Show all tensors of a comparison, equal ones too.")
  private boolean all;

  @Option(names = "--exit-code", description = "End with 1 when the two files differ.")
  private boolean exitCode;

  @Option(
      names = "--json",
      paramLabel = "FILE|-",
      description = "Write the results as JSON; - prints them instead of the tables.")
  private String json;

  @Mixin private RuntimeOptions runtime;

  private boolean different;

  InspectCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    String problem = runtime.apply();
    if (problem != null) {
      terminal.err().println("ERROR: " + problem);
      return ExitCode.FAILED;
    }
    try {
      boolean quiet = "-".equals(json);
      InspectTables tables =
          new InspectTables(quiet ? new PrintWriter(Writer.nullWriter()) : terminal.out());
      Map<String, Object> results = inspect(tables);
      if (quiet) {
        terminal.out().print(Json.text(results));
      } else if (json != null) {
        Json.write(Path.of(json), results);
        terminal.out().println("JSON written to " + json);
      }
      return exitCode && different ? ExitCode.FAILED : ExitCode.OK;
    } catch (RuntimeException | Error e) {
      return TaskExecution.report(terminal, e, runtime.verbose());
    }
  }

  private Map<String, Object> inspect(InspectTables tables) {
    List<String> settings = new ArrayList<>();
    List<Path> files = new ArrayList<>();
    for (String argument : arguments) {
      if (argument.contains("=") && !Files.exists(Path.of(argument))) {
        settings.add(argument);
      } else {
        files.add(Path.of(argument));
      }
    }
    if (specFile != null) {
      files.addFirst(Path.of(specFile));
    }
    check(files, settings);
    if (files.size() == 2) {
      return compare(tables, files.getFirst(), files.getLast());
    }
    Path file = files.getFirst();
    return isSpec(file) ? spec(tables, file, settings) : weights(tables, file);
  }

  private void check(List<Path> files, List<String> settings) {
    if (files.isEmpty()) {
      throw new ChangeNetException(
          "a spec or a file of weights is missing: changenet inspect spec.yaml");
    }
    if (files.size() > 2) {
      throw new ChangeNetException(
          "one file, or two to compare, got " + files.size() + ": " + files);
    }
    boolean weights = files.size() == 2 || !isSpec(files.getFirst());
    if (files.size() == 2 && files.stream().anyMatch(InspectCommand::isSpec)) {
      throw new ChangeNetException("only files of weights can be compared, got " + files);
    }
    if (weights && !settings.isEmpty()) {
      throw new ChangeNetException(
          settings.getFirst() + ": settings go with a spec, not with a file of weights");
    }
    if (depth < 0 || batch < 1 || steps < 1) {
      throw new ChangeNetException(
          "--depth must be 0 or more, --batch and --steps 1 or more, got "
              + depth
              + ", "
              + batch
              + " and "
              + steps);
    }
    if (exitCode && files.size() != 2) {
      throw new ChangeNetException(
          "--exit-code tells whether two files of weights differ, got " + files);
    }
    if (!profile && (train || batch != 1)) {
      throw new ChangeNetException("--train and --batch say how to take steps; add --profile");
    }
  }

  private static boolean isSpec(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json");
  }

  private Map<String, Object> spec(InspectTables tables, Path file, List<String> settings) {
    if (stats || hash) {
      throw new ChangeNetException("--stats and --hash are for files of weights, got " + file);
    }
    Map<String, Object> results = new LinkedHashMap<>();
    results.put("spec", file.toString());
    network(tables, NetworkFinder.ofSpec(file, settings), results);
    return results;
  }

  private Map<String, Object> weights(InspectTables tables, Path file) {
    Map<String, Object> results = new LinkedHashMap<>();
    WeightSource source = WeightSource.open(file);
    summary(tables, source, results, "checkpoint");
    tables.line();
    Optional<NetworkFinder.Found> found = NetworkFinder.ofWeights(source);
    if (found.isPresent()) {
      tables.text("network known from " + found.get().source());
      network(tables, found.get().network(), results);
    } else {
      if (profile) {
        throw new ChangeNetException(
            file + ": no whole network of this program, so no step can be taken; profile a spec");
      }
      tables.text("no whole network of this program; its tensors by their names:");
      tables.line();
      ModuleTree tree = source.tree();
      results.put("modules", tree.toJson());
      tables.modules(expand ? tree : tree.compact(), depth, parameters);
    }
    if (stats) {
      List<TensorStatistics> statistics = CheckpointSummary.statistics(source);
      results.put("statistics", statistics.stream().map(TensorStatistics::toJson).toList());
      tables.line();
      tables.statistics(statistics);
    }
    return results;
  }

  private void summary(
      InspectTables tables, WeightSource source, Map<String, Object> results, String key) {
    CheckpointSummary summary = CheckpointSummary.of(source);
    String sha256 = hash ? Sha256.of(source.path()) : null;
    Map<String, Object> content = summary.toJson();
    if (hash) {
      content.put("sha256", sha256);
    }
    results.put(key, content);
    tables.summary(summary, sha256);
  }

  private void network(InspectTables tables, Network known, Map<String, Object> results) {
    Network network = size == null ? known : known.at(size);
    results.put("network", network.toJson());
    tables.text(network.describe());
    tables.line();
    if (profile) {
      StepProfile step = StepProfile.run(network, batch, train, steps);
      results.put("profile", step.toJson());
      tables.profile(step, depth);
      return;
    }
    ModuleTree tree = network.tree();
    results.put("modules", tree.toJson());
    tables.modules(expand ? tree : tree.compact(), depth, parameters);
  }

  private Map<String, Object> compare(InspectTables tables, Path a, Path b) {
    if (profile || stats) {
      throw new ChangeNetException(
          "--profile and --stats are for one file, got " + a + " and " + b);
    }
    Map<String, Object> results = new LinkedHashMap<>();
    WeightSource first = WeightSource.open(a);
    WeightSource second = WeightSource.open(b);
    summary(tables, first, results, "a");
    summary(tables, second, results, "b");
    tables.line();
    WeightComparison comparison = WeightComparison.of(first, second);
    results.put("comparison", comparison.toJson());
    tables.comparison(comparison, DIFFERENCES, all);
    different = !comparison.isEqual();
    WeightComparison.ofOptimizers(first, second)
        .ifPresent(
            c -> {
              results.put("optimizer_comparison", c.toJson());
              tables.line();
              tables.text("state of the optimizer, by number of the parameter:");
              tables.comparison(c, DIFFERENCES, all);
              different |= !c.isEqual();
            });
    return results;
  }
}
