package dev.changenet.cli;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ListResourceBundle;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code inference}. */
@Command(
    name = "inference",
    description = {
      "Show what changed between pictures that have no masks.",
      "",
      "Two pictures, or two folders whose pictures have the same names, can be given as they are:",
      "PICTURE_A PICTURE_B; else the list dataset.segment.predict_split names the pairs. Writes one",
      "picture per pair, status.json and experiment.yaml into results_dir/inference; for pictures",
      "given as they are also class ids: mask/NAME.png. Without -e the spec is the experiment.yaml",
      "that training left beside the checkpoint."
    },
    footer = {
      "",
      "Examples:",
      "  changenet inference inference.checkpoint=out/train/changenet_model_segment_latest.pth \\",
      "      before.png after.png inference.output_size=original",
      "  changenet inference -e spec.yaml inference.checkpoint=model.pth 2019/ 2023/ \\",
      "      inference.threshold=out/evaluate inference.probabilities=change",
      "  changenet inference -e spec.yaml inference.checkpoint=model.pth \\",
      "      inference.tiles.enabled=true large_a.tif large_b.tif",
      "  changenet inference -e spec.yaml inference.checkpoint=model.pth dataset.segment"
          + ".predict_split=new",
      "",
      "Model and img_size must be those of the training. White is change; with more than two"
          + " classes",
      "each class has a colour. combined_visualisation shows before, after and prediction side by"
          + " side.",
      "",
      "Most important keys (all of them: --keys):",
      "  inference.checkpoint              the trained network (.pth)",
      "  inference.image_a, image_b        pictures or folders, the same as PICTURE_A PICTURE_B",
      "  inference.masks                   true writes class ids: mask/NAME.png",
      "  inference.probabilities           change, all or npy writes probabilities",
      "  inference.output_size             original: masks in the size of the pictures",
      "  inference.threshold               number, or results of evaluate: when is it change?",
      "  inference.flips                   true averages over mirror images",
      "  inference.tiles.enabled           true predicts large pictures in tiles",
      "  inference.vis_after_n_batches     draw the pictures of every so many batches",
      "  dataset.segment.root_dir          folder of the data",
      "  dataset.segment.predict_split     list to run: list/<name>.txt",
      "  dataset.segment.color_map         colours of the classes",
      "  results_dir                       where results go",
      "",
      "Deprecated, still understood: -k KEY, -r RESULTS_DIR, -g GPUS."
    })
final class InferenceCommand extends TaskCommand {
  private static final String CHECKPOINT = "inference.checkpoint=";

  private final Terminal terminal;

  InferenceCommand(Terminal terminal) {
    super(Task.INFERENCE, terminal);
    this.terminal = terminal;
  }

  /** The command with its own text on the spec. */
  static CommandLine commandLine(Terminal terminal) {
    CommandLine command = new CommandLine(new InferenceCommand(terminal));
    command.setResourceBundle(
        new ListResourceBundle() {
          @Override
          protected Object[][] getContents() {
            return new Object[][] {
              {
                SPEC_TEXT,
                "The experiment spec, YAML or JSON (default: experiment.yaml beside the checkpoint that"
                    + " the command line names)."
              }
            };
          }
        });
    return command;
  }

  /** Two arguments that are no settings are the pictures if one of them looks like it. */
  @Override
  List<String> settings(List<String> arguments) {
    List<String> pictures = InferencePictures.bare(arguments);
    if (pictures.size() != 2) {
      return arguments;
    }
    List<String> settings = new ArrayList<>(arguments);
    settings.removeAll(pictures);
    settings.add(InferencePictures.A + InferencePictures.value(pictures.get(0)));
    settings.add(InferencePictures.B + InferencePictures.value(pictures.get(1)));
    return settings;
  }

  @Override
  Optional<String> problem(List<String> arguments) {
    return InferencePictures.problem(arguments);
  }

  private static Optional<Path> checkpoint(List<String> arguments) {
    return arguments.stream()
        .filter(argument -> argument.startsWith(CHECKPOINT))
        .reduce((first, last) -> last)
        .map(argument -> unquoted(argument.substring(CHECKPOINT.length())))
        .filter(text -> !text.isEmpty())
        .map(Path::of);
  }

  /** The spec that training left beside a checkpoint. */
  private static Path specBeside(Path checkpoint) {
    return checkpoint.toAbsolutePath().normalize().resolveSibling(ExperimentSpec.FILE);
  }

  @Override
  Optional<String> whyNoSpec(List<String> arguments) {
    Optional<Path> named = checkpoint(arguments);
    if (named.isEmpty()) {
      return InferencePictures.areGiven(arguments)
          ? Optional.of(
              "inference.checkpoint is needed: the trained network (.pth); its experiment.yaml is"
                  + " the spec unless -e names one")
          : Optional.empty();
    }
    Path checkpoint = named.get();
    String problem = null;
    if (!Files.exists(checkpoint)) {
      problem = "the file '" + checkpoint + "' does not exist";
    } else if (Files.isDirectory(checkpoint)) {
      problem = "'" + checkpoint + "' is a folder; name a file in it";
    } else if (!Files.isRegularFile(specBeside(checkpoint))) {
      problem = "there is no experiment.yaml beside '" + checkpoint + "'; give the spec with -e";
    }
    return Optional.ofNullable(problem).map(text -> CHECKPOINT.replace("=", ": ") + text);
  }

  /** Looks beside the checkpoint for the spec it was trained with. */
  @Override
  Optional<FoundSpec> findSpec(List<String> arguments) {
    Optional<Path> checkpoint = checkpoint(arguments);
    if (checkpoint.isEmpty()) {
      return Optional.empty();
    }
    Path spec = specBeside(checkpoint.get());
    terminal.err().println("Spec of the training: " + spec);
    // Training wrote down its own results directory; TAO's place is beside it.
    Path folder = spec.getParent();
    Path results = folder.endsWith("train") ? folder.getParent() : folder;
    return Optional.of(
        new FoundSpec(spec.toString(), List.of("results_dir=" + quoted(results.toString()))));
  }

  private static String unquoted(String text) {
    boolean quoted =
        text.length() > 1
            && (text.startsWith("'") && text.endsWith("'")
                || text.startsWith("\"") && text.endsWith("\""));
    return quoted ? text.substring(1, text.length() - 1) : text;
  }
}
