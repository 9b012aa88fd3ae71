package dev.changenet.train;

import dev.changenet.config.BackboneType;
import dev.changenet.inspect.NetworkFinder;
import dev.changenet.inspect.WeightSource;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.DryRun;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Whether a checkpoint is for the network of the spec, and if not, which settings differ. */
final class ModelFit {
  private ModelFit() {}

  /**
   * Refuses a checkpoint of another network before the network is made.
   *
   * @param build makes the network, of which only names and shapes matter
   * @param otherwise what the user can do besides setting the spec back
   */
  static void require(Supplier<ChangeNet> build, WeightsFile weights, String otherwise) {
    Optional<String> mismatch;
    ChangeNet.Config spec;
    try (DryRun _ = DryRun.open();
        ChangeNet net = build.get()) {
      mismatch = StateLoading.mismatch(net, weights.tensors("state_dict"));
      spec = net.config();
    }
    mismatch.ifPresent(names -> refuse(weights, spec, names, ", or " + otherwise));
  }

  /** Refuses a checkpoint of another network. */
  static void require(ChangeNet net, WeightsFile weights) {
    StateLoading.mismatch(net, weights.tensors("state_dict"))
        .ifPresent(names -> refuse(weights, net.config(), names, ""));
  }

  private static void refuse(
      WeightsFile weights, ChangeNet.Config spec, String names, String otherwise) {
    List<Difference> found =
        NetworkFinder.ofWeights(
                new WeightSource(weights, "state_dict", weights.tensors("state_dict")))
            .map(trained -> differences(trained.network().config(), spec))
            .orElse(List.of());
    String text = names;
    if (!found.isEmpty()) {
      text =
          "the checkpoint was trained with "
              + String.join(", and with ", found.stream().map(Difference::text).toList())
              + "; set "
              + String.join(" ", found.stream().map(Difference::setting).toList());
    }
    throw new CheckpointException(weights.path(), text + otherwise);
  }

  private static List<Difference> differences(ChangeNet.Config then, ChangeNet.Config spec) {
    BackboneType type = BackboneType.of(spec.backbone());
    boolean same = then.backbone().equals(spec.backbone());
    List<Difference> all = new ArrayList<>();
    all.add(
        new Difference(
            "dataset.segment.num_classes",
            then.classes(),
            spec.classes(),
            then.classes() + " classes"));
    all.add(
        new Difference("model.backbone.type", then.backbone(), spec.backbone(), then.backbone()));
    all.add(
        new Difference(
            "model.decode_head.decoder_params.embed_dim",
            then.embedDim(),
            spec.embedDim(),
            "embed_dim " + then.embedDim()));
    if (same && !type.isFan() && type != BackboneType.VIT_LARGE_NVDINOV2) {
      all.add(
          new Difference(
              "model.decode_head.use_summary_token",
              then.useSummaryToken(),
              spec.useSummaryToken(),
              "use_summary_token " + then.useSummaryToken()));
    }
    if (same && type == BackboneType.VIT_LARGE_NVDINOV2) {
      all.add(
          new Difference(
              "dataset.segment.img_size",
              then.imgSize(),
              spec.imgSize(),
              "img_size " + then.imgSize()));
    }
    all.removeIf(d -> d.then().equals(d.now()));
    return all;
  }

  /** A setting that was another one in the training; {@code words} tell which. */
  private record Difference(String key, Object then, Object now, String words) {
    String text() {
      return words + ", the spec has " + now;
    }

    String setting() {
      return key + "=" + then;
    }
  }
}
