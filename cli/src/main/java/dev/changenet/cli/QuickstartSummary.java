package dev.changenet.cli;

import java.util.Locale;

/** What the quickstart says at its end: what is where, and how to go on. */
final class QuickstartSummary {
  private QuickstartSummary() {}

  /**
   * @param command words in front of a task in a command line
   * @param iou IoU of class 1 on the test split
   * @param seconds time that everything took
   */
  static String text(QuickstartFolder folder, String command, double iou, double seconds) {
    return TEXT.replace("@TIME@", ProgressLine.clock(seconds))
        .replace("@IOU@", String.format(Locale.ROOT, "%.2f", iou))
        .replace("@TEST@", Integer.toString(QuickstartFolder.DATA.test()))
        .replace("@ROOT@", folder.root().toString())
        .replace("@RUN@", command)
        .stripTrailing();
  }

  private static final String TEXT =
      """

      Quickstart finished in @TIME@ (minutes:seconds).
      IoU of the changed area on @TEST@ test pairs that training never saw: @IOU@

      What is where
        @ROOT@/data                the pairs: A before, B after, label masks, list splits
        @ROOT@/spec.yaml           the experiment spec, made to be copied
        @ROOT@/results/train       checkpoints model_epoch_*.pth; the newest one is
                                   changenet_model_segment_latest.pth
        @ROOT@/results/evaluate    test pictures; combined_visualisation: A, B, prediction, truth
        @ROOT@/results/inference   predictions without masks
        @ROOT@/model.onnx          the network for any ONNX runtime
        Each results folder also has status.json (progress, scores) and experiment.yaml (settings).

      The same on your own data, in five steps
        1. Put pictures of equal name into mydata/A (before), mydata/B (after) and mydata/label
           (PNG masks, 0 unchanged, 255 changed). Write their names, one per line, into
           mydata/list/train.txt, val.txt, test.txt and predict.txt.
        2. cp @ROOT@/spec.yaml myspec.yaml
           and set there root_dir, results_dir, img_size, num_epochs, the checkpoints and onnx_file.
        3. @RUN@ train -e myspec.yaml
        4. @RUN@ evaluate -e myspec.yaml
           @RUN@ inference -e myspec.yaml
        5. @RUN@ export -e myspec.yaml
      Single settings can also be changed on the command line: train.num_epochs=100
      """;
}
