package dev.changenet.train;

import dev.changenet.check.Role;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.data.Batch;
import dev.changenet.data.ChangeDataset;
import dev.changenet.data.DataLoader;
import dev.changenet.data.DataMessages;
import dev.changenet.metrics.ConfusionMatrix;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.picture.PairPictures;
import dev.changenet.report.Evaluation;
import dev.changenet.report.EvaluationReport;
import dev.changenet.report.Fingerprint;
import dev.changenet.report.RunFacts;
import dev.changenet.report.StoredFile;
import dev.changenet.report.TrainingReport;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
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
    DataCheck.Start data = DataCheck.atStart(spec, EnumSet.of(Role.TEST), context.reporter());
    ConfusionMatrix matrix = new ConfusionMatrix(spec.segmentData().numClasses());
    PairPictures pictures = context.pictures();
    DrawnPairs drawn =
        new DrawnPairs("evaluate.vis_after_n_batches", spec.evaluate().visAfterNBatches());
    Evaluation found = new Evaluation(spec.segmentData().classNames(), pictures);
    ZonedDateTime started = ZonedDateTime.now();
    double seconds;
    try (ChangeNet net = context.buildNetwork();
        DataLoader loader = new DataLoader(dataset, Math.max(0, spec.train().seed()));
        Predictor predictor = new Predictor(net, spec.segmentData().multiScaleInfer())) {
      WeightsFile weights = Checkpoint.open(checkpoint);
      Checkpoint.loadModel(weights, checkpoint, net);
      TrainedSize.doubt(spec, checkpoint).ifPresent(context.reporter()::warn);
      data.compare(weights, context.reporter());
      net.eval();
      context.begin();
      long began = System.nanoTime();
      int done = 0;
      for (Batch batch : loader) {
        context.interruption().check();
        Predictor.Prediction p = predictor.predict(batch, loss, spec.report());
        matrix.add(batch.labels(), p.classIds());
        if (spec.report()) {
          found.add(batch, p.classIds(), p.probabilities(), p.loss());
        }
        if (drawn.draws(batch.index(), batch.size())) {
          pictures.write(spec.resultsDir(), batch, p.classIds(), true);
        }
        loader.recycle(batch);
        context
            .reporter()
            .progress(
                "Evaluating",
                ++done,
                loader.batches(),
                (System.nanoTime() - began) * 1e-9,
                String.format(Locale.ROOT, "test_loss=%.4f", p.loss()));
      }
      seconds = (System.nanoTime() - began) * 1e-9;
      context
          .reporter()
          .progressDone(
              "Evaluated " + dataset.size() + " pairs; pictures are in " + spec.resultsDir());
      drawn.notice().ifPresent(context.reporter()::info);
      if (!data.changeLost() && !dataset.containsChange()) {
        context
            .reporter()
            .warn(
                DataMessages.noChange(
                    spec.segmentData().testSplit(), spec.segmentData().labelTransform()));
      }
    }
    SortedMap<String, Double> scores = matrix.scores();
    Map<String, Double> kpi = new LinkedHashMap<>();
    for (String k : new String[] {"acc", "miou", "mf1", "mprecision", "mrecall"}) {
      kpi.put("test_" + k, scores.get(k));
    }
    context.status().write(StatusLog.Status.RUNNING, "Test metrics generated.", kpi);
    context.reporter().scores(scores, spec.segmentData().classNames());
    if (spec.report()) {
      EvaluationReport.write(facts(dataset, started, seconds), found);
      context.reporter().info("Report: " + spec.resultsDir().resolve(TrainingReport.FILE));
    }
    return scores;
  }

  private RunFacts facts(ChangeDataset dataset, ZonedDateTime started, double seconds) {
    ExperimentSpec spec = context.spec();
    return new RunFacts(
        spec,
        context.deviceName(),
        started,
        seconds,
        List.of(Fingerprint.of(dataset)),
        List.of(
            StoredFile.of("checkpoint", spec.evaluate().checkpoint(), true),
            StoredFile.of("spec", spec.specFile(), true),
            StoredFile.of("spec as used", spec.resultsDir().resolve(ExperimentSpec.FILE), true)));
  }
}
