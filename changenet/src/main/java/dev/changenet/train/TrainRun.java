package dev.changenet.train;

import dev.changenet.check.Role;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.OptimSpec;
import dev.changenet.config.PythonText;
import dev.changenet.config.TrainSpec;
import dev.changenet.data.Batch;
import dev.changenet.data.ChangeDataset;
import dev.changenet.data.DataLoader;
import dev.changenet.data.DataMessages;
import dev.changenet.image.DataException;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.LrSchedule;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cuda.CudaGraphs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The {@code train} task. */
public final class TrainRun {
  private static final int SANITY_BATCHES = 2;

  /** Steps before one is recorded for a GPU: the first make what all later ones use. */
  private static final int ORDINARY_STEPS = 3;

  private final RunContext context;
  private final ExperimentSpec spec;
  private final TrainSpec train;
  private final Reporter reporter;
  private final long seed;
  private final SegmentationLoss loss;
  private ChangeNet net;
  private Optimizer optimizer;
  private CudaGraphs graphs;
  private TrainingAids aids;
  private int parts;
  private DataLoader training;
  private DataLoader validation;
  private DataCheck.Start data;
  private Checkpoint.Progress start;
  private double baseLr;
  private int stepSize;
  private final List<TrainObserver> observers = new ArrayList<>();
  private long globalStep;
  private Checkpoint.Progress position;
  private long savedStep;
  private double epochSeconds;
  private double stepSeconds;
  private long stepsHere;

  public TrainRun(RunContext context) {
    this.context = context;
    this.spec = context.spec();
    this.train = spec.train();
    this.reporter = context.reporter();
    this.seed = train.seed() >= 0 ? train.seed() : clockSeed();
    this.loss = context.loss();
    observers.add(new TrainProgress(reporter));
    observers.add(new MetricsTable(spec.resultsDir(), reporter));
    if (train.tensorboard().enabled()) {
      observers.add(new TrainingCurves(spec.resultsDir(), reporter));
    }
    if (spec.report()) {
      observers.add(new TrainReport(context));
    }
  }

  /** A seed that {@code train.seed} takes, too. */
  private static long clockSeed() {
    return System.nanoTime() & 0xFFFFFFFFL;
  }

  private void tellSeed() {
    if (train.seed() >= 0) {
      reporter.info("Seed set to " + seed);
      return;
    }
    String told = "No seed set: using " + seed + ", train.seed=" + seed + " repeats this run";
    reporter.info(told);
    context.status().write(StatusLog.Status.RUNNING, told);
  }

  /** Trains; returns when all epochs are done. */
  public void run() {
    LatestCheckpoint.removeStale(spec.resultsDir());
    ResumeSource resume = new ResumeSource(spec);
    Optional<WeightsFile> checkpoint = resume.open();
    resume.warning().ifPresent(reporter::warn);
    PretrainedWeights pretrained = PretrainedWeights.open(spec, resume.isPresent());
    checkpoint.ifPresent(file -> ModelFit.require(this::plannedNetwork, file, resume.otherStart()));
    pretrained.check(this::plannedNetwork);
    tellSeed();
    requireMemory();
    openData();
    try (ChangeNet network = context.buildNetwork();
        DataLoader _ = training;
        DataLoader _ = validation) {
      net = network;
      net.setActivations(context.activations());
      context.chooseAlgorithms();
      net.initialize(seed);
      reporter.info("Number of output classes: " + spec.segmentData().numClasses());
      pretrained.load(net, reporter);
      try (Optimizer opt = buildOptimizer();
          CudaGraphs steps = CudaGraphs.on(net.device(), ORDINARY_STEPS, false);
          TrainingAids extras = new TrainingAids(context, net, opt, data.entries())) {
        optimizer = opt;
        graphs = steps;
        aids = extras;
        restore(checkpoint);
        boolean left = start.nextEpoch() < train.numEpochs() && !aids.exhausted();
        if (left) {
          CheckpointSpace.of(train, net, opt, start.nextEpoch(), training.batches())
              .warning(spec.resultsDir())
              .ifPresent(reporter::warn);
          sanityCheck();
        } else if (start.nextEpoch() >= train.numEpochs()) {
          reporter.info(
              "Nothing to train: the checkpoint has done all " + train.numEpochs() + " epochs");
        } else {
          reporter.info(
              "Nothing to train: train.best.patience is "
                  + train.best().patience()
                  + ". "
                  + aids.farewell());
        }
        context.status().write(StatusLog.Status.STARTED, "Starting Training Loop.");
        if (left) {
          context.begin();
        }
        observedEpochs();
        context.status().write(StatusLog.Status.RUNNING, "Training loop complete.");
      }
    }
  }

  private void requireMemory() {
    parts =
        MemoryCheck.of(context.device(), spec)
            .require(
                spec, (n, k) -> MemoryPlan.of(spec, n, k, loss, this::plannedNetwork), reporter);
  }

  /** The network as it will be trained, for its sizes alone. */
  private ChangeNet plannedNetwork() {
    ChangeNet planned = context.buildNetwork();
    planned.setActivations(context.activations());
    if (spec.model().backbone().freezeBackbone()) {
      planned.backbone().freezePretrained();
    }
    return planned;
  }

  private void observedEpochs() {
    try {
      TrainObserver.Setup setup =
          new TrainObserver.Setup(
              context,
              net,
              optimizer,
              training.dataset(),
              validation.dataset(),
              training.batches(),
              globalStep,
              start.nextEpoch());
      observers.forEach(o -> o.started(setup));
      epochs();
      observers.forEach(TrainObserver::finished);
    } finally {
      observers.forEach(TrainObserver::close);
    }
  }

  private void epochs() {
    position = start;
    savedStep = start.globalStep();
    try {
      for (int e = start.nextEpoch(); e < train.numEpochs() && !aids.exhausted(); e++) {
        epoch(e, e == start.epoch() ? start : null);
      }
    } catch (InterruptedRunException | DataException e) {
      // Both come between two steps, so the state is whole; no trained step shall be lost.
      saveUnsaved(e);
      throw e;
    }
  }

  private void openData() {
    ChangeDataset trainSet =
        ChangeDataset.open(
            context.dataSettings(),
            spec.segmentData().trainSplit(),
            ChangeDataset.Purpose.TRAINING);
    training = new DataLoader(trainSet, seed);
    // As large as a part of a training batch, since it must fit into the same memory.
    int size = Accumulation.largest(spec.segmentData().batchSize(), parts);
    ChangeDataset valSet =
        ChangeDataset.open(
            context.dataSettings(size),
            spec.segmentData().validationSplit(),
            ChangeDataset.Purpose.VALIDATION);
    validation = new DataLoader(valSet, seed);
    reporter.info(
        "Training pairs: "
            + trainSet.size()
            + " ("
            + training.batches()
            + " steps per epoch), validation pairs: "
            + valSet.size());
    TestList.missing(spec).ifPresent(reporter::warn);
    data = DataCheck.atStart(spec, EnumSet.of(Role.TRAIN, Role.VALIDATION), reporter);
  }

  private Optimizer buildOptimizer() {
    OptimSpec o = train.optim();
    baseLr = o.lr();
    stepSize = o.policy().equals("step") ? train.numEpochs() / 3 : 0;
    return TrainStep.optimizer(net, o);
  }

  private void restore(Optional<WeightsFile> checkpoint) {
    start = new Checkpoint.Progress(-1, 0, 0, 0, baseLr, stepSize);
    if (checkpoint.isEmpty()) {
      return;
    }
    WeightsFile weights = checkpoint.get();
    Path file = weights.path();
    start = Checkpoint.progress(weights, file);
    if (start.nextEpoch() > train.numEpochs()) {
      throw new ChangeNetException(
          "train.num_epochs: "
              + train.numEpochs()
              + " is less than the "
              + start.nextEpoch()
              + " epochs that "
              + file
              + " has already done; raise num_epochs or choose another"
              + " results_dir");
    }
    Checkpoint.loadModel(weights, file, net);
    Checkpoint.loadOptimizer(weights, file, optimizer);
    aids.restore(weights, file);
    data.compare(weights, reporter);
    globalStep = start.globalStep();
    if (!Double.isNaN(start.baseLr())) {
      warnIgnored("lr", baseLr, start.baseLr());
      warnIgnored("policy", policy(stepSize), policy(start.stepSize()));
      baseLr = start.baseLr();
      stepSize = start.stepSize();
    }
    reporter.info("Resuming training from checkpoint: " + file);
    context.status().write(StatusLog.Status.RUNNING, "Resuming training from checkpoint: " + file);
  }

  private static String policy(int stepSize) {
    return stepSize > 0 ? "step of " + stepSize + " epochs" : "linear";
  }

  private void warnIgnored(String key, Object written, Object stored) {
    if (!written.equals(stored)) {
      reporter.warn(
          "train.optim."
              + key
              + ": "
              + PythonText.of(written)
              + " is ignored, training continues with the "
              + PythonText.of(stored)
              + " of the checkpoint");
    }
  }

  /** Validation errors should show before the first epoch, not after it. */
  private void sanityCheck() {
    net.eval();
    try (Predictor predictor = new Predictor(net, spec.segmentData().multiScaleInfer())) {
      int n = 0;
      for (Batch batch : validation) {
        context.interruption().check();
        predictor.predict(batch, loss);
        if (++n == SANITY_BATCHES) {
          break;
        }
      }
    }
    if (!data.changeLost() && !training.dataset().containsChange()) {
      reporter.warn(
          DataMessages.noChange(
              spec.segmentData().trainSplit(), spec.segmentData().labelTransform()));
    }
    trim();
  }

  private double rate(int epoch) {
    return stepSize > 0
        ? LrSchedule.stepped(baseLr, epoch, stepSize)
        : LrSchedule.LINEAR.rate(baseLr, epoch, train.numEpochs());
  }

  /**
   * One epoch.
   *
   * @param resumed where a checkpoint inside this epoch stopped, or null
   */
  private void epoch(int epoch, Checkpoint.Progress resumed) {
    double began = now();
    net.train(true);
    optimizer.setLr(rate(epoch));
    int done = resumed == null ? 0 : resumed.batchesDone();
    double lossSum = resumed == null ? 0 : resumed.lossSum();
    int steps = training.batches();
    double firstStep = now();
    String label = "Epoch " + epoch;
    int doneBefore = done;
    observers.forEach(o -> o.epochStarted(epoch, doneBefore));
    for (Batch batch : training.epoch(epoch, done)) {
      context.interruption().check();
      warnIfAllIgnored(batch);
      double stepBegan = now();
      TrainStep.Losses losses = step(batch);
      double seconds = now() - stepBegan;
      stepSeconds += seconds;
      double value = losses.total();
      requireFinite(value, epoch, batch);
      lossSum += value;
      done++;
      stepsHere++;
      position = new Checkpoint.Progress(epoch, globalStep, done, lossSum, baseLr, stepSize);
      TrainObserver.Step taken =
          new TrainObserver.Step(epoch, globalStep, losses, optimizer.lr(), seconds, batch);
      observers.forEach(o -> o.step(taken));
      training.recycle(batch);
      saveInsideEpoch();
    }
    double trainSeconds = now() - firstStep;
    requireFiniteWeights();
    // Not by steps: a resumed epoch may have begun with other data.
    double trainLoss = lossSum / done;
    boolean last = epoch == train.numEpochs() - 1;
    boolean validate = (epoch + 1) % train.validationInterval() == 0;
    Optional<Validation.Result> validated =
        validate ? Optional.of(validate(epoch, label)) : Optional.empty();
    if (validated.isPresent() && !Double.isFinite(validated.get().loss())) {
      throw new ChangeNetException(
          "the validation loss became " + validated.get().loss() + where(epoch) + diverged());
    }
    epochSeconds = now() - began;
    writeEpochStatus(epoch, trainLoss, steps);
    TrainObserver.Epoch complete =
        new TrainObserver.Epoch(
            epoch,
            globalStep,
            trainLoss,
            optimizer.lr(),
            epochSeconds,
            (double) (done - doneBefore) * spec.segmentData().batchSize() / trainSeconds,
            validated);
    observers.forEach(o -> o.epoch(complete));
    boolean byEpoch = train.checkpointIntervalUnit().equals("epoch");
    boolean due = byEpoch && (epoch + 1) % train.checkpointInterval() == 0;
    position = new Checkpoint.Progress(epoch, globalStep, 0, 0, baseLr, stepSize);
    optimizer.setLr(rate(position.nextEpoch()));
    // Before the epoch's checkpoint: who is killed in between does the epoch again.
    aids.epoch(complete, position);
    if (due || last || aids.exhausted()) {
      save(Checkpoint.epochName(epoch));
    }
    if (aids.exhausted()) {
      reporter.info(aids.farewell());
      context.status().write(StatusLog.Status.RUNNING, aids.farewell());
    }
    if (!last) {
      context.interruption().check();
    }
  }

  private TrainStep.Losses step(Batch batch) {
    HeapStorage.limitGarbage();
    List<TrainObserver> looking =
        observers.stream().filter(o -> o.wantsGradients(globalStep)).toList();
    TrainStep.Losses losses =
        TrainStep.run(
            net,
            loss,
            optimizer,
            Accumulation.parts(batch, net, loss, parts, seed, globalStep),
            aids.between(
                looking.isEmpty()
                    ? null
                    : () -> looking.forEach(o -> o.gradients(net, globalStep))),
            graphs,
            List.of(batch.size(), batch.imgSize()));
    globalStep++;
    aids.stepTaken(globalStep, losses.updated());
    return losses;
  }

  /** Such a batch has loss 0 here, not NaN, and teaches nothing. */
  private void warnIfAllIgnored(Batch batch) {
    for (int label : batch.labels()) {
      if (label != SegmentationLoss.IGNORE) {
        return;
      }
    }
    reporter.warn(
        "every pixel is ignored (label 255) in the batch of "
            + String.join(", ", batch.names())
            + "; its loss counts as 0");
  }

  private void requireFinite(double value, int epoch, Batch batch) {
    if (!Double.isFinite(value)) {
      throw new ChangeNetException(
          "the training loss became "
              + value
              + where(epoch)
              + " (samples "
              + String.join(", ", batch.names())
              + ")"
              + diverged());
    }
  }

  /**
   * An update can destroy the weights though its loss was fine: before the next loss tells, they
   * would be validated, saved and called the latest or even the best.
   */
  private void requireFiniteWeights() {
    List<Parameter> parameters = net.parameters();
    double[] sums =
        Backends.of(net.device())
            .optimize()
            .sumsOfSquares(parameters.stream().map(Parameter::data).toList());
    for (int i = 0; i < sums.length; i++) {
      if (Double.isFinite(sums[i])) {
        continue;
      }
      Parameter p = parameters.get(i);
      for (float value : p.data().toFloatArray()) {
        if (!Float.isFinite(value)) {
          throw new ChangeNetException(
              "the weight " + p.name() + " became " + value + where(position.epoch()) + diverged());
        }
      }
    }
  }

  private String where(int epoch) {
    return " in epoch " + epoch + ", step " + globalStep;
  }

  /** What to do; a resumed training keeps its learning rate. */
  private String diverged() {
    return "; lower train.optim.lr (now "
        + optimizer.lr()
        + ")"
        + (context.activations() == DType.FLOAT16
            ? " or, as float16 ends at 65504, train with train.precision bf16-mixed or 32-true,"
            : "")
        + " and train into another results_dir, anew or with a checkpoint of this training as"
        + " train.pretrained_model_path";
  }

  private void saveInsideEpoch() {
    if (train.checkpointIntervalUnit().equals("step")
        && globalStep % train.checkpointInterval() == 0) {
      save(Checkpoint.stepName(position.epoch(), globalStep));
    }
  }

  /** Saves what was trained since the last checkpoint, now that {@code reason} ends the run. */
  private void saveUnsaved(RuntimeException reason) {
    if (globalStep == savedStep) {
      return;
    }
    try {
      save(Checkpoint.stepName(position.epoch(), globalStep));
    } catch (ChangeNetException second) {
      reporter.warn("the steps since the last checkpoint are lost: " + Failure.userMessage(second));
      reason.addSuppressed(second);
    }
  }

  private void save(String name) {
    requireFiniteWeights();
    optimizer.setLr(rate(position.nextEpoch()));
    Path file = Checkpoint.save(spec.resultsDir(), name, net, optimizer, position, aids.state());
    savedStep = globalStep;
    reporter.info("Saved " + file);
    aids.prune(file);
  }

  /** Evaluation works with other sizes than training: neither keeps the buffers of the other. */
  private void trim() {
    net.forgetDerived();
    HeapStorage.trimPool();
  }

  private Validation.Result validate(int epoch, String label) {
    trim();
    net.eval();
    Validation.Result result =
        aids.validating(
            () ->
                Validation.run(
                    context,
                    net,
                    validation,
                    loss,
                    label + " validation",
                    observers.stream().anyMatch(TrainObserver::wantsProbabilities),
                    (batch, prediction) ->
                        observers.forEach(o -> o.validated(epoch, batch, prediction))));
    context.status().write(StatusLog.Status.RUNNING, "Eval metrics generated.", result.kpi());
    trim();
    return result;
  }

  private void writeEpochStatus(int epoch, double trainLoss, int steps) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("epoch", epoch);
    data.put("step", globalStep);
    data.put("max_epoch", train.numEpochs() - 1);
    data.put("max_step", (long) train.numEpochs() * steps);
    data.put("time_per_epoch", StatusLog.duration(epochSeconds));
    data.put("time_per_step", StatusLog.duration(stepSeconds / Math.max(1, stepsHere)));
    data.put("eta", StatusLog.duration((train.numEpochs() - 1 - epoch) * epochSeconds));
    context.status().write(data, StatusLog.Status.RUNNING, "Training loop in progress");
    context
        .status()
        .write(
            StatusLog.Status.RUNNING, "Train metrics generated.", Map.of("train_loss", trainLoss));
  }

  private static double now() {
    return System.nanoTime() * 1e-9;
  }
}
