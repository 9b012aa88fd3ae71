package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import dev.changenet.tensor.backend.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** Activation functions and their derivatives on a range of an array. */
final class ActivationKernels {
  private ActivationKernels() {}

  /** out[i] = f(x[i]) for from ≤ i &lt; to; out may be x. */
  static void forward(Activation f, float[] x, float[] out, int from, int to) {
    switch (f) {
      case NONE -> System.arraycopy(x, from, out, from, to - from);
      case RELU -> relu(x, out, from, to);
      case GELU -> gelu(x, out, from, to);
      case SIGMOID -> sigmoid(x, out, from, to);
      case SILU -> GatedKernels.silu(x, out, from, to);
    }
  }

  /** gx[i] = g[i]·f'(x[i]) for from ≤ i &lt; to; gx may be g. */
  static void backward(Activation f, float[] x, float[] g, float[] gx, int from, int to) {
    switch (f) {
      case NONE -> System.arraycopy(g, from, gx, from, to - from);
      case RELU -> reluBackward(x, g, gx, from, to);
      case GELU -> geluBackward(x, g, gx, from, to);
      case SIGMOID -> sigmoidBackward(x, g, gx, from, to);
      case SILU -> GatedKernels.siluBackward(x, g, gx, from, to);
    }
  }

  private static void relu(float[] x, float[] out, int from, int to) {
    int i = from;
    for (; i <= to - LANES; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, i);
      v.blend(0f, v.compare(VectorOperators.LT, 0f)).intoArray(out, i);
    }
    for (; i < to; i++) {
      out[i] = x[i] < 0 ? 0 : x[i];
    }
  }

  private static void reluBackward(float[] x, float[] g, float[] gx, int from, int to) {
    int i = from;
    // So that the gradient of NaN isn't hidden, as in PyTorch.
    for (; i <= to - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, g, i)
          .blend(0f, FloatVector.fromArray(SPECIES, x, i).compare(VectorOperators.LE, 0f))
          .intoArray(gx, i);
    }
    for (; i < to; i++) {
      gx[i] = x[i] <= 0 ? 0 : g[i];
    }
  }

  private static void gelu(float[] x, float[] out, int from, int to) {
    int i = from;
    for (; i <= to - LANES; i += LANES) {
      VectorMath.gelu(FloatVector.fromArray(SPECIES, x, i)).intoArray(out, i);
    }
    if (i < to) {
      geluTail(x, out, i, to);
    }
  }

  // Tails have methods of their own so that the loop above stays small enough to be inlined whole.
  private static void geluTail(float[] x, float[] out, int i, int to) {
    VectorMask<Float> mask = VectorMath.firstLanes(to - i);
    VectorMath.gelu(FloatVector.fromArray(SPECIES, x, i, mask)).intoArray(out, i, mask);
  }

  private static void geluBackward(float[] x, float[] g, float[] gx, int from, int to) {
    int i = from;
    for (; i <= to - LANES; i += LANES) {
      VectorMath.geluDerivative(FloatVector.fromArray(SPECIES, x, i))
          .mul(FloatVector.fromArray(SPECIES, g, i))
          .intoArray(gx, i);
    }
    if (i < to) {
      geluBackwardTail(x, g, gx, i, to);
    }
  }

  private static void geluBackwardTail(float[] x, float[] g, float[] gx, int i, int to) {
    VectorMask<Float> mask = VectorMath.firstLanes(to - i);
    VectorMath.geluDerivative(FloatVector.fromArray(SPECIES, x, i, mask))
        .mul(FloatVector.fromArray(SPECIES, g, i, mask))
        .intoArray(gx, i, mask);
  }

  private static void sigmoid(float[] x, float[] out, int from, int to) {
    for (int i = from; i < to; i += LANES) {
      VectorMask<Float> mask = VectorMath.firstLanes(to - i);
      VectorMath.sigmoid(FloatVector.fromArray(SPECIES, x, i, mask)).intoArray(out, i, mask);
    }
  }

  private static void sigmoidBackward(float[] x, float[] g, float[] gx, int from, int to) {
    for (int i = from; i < to; i += LANES) {
      VectorMask<Float> mask = VectorMath.firstLanes(to - i);
      FloatVector s = VectorMath.sigmoid(FloatVector.fromArray(SPECIES, x, i, mask));
      FloatVector d = s.sub(s.mul(s));
      FloatVector.fromArray(SPECIES, g, i, mask).mul(d).intoArray(gx, i, mask);
    }
  }
}
