package dev.changenet.cli;

import dev.changenet.report.ShellCommand;
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
        .replace("@SPEC@", ShellCommand.quoted(folder.spec().toString()))
        .replace("@RUN@", command)
        .replace("@START@", ShellCommand.launcher())
        .stripTrailing();
  }

  private static final String TEXT =
      """

      Quickstart finished in @TIME@ (minutes:seconds).
      IoU of the changed area on @TEST@ test pairs that training never saw: @IOU@

      What is where, in @ROOT@
        data                pairs: A and B (here before and after), label masks, list splits
        spec.yaml           the experiment spec: every setting of the four steps
        results/train       checkpoints; the newest is changenet_model_segment_latest.pth
        results/evaluate    test pictures; combined_visualisation: A, B, prediction, truth
        results/inference   predictions without masks
        results/model.onnx  the network for any ONNX runtime
      Each task also wrote status.json (progress, scores) and experiment.yaml (settings).

      Your own data, in five steps
        1. Put pictures of equal name into mydata/A and mydata/B, and masks into mydata/label
           (PNG masks: 0 unchanged, 255 changed). This divides them, by lists in mydata/list:
           @START@ split -e @SPEC@ dataset.segment.root_dir=mydata
        2. @RUN@ train -e @SPEC@ dataset.segment.root_dir=mydata results_dir=myresults train.num_epochs=50
        3. @RUN@ evaluate -e @SPEC@ dataset.segment.root_dir=mydata results_dir=myresults
        4. @RUN@ inference -e @SPEC@ dataset.segment.root_dir=mydata results_dir=myresults
        5. @RUN@ export -e @SPEC@ results_dir=myresults
      Larger pictures: dataset.segment.img_size=256 in each step. All settings: @RUN@ train --keys
      """;
}
