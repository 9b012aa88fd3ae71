package dev.changenet.tensor.cpu;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Footprint;
import dev.changenet.tensor.cpu.PackedWeights.Form;
import dev.changenet.tensor.cpu.PackedWeights.Key;

/**
 * The packed copies of weights that {@link CpuDense} and {@link CpuConvolution} keep, by the same
 * choice of algorithm.
 */
public final class CpuFootprint implements Footprint {
  @Override
  public boolean hasOwn(String method, Object... arguments) {
    if (!method.startsWith("conv2dPair")) {
      return true;
    }
    boolean backward = method.endsWith("Backward");
    Tensor x = (Tensor) arguments[backward ? 1 : 0];
    Tensor w1 = (Tensor) arguments[backward ? 2 : 1];
    Tensor w2 = (Tensor) arguments[backward ? 4 : 3];
    return ConvolutionPair.suits(CpuConvolution.pairSizes(x, w1), w2.dim(0));
  }

  @Override
  public void kernel(String method, Object... a) {
    switch (method) {
      case "linear" -> linear((Tensor) a[1], ((Tensor) a[0]).rows(), ((Tensor) a[0]).dim(-1));
      case "conv2d" ->
          convolution((Tensor) a[1], (Tensor) a[0], (Tensor) a[5], (ConvGeometry) a[3], true);
      case "conv2dBackwardInput" ->
          convolution((Tensor) a[1], (Tensor) a[3], (Tensor) a[0], (ConvGeometry) a[2], false);
      case "convTranspose2d" ->
          convolution((Tensor) a[1], (Tensor) a[4], (Tensor) a[0], (ConvGeometry) a[3], false);
      case "convTranspose2dBackwardInput" ->
          convolution((Tensor) a[1], (Tensor) a[0], (Tensor) a[3], (ConvGeometry) a[2], true);
      default -> {
        // Other kernels keep nothing.
      }
    }
  }

  @Override
  public void forgetWeight(Tensor w) {
    w.storage().forgetDerived();
  }

  private static void linear(Tensor w, int rows, int inputs) {
    int outputs = w.dim(0);
    if (Math.min(rows, outputs) > RowDots.FEW && inputs > 0) {
      PackedWeights.reserveRepeated(
          w, new Key(Form.LINEAR, Gemm.packedLength(outputs, inputs), outputs));
    }
  }

  /**
   * @param toSmall the direction in which the convolution walks between its maps
   */
  private static void convolution(
      Tensor w, Tensor large, Tensor small, ConvGeometry g, boolean toSmall) {
    ConvSizes s = ConvSizes.of(large, small, w, g);
    if (g.groups() == 1 && s.pointwise()) {
      if (toSmall) {
        linear(w, small.rows(), s.c());
      }
    } else if (toSmall && g.groups() == 1 && unrolled(s)) {
      linear(w, small.rows(), UnrolledConvolution.inputs(s));
    } else {
      Key key = g.groups() > 1 ? depthwise(s, g, toSmall) : dense(s, toSmall);
      if (key != null) {
        PackedWeights.reserve(w, key);
      }
    }
  }

  /** The copy for one channel per group, or null where there is no kernel for it. */
  private static Key depthwise(ConvSizes s, ConvGeometry g, boolean toSmall) {
    boolean unusual = g.groups() != s.c() || s.c() != s.o();
    if (unusual || !toSmall && (s.stride() > 1 || s.kh() != s.kw())) {
      return null;
    }
    return new Key(
        Form.DEPTHWISE, DepthwiseConvolution.packedLength(s.c(), s.taps()), toSmall ? 0 : 1);
  }

  private static boolean unrolled(ConvSizes s) {
    return !FewOutputsConvolution.suits(s)
        && CpuConvolution.winograd(s) == null
        && UnrolledConvolution.suits(s);
  }

  private static Key dense(ConvSizes s, boolean toSmall) {
    if (FewOutputsConvolution.suits(s)) {
      return new Key(Form.FEW_OUTPUTS, new FewOutputsConvolution(s).kernelLength(), s.o());
    }
    WinogradShape shape = CpuConvolution.winograd(s);
    if (shape != null) {
      int phases = shape.stride * shape.stride;
      int channels = toSmall ? s.c() * phases : s.o();
      int columns = toSmall ? s.o() : s.c() * phases;
      return new Key(
          toSmall ? Form.WINOGRAD : Form.WINOGRAD_INPUT,
          WinogradConvolution.packedLength(channels, columns),
          toSmall ? s.o() : s.c());
    }
    if (UnrolledConvolution.suits(s)) {
      return null;
    }
    DirectConvolution c =
        toSmall
            ? new DirectConvolution(ConvPhase.forward(s), s.c(), s.o())
            : new DirectConvolution(ConvPhase.backward(s), s.o(), s.c());
    return toSmall
        ? new Key(Form.CONVOLUTION, c.packedLength(), s.o())
        : new Key(
            Form.CONVOLUTION_INPUT, c.packedLength(), s.stride() << 16 | s.padding() << 8 | s.kw());
  }
}
