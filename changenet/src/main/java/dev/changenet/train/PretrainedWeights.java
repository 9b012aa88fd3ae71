package dev.changenet.train;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.state.BackboneKeys;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.ChangeNetException;
import java.nio.file.Path;
import java.util.Optional;

/** Weights that a training starts from: of the backbone, then of the whole model. */
final class PretrainedWeights {
  private PretrainedWeights() {}

  /** Fills {@code net} from the files that {@code spec} names, and freezes what it says. */
  static void load(ExperimentSpec spec, ChangeNet net, Reporter reporter) {
    Optional<Path> backbone = spec.model().backbone().pretrainedBackbonePath();
    if (backbone.isPresent()) {
      Path file = backbone.get();
      StateLoading.Report report =
          StateLoading.matching(
              net.backbone(), "backbone.", BackboneKeys.rename(WeightsFile.read(file)), file);
      reporter.info("Loaded backbone weights from " + file + ": " + report.line());
      if (report.matched() == 0) {
        throw new ChangeNetException(
            file
                + ": no tensor name matches the backbone "
                + spec.model().backbone().type().key()
                + "; check model.backbone.type and pretrained_backbone_path");
      }
    }
    Optional<Path> model = spec.train().pretrainedModelPath();
    if (model.isPresent()) {
      Checkpoint.loadModel(Checkpoint.open(model.get()), model.get(), net);
      reporter.info("Loaded model weights from " + model.get());
    }
    if (spec.model().backbone().freezeBackbone()) {
      net.backbone().freezePretrained();
      reporter.info("Backbone frozen");
    }
  }
}
