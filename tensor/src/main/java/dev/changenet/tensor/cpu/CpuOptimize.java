package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Optimize;
import dev.changenet.tensor.reference.ReferenceOptimize;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Optimizer updates in one pass over parameter, gradient and state. Hyperparameters are combined in
 * float64 and rounded once, the update itself is float32, as in {@code torch.optim}.
 */
final class CpuOptimize implements Optimize {
  private static final int BLOCK = 1 << 14;

  private final Optimize reference = new ReferenceOptimize();

  /** Factors of one Adam step: those that scale the old parameter, the gradient and the state. */
  private record AdamStep(
      float keep,
      float decay,
      float beta1,
      float beta2,
      float rootCorrection,
      float eps,
      float stepSize) {}

  @Override
  public void adam(
      Tensor parameter,
      Tensor grad,
      Tensor expAvg,
      Tensor expAvgSq,
      double lr,
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      boolean decoupled,
      long step) {
    if (parameter.dtype() == DType.FLOAT64) {
      reference.adam(
          parameter, grad, expAvg, expAvgSq, lr, beta1, beta2, eps, weightDecay, decoupled, step);
      return;
    }
    double correction1 = 1 - Math.pow(beta1, step);
    double correction2 = 1 - Math.pow(beta2, step);
    AdamStep s =
        new AdamStep(
            decoupled ? (float) (1 - lr * weightDecay) : 1f,
            decoupled ? 0f : (float) weightDecay,
            (float) beta1,
            (float) beta2,
            (float) Math.sqrt(correction2),
            (float) eps,
            (float) (-lr / correction1));
    float first = (float) (1 - beta1);
    float second = (float) (1 - beta2);
    float[] p = parameter.floats();
    float[] g = grad.floats();
    float[] m = expAvg.floats();
    float[] v = expAvgSq.floats();
    Parallel.forBlocks(
        (int) parameter.elements(),
        BLOCK,
        (from, to) -> adam(p, g, m, v, s, first, second, from, to));
    changed(parameter, expAvg, expAvgSq);
  }

  private static void changed(Tensor... tensors) {
    for (Tensor t : tensors) {
      t.storage().changed();
    }
  }

  private static void adam(
      float[] p,
      float[] g,
      float[] m,
      float[] v,
      AdamStep s,
      float first,
      float second,
      int from,
      int to) {
    FloatVector keep = FloatVector.broadcast(SPECIES, s.keep);
    FloatVector decay = FloatVector.broadcast(SPECIES, s.decay);
    FloatVector beta1 = FloatVector.broadcast(SPECIES, s.beta1);
    FloatVector beta2 = FloatVector.broadcast(SPECIES, s.beta2);
    FloatVector root = FloatVector.broadcast(SPECIES, s.rootCorrection);
    FloatVector eps = FloatVector.broadcast(SPECIES, s.eps);
    FloatVector stepSize = FloatVector.broadcast(SPECIES, s.stepSize);
    for (int i = from; i < to; i += LANES) {
      VectorMask<Float> mask = VectorMath.firstLanes(to - i);
      FloatVector pv = FloatVector.fromArray(SPECIES, p, i, mask);
      FloatVector gv = pv.fma(decay, FloatVector.fromArray(SPECIES, g, i, mask));
      FloatVector mv = gv.mul(first).add(FloatVector.fromArray(SPECIES, m, i, mask).mul(beta1));
      mv.intoArray(m, i, mask);
      FloatVector vv = gv.mul(gv).mul(second);
      vv = vv.add(FloatVector.fromArray(SPECIES, v, i, mask).mul(beta2));
      vv.intoArray(v, i, mask);
      FloatVector denominator = vv.lanewise(VectorOperators.SQRT).div(root).add(eps);
      mv.div(denominator).fma(stepSize, pv.mul(keep)).intoArray(p, i, mask);
    }
  }

  @Override
  public void sgd(
      Tensor parameter,
      Tensor grad,
      Tensor buffer,
      double lr,
      double momentum,
      double weightDecay,
      boolean first) {
    if (parameter.dtype() == DType.FLOAT64) {
      reference.sgd(parameter, grad, buffer, lr, momentum, weightDecay, first);
      return;
    }
    float[] p = parameter.floats();
    float[] g = grad.floats();
    float[] b = buffer.floats();
    // The first step must not read the buffer: its content is undefined.
    float kept = first ? 0f : (float) momentum;
    Parallel.forBlocks(
        (int) parameter.elements(),
        BLOCK,
        (from, to) -> {
          if (first) {
            java.util.Arrays.fill(b, from, to, 0f);
          }
          sgd(p, g, b, (float) lr, kept, (float) weightDecay, from, to);
        });
    changed(parameter, buffer);
  }

  private static void sgd(
      float[] p, float[] g, float[] b, float lr, float momentum, float decay, int from, int to) {
    FloatVector rate = FloatVector.broadcast(SPECIES, -lr);
    FloatVector keep = FloatVector.broadcast(SPECIES, momentum);
    FloatVector weightDecay = FloatVector.broadcast(SPECIES, decay);
    for (int i = from; i < to; i += LANES) {
      VectorMask<Float> mask = VectorMath.firstLanes(to - i);
      FloatVector pv = FloatVector.fromArray(SPECIES, p, i, mask);
      FloatVector gv = pv.fma(weightDecay, FloatVector.fromArray(SPECIES, g, i, mask));
      FloatVector bv = FloatVector.fromArray(SPECIES, b, i, mask).fma(keep, gv);
      bv.intoArray(b, i, mask);
      bv.fma(rate, pv).intoArray(p, i, mask);
    }
  }

  @Override
  public void clip(List<Tensor> grads, double maxNorm, double scale, Tensor norm) {
    if (norm.dtype() == DType.FLOAT64) {
      reference.clip(grads, maxNorm, scale, norm);
      return;
    }
    double squares = 0;
    for (Tensor grad : grads) {
      squares += squares(grad.floats(), (int) grad.elements());
    }
    double total = scale * Math.sqrt(squares);
    norm.set(0, total);
    // A norm that is no number makes the gradients none, as in PyTorch.
    double factor = scale * Math.min(1, maxNorm / (total + 1e-6));
    if (factor != 1) {
      for (Tensor grad : grads) {
        scale(grad.floats(), (int) grad.elements(), (float) factor);
        grad.storage().changed();
      }
    }
  }

  @Override
  public double[] sumsOfSquares(List<Tensor> tensors) {
    double[] sums = new double[tensors.size()];
    for (int i = 0; i < sums.length; i++) {
      Tensor t = tensors.get(i);
      sums[i] =
          t.dtype() == DType.FLOAT32
              ? squares(t.floats(), (int) t.elements())
              : reference.sumsOfSquares(List.of(t))[0];
    }
    return sums;
  }

  private static double squares(float[] g, int n) {
    double[] partial = new double[(n + BLOCK - 1) / BLOCK];
    Parallel.forBlocks(
        n,
        BLOCK,
        (from, to) -> {
          double sum = 0;
          for (int i = from; i < to; i++) {
            sum += (double) g[i] * g[i];
          }
          partial[from / BLOCK] = sum;
        });
    double sum = 0;
    for (double p : partial) {
      sum += p;
    }
    return sum;
  }

  private static void scale(float[] g, int n, float factor) {
    Parallel.forBlocks(
        n,
        BLOCK,
        (from, to) -> {
          for (int i = from; i < to; i++) {
            g[i] *= factor;
          }
        });
  }

  @Override
  public void average(List<AverageTensors> tensors, double decay) {
    for (AverageTensors t : tensors) {
      if (t.average().dtype() == DType.FLOAT64) {
        reference.average(List.of(t), decay);
        continue;
      }
      float[] average = t.average().floats();
      float[] value = t.value().floats();
      float keep = (float) decay;
      float take = (float) (1 - decay);
      Parallel.forBlocks(
          (int) t.average().elements(),
          BLOCK,
          (from, to) -> {
            for (int i = from; i < to; i++) {
              average[i] = keep * average[i] + take * value[i];
            }
          });
    }
  }
}
