package dev.changenet.train;

import dev.changenet.backbone.Backbone;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.state.BackboneWeights;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Weights that a training starts from: of the backbone, then of the whole model. */
final class PretrainedWeights {
  /** File in the results directory with every name that a backbone load was about. */
  static final String REPORT = "pretrained_backbone.txt";

  private static final String PREFIX = "backbone.";

  private PretrainedWeights() {}

  /** Fills {@code net} from the files that {@code spec} names, and freezes what it says. */
  static void load(ExperimentSpec spec, ChangeNet net, Reporter reporter) {
    Optional<Path> backbone = spec.model().backbone().pretrainedBackbonePath();
    if (backbone.isPresent()) {
      loadBackbone(spec, backbone.get(), net.backbone(), reporter);
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

  private static Map<String, Tensor> targets(Backbone backbone) {
    Map<String, Tensor> targets = new LinkedHashMap<>();
    backbone.stateDict().forEach((name, t) -> targets.put(name.substring(PREFIX.length()), t));
    return targets;
  }

  private static void loadBackbone(
      ExperimentSpec spec, Path file, Backbone backbone, Reporter reporter) {
    Map<String, Tensor> targets = targets(backbone);
    Map<String, int[]> shapes = new LinkedHashMap<>();
    targets.forEach((name, t) -> shapes.put(name, t.shape().toArray()));
    BackboneWeights weights = BackboneWeights.of(WeightsFile.read(file), shapes);
    if (weights.tensors().isEmpty()) {
      throw new ChangeNetException(
          file
              + ": no tensor name matches the backbone "
              + spec.model().backbone().type().key()
              + "; check model.backbone.type and pretrained_backbone_path");
    }
    weights.tensors().forEach((name, t) -> StateLoading.copy(t, targets.get(name)));
    Path names = spec.resultsDir().resolve(REPORT);
    write(names, file, weights);
    reporter.info(
        "Loaded backbone weights from " + file + ": " + line(weights) + "; all names in " + names);
  }

  /** Counts of a load, and the first names of each kind. */
  private static String line(BackboneWeights w) {
    List<String> parts = new ArrayList<>();
    parts.add("matched " + w.tensors().size());
    parts.add("missing " + StateLoading.some(w.missing()));
    parts.add("unexpected " + StateLoading.some(w.unexpected()));
    parts.add("reshaped " + StateLoading.some(w.reshaped()));
    if (!w.dropped().isEmpty()) {
      parts.add("dropped " + StateLoading.some(w.dropped()));
    }
    if (w.adapter() > 0) {
      parts.add(w.adapter() + " of the adapter keep their initial values");
    }
    return String.join(", ", parts);
  }

  private static void write(Path report, Path file, BackboneWeights w) {
    List<String> lines = new ArrayList<>();
    lines.add("# names of " + file + " and of the backbone");
    w.tensors().keySet().forEach(n -> lines.add("matched " + n));
    w.missing().forEach(n -> lines.add("missing " + n));
    w.unexpected().forEach(n -> lines.add("unexpected " + n));
    w.reshaped().forEach(n -> lines.add("reshaped " + n));
    w.dropped().forEach(n -> lines.add("dropped " + n));
    try {
      Files.write(report, lines);
    } catch (IOException e) {
      throw new ChangeNetException(report + ": can't be written: " + e.getMessage(), e);
    }
  }
}
