package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class InterpolationTest {

  @Test
  void aloneItKeepsTheTypeOfItsTarget() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.TRAIN,
            """
            train:
              num_epochs: ${dataset.segment.batch_size}
              optim: {betas: '${dataset.segment.augmentation.mean}', momentum: 0.25}
            dataset:
              segment:
                batch_size: 8
                augmentation:
                  mean: [0.5, '${train.optim.momentum}', 0.5]
                  with_random_blur: ${train.cudnn.benchmark}
            """,
            "train.optim.betas=[0.5,${train.optim.momentum}]");

    assertThat(spec.train().numEpochs()).isEqualTo(8);
    assertThat(spec.train().optim().betas()).containsExactly(0.5, 0.25);
    assertThat(spec.segmentData().augmentation().mean()).containsExactly(0.5, 0.25, 0.5);
    assertThat(spec.segmentData().augmentation().withRandomBlur()).isFalse();
  }

  @Test
  void insideTextItIsInsertedAsText() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.TRAIN,
            "dataset: {segment: {label_suffix: '_${train.seed}_${train.cudnn.benchmark}.png'}}");

    assertThat(spec.segmentData().labelSuffix()).isEqualTo("_1234_False.png");
  }

  @Test
  void chainsListElementsMapEntriesAndAliasesResolve() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.TRAIN,
            """
            train:
              seed: ${train.num_epochs}
              num_epochs: ${train.checkpoint_interval}
              checkpoint_interval: ${model.decode_head.feature_strides.1}
              validation_interval: ${model.decode_head.feature_strides[0]}
            dataset:
              segment:
                batch_size: ${model.decode_head.decoder_params.embed_dim}
                augmentation: {with_random_crop: '${model.decode_head.align_corner}'}
            """);

    assertThat(spec.train().seed()).isEqualTo(8);
    assertThat(spec.train().validationInterval()).isEqualTo(4);
    assertThat(spec.segmentData().batchSize()).isEqualTo(256);
    assertThat(spec.segmentData().augmentation().withRandomCrop()).isFalse();
  }

  @Test
  void backslashMakesItLiteral() {
    assertThat(
            SpecAssertions.load(
                    Task.TRAIN, "dataset: {segment: {label_suffix: 'a\\${train.seed}'}}")
                .segmentData()
                .labelSuffix())
        .isEqualTo("a${train.seed}");
  }

  @Test
  void resolvesAgainstTheTreeAsTheUserWroteIt() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.EVALUATE,
            """
            results_dir: /r
            evaluate: {results_dir: '${results_dir}/evaluate'}
            """,
            "evaluate.checkpoint=${results_dir}/train/m.pth");

    assertThat(spec.evaluate().checkpoint()).isEqualTo(Path.of("/r/train/m.pth"));
    assertThat(spec.resultsDir()).isEqualTo(Path.of("/r/evaluate"));
    assertThat(spec.toYaml())
        .contains("\nresults_dir: /r/evaluate\n", "checkpoint: '${results_dir}/train/m.pth'\n");
  }

  @Test
  void brokenOnesInUnreadKeysDoNoHarm() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.TRAIN, "evaluate: {vis_after_n_batches: '${no.such}', checkpoint: '${eval:1}'}");

    assertThat(spec.evaluate().visAfterNBatches()).isEqualTo(1);
    assertThat(spec.evaluate().checkpoint()).isNull();
  }
}
