package dev.changenet.train;

import dev.changenet.backbone.Backbone;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.state.BackboneWeights;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.io.AtomicFile;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Weights that a training starts from: of the backbone, then of the whole model. The files are
 * opened, and compared with the network's names and shapes, before anything costs time.
 */
final class PretrainedWeights {
  /** File in the results directory with every name that a backbone load was about. */
  static final String REPORT = "pretrained_backbone.txt";

  private static final String PREFIX = "backbone.";

  private final ExperimentSpec spec;
  private final Optional<WeightsFile> backbone;
  private final Optional<WeightsFile> model;

  private PretrainedWeights(
      ExperimentSpec spec, Optional<WeightsFile> backbone, Optional<WeightsFile> model) {
    this.spec = spec;
    this.backbone = backbone;
    this.model = model;
  }

  /**
   * Opens the files that {@code spec} names; none when a checkpoint brings all weights anyway.
   *
   * @param resuming whether training goes on from a checkpoint
   */
  static PretrainedWeights open(ExperimentSpec spec, boolean resuming) {
    return resuming
        ? new PretrainedWeights(spec, Optional.empty(), Optional.empty())
        : new PretrainedWeights(
            spec,
            spec.model().backbone().pretrainedBackbonePath().map(WeightsFile::read),
            spec.train().pretrainedModelPath().map(Checkpoint::open));
  }

  /**
   * Refuses files that don't fit.
   *
   * @param build makes the network, of which only names and shapes matter
   */
  void check(Supplier<ChangeNet> build) {
    if (backbone.isPresent()) {
      try (DryRun _ = DryRun.open();
          ChangeNet net = build.get()) {
        fitting(backbone.get(), targets(net.backbone()));
      }
    }
    model.ifPresent(file -> ModelFit.require(build, file, "leave out train.pretrained_model_path"));
  }

  /** Fills {@code net}, and freezes what the spec says. */
  void load(ChangeNet net, Reporter reporter) {
    backbone.ifPresent(file -> loadBackbone(file, net.backbone(), reporter));
    model.ifPresent(
        file -> {
          Checkpoint.loadModel(file, file.path(), net);
          reporter.info("Loaded model weights from " + file.path());
        });
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

  private BackboneWeights fitting(WeightsFile file, Map<String, Tensor> targets) {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    targets.forEach((name, t) -> shapes.put(name, t.shape().toArray()));
    BackboneWeights weights = BackboneWeights.of(file, shapes);
    if (weights.tensors().isEmpty()) {
      throw new ChangeNetException(
          file.path()
              + ": no tensor name matches the backbone "
              + spec.model().backbone().type().key()
              + "; check model.backbone.type and pretrained_backbone_path");
    }
    return weights;
  }

  private void loadBackbone(WeightsFile source, Backbone backbone, Reporter reporter) {
    Path file = source.path();
    Map<String, Tensor> targets = targets(backbone);
    BackboneWeights weights = fitting(source, targets);
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
      AtomicFile.write(report, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new ChangeNetException(report + ": can't be written: " + IoProblem.of(e), e);
    }
  }
}
