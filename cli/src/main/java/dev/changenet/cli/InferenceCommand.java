package dev.changenet.cli;

import dev.changenet.config.Task;
import picocli.CommandLine.Command;

/** {@code inference}. */
@Command(
    name = "inference",
    description = {
      "Draw what changed between pictures that have no masks.",
      "",
      "Writes one picture per pair, status.json and experiment.yaml into results_dir/inference."
    },
    footer = {
      "",
      "Examples:",
      "  changenet inference -e spec.yaml \\",
      "      inference.checkpoint=out/train/changenet_model_segment_latest.pth",
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
      "  inference.vis_after_n_batches     draw the pictures of every so many batches",
      "  dataset.segment.root_dir          folder of the data",
      "  dataset.segment.predict_split     list to run: list/<name>.txt",
      "  dataset.segment.color_map         colours of the classes",
      "  results_dir                       where results go",
      "",
      "Deprecated, still understood: -k KEY, -r RESULTS_DIR, -g GPUS."
    })
final class InferenceCommand extends TaskCommand {
  InferenceCommand(Terminal terminal) {
    super(Task.INFERENCE, terminal);
  }
}
