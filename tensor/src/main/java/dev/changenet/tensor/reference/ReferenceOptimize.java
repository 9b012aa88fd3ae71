package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Optimize;

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
}
