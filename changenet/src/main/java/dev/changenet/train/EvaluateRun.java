package dev.changenet.train;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.data.Batch;
import dev.changenet.data.ChangeDataset;
import dev.changenet.data.DataLoader;
import dev.changenet.metrics.ConfusionMatrix;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.picture.PairPictures;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;

/** The {@code evaluate} task: scores and pictures of the test split. */
public final class EvaluateRun {
  private final RunContext context;

  public EvaluateRun(RunContext context) {
    this.context = context;
  }

  /** Evaluates; returns all scores by name. */
  public SortedMap<String, Double> run() {
    ExperimentSpec spec = context.spec();
    Path checkpoint = spec.evaluate().checkpoint();
    context.status().write(StatusLog.Status.RUNNING, "Loading checkpoint: " + checkpoint);
    SegmentationLoss loss = context.loss();
    MemoryCheck.of(context.device(), spec)
        .requireForPrediction(
            spec,
            n -> MemoryPlan.ofPrediction(spec, n, loss, context::buildNetwork),
            context.reporter());
    ChangeDataset dataset =
        ChangeDataset.open(
            context.dataSettings(),
            spec.segmentData().testSplit(),
            ChangeDataset.Purpose.EVALUATION);
    ConfusionMatrix matrix = new ConfusionMatrix(spec.segmentData().numClasses());
    PairPictures pictures = context.pictures();
    try (ChangeNet net = context.buildNetwork();
        DataLoader loader = new DataLoader(dataset, Math.max(0, spec.train().seed()));
        Predictor predictor = new Predictor(net, spec.segmentData().multiScaleInfer())) {
      Checkpoint.loadModel(Checkpoint.open(checkpoint), checkpoint, net);
      net.eval();
      long began = System.nanoTime();
      int done = 0;
      for (Batch batch : loader) {
        context.interruption().check();
        Predictor.Prediction p = predictor.predict(batch, loss);
        matrix.add(batch.labels(), p.classIds());
        if (PairPictures.draws(batch.index(), spec.evaluate().visAfterNBatches())) {
          pictures.write(spec.resultsDir(), batch, p.classIds(), true);
        }
        context
            .reporter()
            .progress(
                "Evaluating",
                ++done,
                loader.batches(),
                (System.nanoTime() - began) * 1e-9,
                String.format(Locale.ROOT, "test_loss=%.4f", p.loss()));
      }
      context.reporter().progressDone("Evaluated " + dataset.size() + " pairs");
      if (!dataset.containsChange()) {
        context
            .reporter()
            .warn(
                "split "
                    + spec.segmentData().testSplit()
                    + ": no mask has a changed pixel after label_transform '"
                    + spec.segmentData().labelTransform()
                    + "'; masks with values 0 and 1 need label_transform: None");
      }
    }
    SortedMap<String, Double> scores = matrix.scores();
    Map<String, Double> kpi = new LinkedHashMap<>();
    for (String k : new String[] {"acc", "miou", "mf1", "mprecision", "mrecall"}) {
      kpi.put("test_" + k, scores.get(k));
    }
    context.status().write(StatusLog.Status.RUNNING, "Test metrics generated.", kpi);
    context.reporter().scores(scores);
    return scores;
  }
}
