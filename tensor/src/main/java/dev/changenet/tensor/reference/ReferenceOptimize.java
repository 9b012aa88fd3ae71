package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Optimize;
import java.util.Arrays;
import java.util.List;

/** Adam, AdamW and SGD as PyTorch defines them. */
public final class ReferenceOptimize implements Optimize {
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
    double[] p = Doubles.of(parameter).clone();
    double[] g = Doubles.of(grad);
    double[] m = Doubles.of(expAvg).clone();
    double[] v = Doubles.of(expAvgSq).clone();
    double correction1 = 1 - Math.pow(beta1, step);
    double correction2 = 1 - Math.pow(beta2, step);
    for (int i = 0; i < p.length; i++) {
      double gi = g[i];
      if (decoupled) {
        p[i] *= 1 - lr * weightDecay;
      } else {
        gi += weightDecay * p[i];
      }
      m[i] = beta1 * m[i] + (1 - beta1) * gi;
      v[i] = beta2 * v[i] + (1 - beta2) * gi * gi;
      p[i] -= lr / correction1 * m[i] / (Math.sqrt(v[i] / correction2) + eps);
    }
    Doubles.write(p, parameter);
    Doubles.write(m, expAvg);
    Doubles.write(v, expAvgSq);
    parameter.storage().changed();
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
    double[] p = Doubles.of(parameter).clone();
    double[] g = Doubles.of(grad);
    double[] buf = Doubles.of(buffer).clone();
    for (int i = 0; i < p.length; i++) {
      double gi = g[i] + weightDecay * p[i];
      buf[i] = first ? gi : momentum * buf[i] + gi;
      p[i] -= lr * buf[i];
    }
    Doubles.write(p, parameter);
    Doubles.write(buf, buffer);
    parameter.storage().changed();
  }

  @Override
  public void clip(List<Tensor> grads, double maxNorm, double scale, Tensor norm) {
    double squares = Arrays.stream(sumsOfSquares(grads)).sum();
    double total = scale * Math.sqrt(squares);
    Doubles.write(new double[] {total}, norm);
    double factor = scale * Math.min(1, maxNorm / (total + 1e-6));
    for (Tensor grad : grads) {
      double[] g = Doubles.of(grad).clone();
      for (int i = 0; i < g.length; i++) {
        g[i] *= factor;
      }
      Doubles.write(g, grad);
    }
  }

  @Override
  public double[] sumsOfSquares(List<Tensor> tensors) {
    double[] sums = new double[tensors.size()];
    for (int i = 0; i < sums.length; i++) {
      for (double v : Doubles.of(tensors.get(i))) {
        sums[i] += v * v;
      }
    }
    return sums;
  }

  @Override
  public void average(List<AverageTensors> tensors, double decay) {
    for (AverageTensors t : tensors) {
      double[] average = Doubles.of(t.average()).clone();
      double[] value = Doubles.of(t.value());
      for (int i = 0; i < average.length; i++) {
        average[i] = decay * average[i] + (1 - decay) * value[i];
      }
      Doubles.write(average, t.average());
    }
  }
}
