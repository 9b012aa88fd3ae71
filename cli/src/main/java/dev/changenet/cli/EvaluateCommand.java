package dev.changenet.cli;

import dev.changenet.config.Task;
import picocli.CommandLine.Command;

/** {@code evaluate}. */
@Command(
    name = "evaluate",
    description = {
      "Score a trained network on the test split.",
      "",
      "Prints accuracy, IoU, F1, precision and recall, and writes prediction pictures, status.json"
          + " and experiment.yaml into results_dir/evaluate."
    },
    footer = {
      "",
      "Examples:",
      "  changenet evaluate -e spec.yaml \\",
      "      evaluate.checkpoint=out/train/changenet_model_segment_latest.pth",
      "  changenet evaluate -e spec.yaml evaluate.checkpoint=model.pth dataset.segment"
          + ".test_split=val",
      "",
      "Model and img_size must be those of the training. The pictures under"
          + " combined_visualisation show",
      "before, after, prediction and truth side by side.",
      "",
      "Most important keys (all of them: --keys):",
      "  evaluate.checkpoint               the trained network (.pth)",
      "  evaluate.vis_after_n_batches      draw the pictures of every so many batches",
      "  dataset.segment.root_dir          folder of the data",
      "  dataset.segment.test_split        list to evaluate: list/<name>.txt",
      "  dataset.segment.batch_size        pairs at a time",
      "  results_dir                       where results go",
      "",
      "Deprecated, still understood: -k KEY, -r RESULTS_DIR, -g GPUS."
    })
final class EvaluateCommand extends TaskCommand {
  EvaluateCommand(Terminal terminal) {
    super(Task.EVALUATE, terminal);
  }
}
