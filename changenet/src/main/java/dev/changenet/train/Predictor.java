package dev.changenet.train;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Variable;
import dev.changenet.data.Batch;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.backend.ResizeGeometry;
import java.util.Arrays;
import java.util.List;

/** Runs the network on batches without gradients. */
final class Predictor {
  private final ChangeNet net;
  private final boolean multiScale;

  /**
   * @param multiScale average all five outputs before the argmax instead of using the last
   */
  Predictor(ChangeNet net, boolean multiScale) {
    this.net = net;
    this.multiScale = multiScale;
  }

  /**
   * Class ids of a batch, and its loss.
   *
   * @param classIds [n, S, S]
   * @param loss NaN when no loss was asked for
   */
  record Prediction(int[] classIds, double loss) {}

  /** Predicts {@code batch}; with {@code loss} non-null the batch's labels are scored too. */
  Prediction predict(Batch batch, SegmentationLoss loss) {
    try (NoGrad _ = NoGrad.open();
        Scope _ = Scope.open()) {
      List<Variable> outputs =
          net.forward(image(batch, batch.a(), net.device()), image(batch, batch.b(), net.device()));
      double value =
          loss == null ? Double.NaN : loss.compute(outputs, batch.labels()).total().data().item();
      Tensor scores = (multiScale ? average(outputs) : outputs.getLast()).data();
      Tensor ids =
          Tensor.empty(
              dev.changenet.tensor.Shape.of(batch.size(), batch.imgSize(), batch.imgSize()),
              DType.INT32,
              scores.device());
      Backends.of(scores.device()).loss().argmax(scores, ids);
      int[] onCpu = ids.to(Device.CPU).ints();
      return new Prediction(Arrays.copyOf(onCpu, (int) ids.elements()), value);
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
}
