package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.onnx.OnnxModel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpecDefaultsTest {

  @ParameterizedTest
  @ValueSource(strings = {"", "# nothing\n", "---\n", "{}", "~", "\uFEFF"})
  void emptyFileMeansDefaults(String yaml) {
    assertThat(SpecAssertions.load(Task.TRAIN, yaml).train().numEpochs()).isEqualTo(10);
  }

  /** The documentation wins over both schema lines. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          results_dir                        | /results
          train.optim.lr                     | 0.0005
          train.optim.weight_decay           | 0.1
          train.optim.betas                  | [0.9, 0.999]
          model.backbone.type                | fan_small_12_p4_hybrid
          model.backbone.drop_path_rate      | 0.3
          model.decode_head.use_summary_token | true
          dataset.segment.data_name          | LEVIR-CD
          dataset.segment.batch_size         | 32
          dataset.segment.workers            | 2
          dataset.segment.img_size           | 256
          dataset.segment.predict_split      | predict
          evaluate.vis_after_n_batches       | 1
          inference.vis_after_n_batches      | 1
          export.opset_version               | 12
          export.input_width                 | 128
          export.input_height                | 512
          """)
  void documentedDefaultWins(String key, String text) {
    assertThat(SpecSchema.get().key(key).orElseThrow().defaultText()).isEqualTo(text);
  }

  @Test
  void everyDefaultFitsItsTypeAndRange() {
    for (SpecKey key : SpecSchema.get().keys()) {
      Object value = SpecSchema.get().defaultValue(key.path());
      if (!(value instanceof Missing) && !key.readBy().isEmpty()) {
        assertThat(key.constraint().violation(value)).as(key.path()).isNull();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Task.class)
  void resultsDirectoryIsNamedAfterTheTask(Task task) {
    assertThat(SpecAssertions.load(task, "").resultsDir())
        .isEqualTo(Path.of("/results", task.key()));
    assertThat(SpecAssertions.load(task, "results_dir: /r/").resultsDir())
        .isEqualTo(Path.of("/r", task.key()));
    assertThat(
            SpecAssertions.load(task, "results_dir: ???", task.key() + ".results_dir=/own")
                .resultsDir())
        .isEqualTo(Path.of("/own"));
    assertThat(
            SpecAssertions.load(task, "results_dir: null", task.key() + ".results_dir=/own")
                .resultsDir())
        .isEqualTo(Path.of("/own"));
  }

  @Test
  void trainKeysAreVisibleInTheRecords() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.TRAIN,
            """
            train:
              seed: -1
              cudnn: {benchmark: yes, deterministic: no}
              num_epochs: 9
              checkpoint_interval: 100
              checkpoint_interval_unit: step
              validation_interval: 3
              resume_training_checkpoint_path: ''
              pretrained_model_path: /p.tlt
              precision: 32
              segment: {loss: mmiou, weights: [1, 2, 3, 4, 5, 6]}
              tensorboard: {enabled: true}
              optim: {optim: sgd, lr: 1e-3, policy: step, momentum: 0, weight_decay: 0}
            model:
              backbone:
                {pretrained_backbone_path: /b.pth, freeze_backbone: true, drop_path_rate: 0}
              decode_head: {in_index: [0, 1, 3, 2], decoder_params: {embed_dim: 64}}
            dataset:
              segment:
                num_classes: 3
                img_size: 64
                color_map: {0: [0, 0, 0], 1: [1, 2, 3], '2': [4, 5, 6]}
                augmentation:
                  random_rotate: {angle_list: [45.5]}
                  random_color: {hue: 0, brightness: 0}
                  with_scale_random_crop: {scale_range: [1, 1]}
            """);

    TrainSpec train = spec.train();
    assertThat(train.seed()).isEqualTo(-1);
    assertThat(train.cudnn()).isEqualTo(new TrainSpec.Cudnn(true, false));
    assertThat(train.checkpointInterval()).isEqualTo(100);
    assertThat(train.checkpointIntervalUnit()).isEqualTo("step");
    assertThat(train.resumeTrainingCheckpointPath()).isEmpty();
    assertThat(train.pretrainedModelPath()).contains(Path.of("/p.tlt"));
    assertThat(train.precision()).isEqualTo("32");
    assertThat(train.segment().loss()).isEqualTo("mmiou");
    assertThat(train.segment().weights()).hasSize(6);
    assertThat(train.tensorboard().enabled()).isTrue();
    assertThat(train.optim().momentum()).isZero();
    assertThat(spec.model().backbone().pretrainedBackbonePath()).contains(Path.of("/b.pth"));
    assertThat(spec.model().backbone().freezeBackbone()).isTrue();
    assertThat(spec.model().backbone().dropPathRate()).isZero();
    assertThat(spec.model().decodeHead().inIndex()).containsExactly(0, 1, 3, 2);
    assertThat(spec.model().decodeHead().embedDim()).isEqualTo(64);
    assertThat(spec.segmentData().colorMap().orElseThrow().get(2)).containsExactly(4, 5, 6);
    AugmentationSpec augmentation = spec.segmentData().augmentation();
    assertThat(augmentation.randomRotate().angleList()).containsExactly(45.5);
    assertThat(augmentation.randomColor().hue()).isZero();
    assertThat(augmentation.withScaleRandomCrop().scaleRange()).containsExactly(1.0, 1.0);
  }

  @Test
  void backboneFileAndFreezingAreIgnoredOutsideTraining() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.EVALUATE,
            "model: {backbone: {pretrained_backbone_path: /none.pth, freeze_backbone: true}}");

    assertThat(spec.model().backbone().pretrainedBackbonePath()).isEmpty();
    assertThat(spec.model().backbone().freezeBackbone()).isFalse();
  }

  @Test
  void unknownWordsForNamesAreWarnedAbout() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.TRAIN, "dataset: {segment: {data_name: Mine, label_transform: other}}");

    assertThat(spec.segmentData().dataName()).isEqualTo("custom");
    assertThat(spec.segmentData().labelTransform()).isEqualTo("None");
    assertThat(spec.warnings())
        .contains(
            "spec.yaml:1:21: dataset.segment.data_name 'Mine' is not one of LEVIR-CD, LEVIR, LandSCD, custom;"
                + " treating it as custom",
            "spec.yaml:1:38: dataset.segment.label_transform 'other' is neither norm nor None; treating it as"
                + " None");
    assertThat(
            SpecAssertions.load(Task.TRAIN, "dataset: {segment: {label_transform: null}}")
                .warnings())
        .noneMatch(warning -> warning.contains("label_transform"));
  }

  @Test
  void homeFolderIsExpanded() {
    assertThat(
            SpecAssertions.load(Task.TRAIN, "", "dataset.segment.root_dir='~/data'")
                .segmentData()
                .rootDir())
        .isEqualTo(Path.of(System.getProperty("user.home"), "data"));
  }

  @Test
  void nullOnnxFileIsDerivedFromTheCheckpoint() {
    assertThat(
            SpecAssertions.load(
                    Task.EXPORT, "", "export.onnx_file=null", "export.checkpoint=/a.b/m.pth")
                .export()
                .onnxFile())
        .isEqualTo(Path.of("/a.b/m.onnx"));
  }

  @Test
  void encryptedExportNeedsAKey() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.EXPORT, "encryption_key: 16", "export.onnx_file=/m.etlt", "export.on_cpu=true");

    assertThat(spec.encryptionKey()).contains("16");
    assertThat(spec.warnings()).isEmpty();
  }

  @Test
  void operatorSetsAreThoseOfTheOnnxWriter() {
    assertThat(CrossChecks.MIN_OPSET).isEqualTo(OnnxModel.MIN_OPSET);
    assertThat(CrossChecks.MAX_OPSET).isEqualTo(OnnxModel.MAX_OPSET);
  }
}
