package dev.changenet.export;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.ExportSpec;
import dev.changenet.inspect.NetworkFinder;
import dev.changenet.inspect.WeightSource;
import dev.changenet.nn.state.WeightsFile;
import java.util.Optional;

/** Compares the input size of the exported graph with that of the training. */
final class InputSize {
  private InputSize() {}

  /** Says that the graph is fixed at another size than the training's; empty when it is not. */
  static Optional<String> doubt(ExperimentSpec spec, WeightsFile weights) {
    ExportSpec export = spec.export();
    Optional<Integer> beside = trained(weights);
    int trained = beside.orElse(spec.segmentData().imgSize());
    if (export.dynamicSize() || export.inputWidth() == trained && export.inputHeight() == trained) {
      return Optional.empty();
    }
    return Optional.of(
        "the exported network will take pictures %d wide and %d high, %s %d x %d"
                .formatted(
                    export.inputWidth(),
                    export.inputHeight(),
                    beside.isPresent()
                        ? "it was trained at"
                        : "but dataset.segment.img_size of the spec is",
                    trained,
                    trained)
            + "; unless this is meant, add"
            + " export.input_width=%d export.input_height=%d".formatted(trained, trained));
  }

  /** The size that the spec beside the checkpoint tells, where that spec is the training's. */
  private static Optional<Integer> trained(WeightsFile weights) {
    return NetworkFinder.besideWeights(
            new WeightSource(weights, "state_dict", weights.tensors("state_dict")))
        .map(network -> network.size());
  }
}
