package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class LearningChecksTest {
  private static String failure(String... overrides) {
    SpecException e = SpecAssertions.failure(Task.TRAIN, "", overrides);
    assertThat(e.errors()).hasSize(1);
    return e.getMessage();
  }

  private static TrainSpec train(String... overrides) {
    return SpecAssertions.load(Task.TRAIN, "", overrides).train();
  }

  @Test
  void withoutTheKeysAllIsOff() {
    TrainSpec train = train();
    assertThat(train.best()).isEqualTo(new TrainSpec.Best(false, 0, 0));
    assertThat(train.ema()).isEqualTo(new TrainSpec.Ema(false, 0.999));
    assertThat(train.clipGradNorm()).isZero();
    assertThat(train.accumulate()).isEqualTo(1);
    assertThat(train.segment().classWeights()).isEmpty();
    assertThat(train.segment().focalGamma()).isEqualTo(2);
    // Without the best model the name of the score is as free as TAO leaves it.
    assertThat(train("train.optim.monitor_name=whatever").optim().monitorName())
        .isEqualTo("whatever");
  }

  @Test
  void theBestModelNeedsAScoreThereIs() {
    assertThat(failure("train.best.enabled=true", "train.optim.monitor_name=miou"))
        .endsWith(
            "train.optim.monitor_name: train.best needs one of val_loss, train_loss, val_acc,"
                + " val_miou, val_mf1, val_mprecision, val_mrecall, iou_0 … iou_1, F1_0 … F1_1,"
                + " precision_0 … precision_1, recall_0 … recall_1; got 'miou'");
    assertThat(failure("train.best.enabled=true", "train.optim.monitor_name=iou_2"))
        .contains("got 'iou_2'");
    assertThat(
            train(
                    "train.best.enabled=true",
                    "train.optim.monitor_name=iou_2",
                    "train.best.patience=4",
                    "dataset.segment.num_classes=3")
                .best())
        .isEqualTo(new TrainSpec.Best(true, 4, 0));
    assertThat(failure("train.best.patience=3"))
        .endsWith("train.best.patience: 3 needs train.best.enabled: true");
    assertThat(failure("train.best.keep_last=2"))
        .endsWith("train.best.keep_last: 2 needs train.best.enabled: true");
    assertThat(train("train.best.patience=0", "train.best.keep_last=null").best().keepLast())
        .isZero();
  }

  @Test
  void partsOfABatchAreANumberOrAuto() {
    assertThat(train("train.accumulate=4").accumulate()).isEqualTo(4);
    assertThat(train("train.accumulate=auto").accumulate()).isZero();
    for (String wrong : List.of("0", "-1", "1.5", "many", "null", "true")) {
      assertThat(failure("train.accumulate=" + wrong))
          .contains("train.accumulate: must be a whole number from 1 on, or auto, got ");
    }
    assertThat(failure("train.accumulate=5", "dataset.segment.batch_size=4"))
        .endsWith("train.accumulate: must be at most dataset.segment.batch_size (4), got 5");
    assertThat(
            failure(
                "train.accumulate=3",
                "dataset.segment.batch_size=5",
                "dataset.segment.img_size=16"))
        .contains("train.accumulate: must be at most 2 for dataset.segment.img_size 16")
        .contains("batch norm has no variance over a single value; got 3");
  }

  @Test
  void classWeightsFitClassesAndLoss() {
    assertThat(train("train.segment.class_weights=[1,2.5]").segment().classWeights())
        .containsExactly(1.0, 2.5);
    assertThat(failure("train.segment.class_weights=[1,2,3]"))
        .endsWith(
            "must have one weight for each of the 2 classes of dataset.segment.num_classes, got 3");
    assertThat(failure("train.segment.class_weights=[0,0]"))
        .endsWith("needs finite weights, at least one above 0, got [0.0, 0.0]");
    assertThat(failure("train.segment.class_weights=[1,-1]")).contains("must be >= 0");
    assertThat(failure("train.segment.class_weights=[1,2]", "train.segment.loss=dice"))
        .endsWith(
            "train.segment.loss dice has no class weights; remove them or use ce, focal, ce_dice or"
                + " focal_dice");
    assertThat(failure("train.segment.focal_gamma=-1")).contains("must be >= 0, got -1");
    assertThat(failure("train.clip_grad_norm=-0.5")).contains("must be >= 0, got -0.5");
    assertThat(failure("train.ema.decay=1")).contains("must be >= 0 and < 1, got 1");
  }
}
