package dev.changenet.train;

import dev.changenet.data.Batch;
import dev.changenet.data.DataLoader;
import dev.changenet.metrics.ConfusionMatrix;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import java.util.LinkedHashMap;
import java.util.Map;

/** Scores a network on the validation split. */
final class Validation {
  private Validation() {}

  /**
   * What validation found.
   *
   * @param loss mean loss of the pairs
   * @param matrix pixels by true and predicted class
   * @param scores {@link ConfusionMatrix#scores}
   */
  record Result(double loss, ConfusionMatrix matrix, Map<String, Double> scores) {
    /** The scores that {@code status.json} names. */
    Map<String, Double> kpi() {
      Map<String, Double> kpi = new LinkedHashMap<>();
      kpi.put("val_loss", loss);
      for (String k : new String[] {"acc", "miou", "mf1", "mprecision", "mrecall"}) {
        kpi.put("val_" + k, scores.get(k));
      }
      return kpi;
    }
  }

  /** Looks at each batch, whose arrays hold another one afterwards. */
  @FunctionalInterface
  interface Look {
    void at(Batch batch, Predictor.Prediction prediction);
  }

  /** Validates {@code net}, which must be in evaluation mode. */
  static Result run(
      RunContext context,
      ChangeNet net,
      DataLoader loader,
      SegmentationLoss loss,
      String label,
      boolean probabilities,
      Look look) {
    ConfusionMatrix matrix = new ConfusionMatrix(context.spec().segmentData().numClasses());
    double lossSum = 0;
    int samples = 0;
    int done = 0;
    double began = System.nanoTime() * 1e-9;
    try (Predictor predictor = new Predictor(net, context.spec().segmentData().multiScaleInfer())) {
      for (Batch batch : loader) {
        context.interruption().check();
        Predictor.Prediction p = predictor.predict(batch, loss, probabilities);
        matrix.add(batch.labels(), p.classIds());
        lossSum += p.loss() * batch.size();
        samples += batch.size();
        look.at(batch, p);
        loader.recycle(batch);
        context
            .reporter()
            .progress(label, ++done, loader.batches(), System.nanoTime() * 1e-9 - began, "");
      }
    }
    return new Result(lossSum / samples, matrix, matrix.scores());
  }
}
