package dev.changenet.train;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.data.Batch;
import dev.changenet.data.ChangeDataset;
import dev.changenet.data.DataLoader;
import dev.changenet.model.ChangeNet;
import dev.changenet.picture.PairPictures;
import java.nio.file.Path;

/** The {@code inference} task: pictures of the predict split; masks are never opened. */
public final class InferenceRun {
  private final RunContext context;

  public InferenceRun(RunContext context) {
    this.context = context;
  }

  public void run() {
    ExperimentSpec spec = context.spec();
    Path checkpoint = spec.inference().checkpoint();
    context.status().write(StatusLog.Status.RUNNING, "Loading checkpoint: " + checkpoint);
    MemoryCheck.of(context.device(), spec)
        .requireForPrediction(
            spec,
            n -> MemoryPlan.ofPrediction(spec, n, null, context::buildNetwork),
            context.reporter());
    ChangeDataset dataset =
        ChangeDataset.open(
            context.dataSettings(),
            spec.segmentData().predictSplit(),
            ChangeDataset.Purpose.INFERENCE);
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
        if (PairPictures.draws(batch.index(), spec.inference().visAfterNBatches())) {
          pictures.write(
              spec.resultsDir(), batch, predictor.predict(batch, null).classIds(), false);
        }
        context
            .reporter()
            .progress(
                "Predicting", ++done, loader.batches(), (System.nanoTime() - began) * 1e-9, "");
      }
      context
          .reporter()
          .progressDone(
              "Predicted " + dataset.size() + " pairs; pictures are in " + spec.resultsDir());
    }
  }
}
