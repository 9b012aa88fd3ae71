package dev.changenet.cli;

import dev.changenet.config.Task;
import picocli.CommandLine.Command;

/** {@code train}. */
@Command(
    name = "train",
    description = {
      "Train a network on pairs of pictures and masks of what changed.",
      "",
      "Writes checkpoints, status.json and experiment.yaml into results_dir/train. Run again, it"
          + " continues from the newest checkpoint there; after Ctrl-C, too."
    },
    footer = {
      "",
      "Examples:",
      "  changenet train -e spec.yaml",
      "  changenet train -e spec.yaml results_dir=out dataset.segment.root_dir=data",
      "  changenet train -e spec.yaml train.num_epochs=50 train.optim.lr=0.0002",
      "  changenet train -e spec.yaml model.backbone.pretrained_backbone_path=fan_small.pth",
      "",
      "Data: root_dir holds the folders A and B (two aligned images of each place), label (masks: 0",
      "unchanged, 255 changed) with equal file names, and list with train.txt and val.txt, one file",
      "name per line.",
      "changenet check -e spec.yaml looks for faults in it.",
      "",
      "Most important keys (all of them: --keys):",
      "  dataset.segment.root_dir          folder of the data",
      "  results_dir                       where results go, in a folder per task",
      "  model.backbone.type               fan_tiny_8_p4_hybrid, fan_small_12_p4_hybrid, ...",
      "  dataset.segment.img_size          side to which pictures are resized, multiple of 16",
      "  dataset.segment.batch_size        pairs per step; lower it when memory runs out",
      "  dataset.segment.num_classes       2 for change or no change",
      "  dataset.segment.label_transform   norm for masks of 0 and 255, None for class numbers",
      "  train.num_epochs                  passes over the data, also counting those before a"
          + " resume",
      "  train.optim.lr                    learning rate of the first epoch",
      "  train.validation_interval         validate every so many epochs",
      "  train.checkpoint_interval         save every so many epochs",
      "",
      "Deprecated, still understood: -k KEY, -r RESULTS_DIR, -g GPUS."
    })
final class TrainCommand extends TaskCommand {
  TrainCommand(Terminal terminal) {
    super(Task.TRAIN, terminal);
  }
}
