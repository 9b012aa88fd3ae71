package dev.changenet.train;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Profile;
import dev.changenet.autograd.Variable;
import dev.changenet.data.Batch;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.cuda.CudaGraphs;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** Runs the network on batches without gradients. The weights must not change meanwhile. */
final class Predictor implements AutoCloseable {
  /** Batches of the same shapes before one is recorded for a GPU. */
  private static final int ORDINARY_BATCHES = 2;

  private final ChangeNet net;
  private final boolean multiScale;
  private final CudaGraphs graphs;

  /**
   * @param multiScale average all five outputs before the argmax instead of using the last
   */
  Predictor(ChangeNet net, boolean multiScale) {
    this.net = net;
    this.multiScale = multiScale;
    graphs = CudaGraphs.on(net.device(), ORDINARY_BATCHES, true);
  }

  /**
   * Class ids of a batch, and its loss.
   *
   * @param classIds [n, S, S]
   * @param probabilities softmax over the classes [n, S, S, K], or null when not asked for
   * @param loss NaN when no loss was asked for
   */
  record Prediction(int[] classIds, float[] probabilities, double loss) {}

  /** Predicts {@code batch}; with {@code loss} non-null the batch's labels are scored too. */
  Prediction predict(Batch batch, SegmentationLoss loss) {
    return predict(batch, loss, false);
  }

  /** {@link #predict(Batch, SegmentationLoss)}, with the probability of each class if asked for. */
  Prediction predict(Batch batch, SegmentationLoss loss, boolean probabilities) {
    HeapStorage.limitGarbage();
    Supplier<Tensor[]> work = () -> start(batch, loss, probabilities);
    CudaGraphs use = net.isObserved() || Profile.isOpen() ? CudaGraphs.none() : graphs;
    return use.run(
        List.of(batch.size(), batch.imgSize(), loss != null, probabilities), work, Predictor::read);
  }

  private static Prediction read(Tensor[] results) {
    Tensor loss = results[1];
    Tensor probabilities = results[2];
    try (Tensor ids = results[0].to(Device.CPU).detached()) {
      return new Prediction(
          Arrays.copyOf(ids.ints(), (int) ids.elements()),
          probabilities == null ? null : probabilities.toFloatArray(),
          loss == null ? Double.NaN : loss.item());
    }
  }

  /** Class ids, the loss or null, and probabilities or null, on the device. */
  private Tensor[] start(Batch batch, SegmentationLoss loss, boolean probabilities) {
    return forward(
        net,
        multiScale,
        () ->
            new TrainStep.Pairs(
                image(batch, batch.a(), net.device()),
                image(batch, batch.b(), net.device()),
                loss == null
                    ? null
                    : SegmentationLoss.targets(
                        batch.labels(),
                        batch.size(),
                        batch.imgSize(),
                        batch.imgSize(),
                        net.device())),
        loss,
        probabilities);
  }

  /** Class ids, the loss or null, and probabilities or null, of pairs with targets or none. */
  static Tensor[] forward(
      ChangeNet net,
      boolean multiScale,
      Supplier<TrainStep.Pairs> pairs,
      SegmentationLoss loss,
      boolean probabilities) {
    try (NoGrad _ = NoGrad.open();
        Scope _ = Scope.open()) {
      TrainStep.Pairs batch = pairs.get();
      List<Variable> outputs = net.forward(batch.a(), batch.b());
      Tensor total =
          loss == null ? null : loss.compute(outputs, batch.targets()).total().data().share();
      Variable logits = multiScale ? average(outputs) : outputs.getLast();
      Tensor scores = logits.data();
      Tensor ids =
          Tensor.empty(
              Shape.of(scores.dim(0), scores.dim(1), scores.dim(2)), DType.INT32, scores.device());
      Backends.of(scores.device()).loss().argmax(scores, ids);
      Tensor shares =
          probabilities ? Functional.softmax(logits, logits.dim(3)).data().share() : null;
      return new Tensor[] {ids.share(), total, shares};
    }
  }

  /** The images of a batch as the network's input, on its device. */
  static Variable image(Batch batch, float[] values, Device device) {
    Tensor onCpu = Tensor.of(values, batch.size(), batch.imgSize(), batch.imgSize(), 3);
    return new Variable(onCpu.to(device));
  }

  private static Variable average(List<Variable> outputs) {
    Variable full = outputs.getLast();
    Variable sum = full;
    for (Variable coarse : outputs.subList(0, outputs.size() - 1)) {
      Variable enlarged =
          Functional.interpolate(
              coarse, ResizeGeometry.Mode.NEAREST, full.dim(1), full.dim(2), false);
      sum = Functional.add(sum, enlarged);
    }
    return Functional.scale(sum, 1f / outputs.size());
  }

  @Override
  public void close() {
    graphs.close();
  }
}
