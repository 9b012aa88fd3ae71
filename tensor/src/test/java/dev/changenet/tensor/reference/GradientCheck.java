package dev.changenet.tensor.reference;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.GoldenFormula;

/** Central differences of a function of float64 tensors. */
final class GradientCheck {
  private static final double STEP = 1e-6;
  private static final double TOLERANCE = 2e-8;

  private GradientCheck() {}

  /** Computes a number from the current content of its inputs. */
  interface Loss {
    double value();
  }

  /** Returns a seeded float64 tensor. */
  static Tensor random(String seed, double spread, int... shape) {
    Tensor t = empty(shape);
    float[] f = GoldenFormula.fill(seed, "affine", 0, spread, (int) t.elements());
    for (int i = 0; i < f.length; i++) {
      t.set(i, f[i]);
    }
    return t;
  }

  static Tensor empty(int... shape) {
    return Tensor.full(Shape.of(shape), DType.FLOAT64, Device.REFERENCE, Double.NaN);
  }

  /** Returns Σ weight·x, which makes a number of a tensor. */
  static double weighted(Tensor weight, Tensor x) {
    double sum = 0;
    for (int i = 0; i < x.elements(); i++) {
      sum += weight.at(i) * x.at(i);
    }
    return sum;
  }

  /** Fails unless {@code gradient} is the derivative of {@code loss} by {@code input}. */
  static void check(String what, Tensor input, Tensor gradient, Loss loss) {
    for (int i = 0; i < input.elements(); i++) {
      double x = input.at(i);
      input.set(i, x + STEP);
      double above = loss.value();
      input.set(i, x - STEP);
      double below = loss.value();
      input.set(i, x);
      double expected = (above - below) / (2 * STEP);
      if (!(Math.abs(gradient.at(i) - expected) <= TOLERANCE * Math.max(1, Math.abs(expected)))) {
        throw new AssertionError(
            what + "[" + i + "]: got " + gradient.at(i) + ", difference quotient " + expected);
      }
    }
  }
}
