package dev.changenet.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Section {@code model}, without the classification part. */
public record ModelSpec(Backbone backbone, DecodeHead decodeHead) {

  /**
   * Section {@code model.backbone}.
   *
   * @param type encoder
   * @param pretrainedBackbonePath encoder weights; empty outside training
   * @param freezeBackbone encoder not trained; false outside training
   * @param dropPathRate stochastic depth rate while training, 0 to below 1
   */
  public record Backbone(
      BackboneType type,
      Optional<Path> pretrainedBackbonePath,
      boolean freezeBackbone,
      double dropPathRate) {}

  /**
   * Section {@code model.decode_head}.
   *
   * @param inIndex pyramid levels that feed the decoder
   * @param featureStrides strides of the four levels, finest first
   * @param alignCorners alignment of bilinear resizing
   * @param embedDim decoder width ({@code decoder_params.embed_dim})
   * @param useSummaryToken C-RADIO encoders only
   */
  public record DecodeHead(
      List<Integer> inIndex,
      List<Integer> featureStrides,
      boolean alignCorners,
      int embedDim,
      boolean useSummaryToken) {

    public DecodeHead {
      inIndex = List.copyOf(inIndex);
      featureStrides = List.copyOf(featureStrides);
    }
  }

  static ModelSpec from(SpecReading reading) {
    BackboneType type = BackboneType.of(reading.text("model.backbone.type"));
    boolean training = reading.task() == Task.TRAIN;
    Backbone backbone =
        new Backbone(
            type,
            training ? reading.path("model.backbone.pretrained_backbone_path") : Optional.empty(),
            training && reading.flag("model.backbone.freeze_backbone"),
            reading.number("model.backbone.drop_path_rate"));
    long embedDim = (Long) reading.map("model.decode_head.decoder_params").get("embed_dim");
    DecodeHead decodeHead =
        new DecodeHead(
            reading.integers("model.decode_head.in_index"),
            reading.integers("model.decode_head.feature_strides"),
            reading.flag("model.decode_head.align_corners"),
            Math.toIntExact(embedDim),
            reading.flag("model.decode_head.use_summary_token"));
    return new ModelSpec(backbone, decodeHead);
  }
}
