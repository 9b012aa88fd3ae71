package dev.changenet.tensor.cpu;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.cpu.Gemm.Operand;
import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import dev.changenet.tensor.cpu.PackedWeights.Form;
import dev.changenet.tensor.reference.ReferenceConvolution;

/**
 * Convolutions. A transposed convolution is the input gradient of a convolution with the same
 * weight, its input gradient is that convolution, and its weight gradient is that of the
 * convolution with the two maps exchanged, so each algorithm serves six methods: direct, by
 * Winograd, unrolled, for few outputs, depthwise. Two convolutions in a row may become one.
 */
final class CpuConvolution implements Convolution {
  private final Convolution reference = new ReferenceConvolution();

  CpuConvolution() {}

  /** Groups that have no kernel here: neither one group nor one channel per group. */
  private static boolean unusual(ConvGeometry g, int inputs, int outputs) {
    return g.groups() != 1 && (g.groups() != inputs || inputs != outputs);
  }

  private static float[] floats(Tensor t) {
    return t == null ? null : t.floats();
  }

  @Override
  public void conv2d(Tensor x, Tensor w, Tensor b, ConvGeometry g, boolean relu, Tensor out) {
    ConvSizes s = ConvSizes.of(x, out, w, g);
    if (x.dtype() == DType.FLOAT64 || unusual(g, s.c(), s.o())) {
      reference.conv2d(x, w, b, g, relu, out);
    } else if (g.groups() > 1) {
      DepthwiseConvolution.run(
          x.floats(), s, depthwiseWeights(w, s, false), floats(b), relu, out.floats());
    } else {
      toSmall(x, w, s, new Epilogue(false, floats(b), relu), out);
    }
  }

  @Override
  public void conv2dBackwardInput(Tensor gradOut, Tensor w, ConvGeometry g, Tensor gradX) {
    ConvSizes s = ConvSizes.of(gradX, gradOut, w, g);
    boolean grouped = g.groups() > 1;
    if (gradOut.dtype() == DType.FLOAT64
        || unusual(g, s.c(), s.o())
        || grouped && (s.stride() > 1 || s.kh() != s.kw())) {
      reference.conv2dBackwardInput(gradOut, w, g, gradX);
    } else if (grouped) {
      ConvSizes flipped =
          new ConvSizes(
              s.batch(),
              s.oh(),
              s.ow(),
              s.c(),
              s.h(),
              s.w(),
              s.c(),
              s.kh(),
              s.kw(),
              1,
              s.kh() - 1 - s.padding());
      DepthwiseConvolution.run(
          gradOut.floats(), flipped, depthwiseWeights(w, s, true), null, false, gradX.floats());
    } else {
      toLarge(gradOut, w, s, Epilogue.OVERWRITE, gradX);
    }
  }

  @Override
  public void conv2dBackwardWeight(
      Tensor gradOut, Tensor x, ConvGeometry g, Tensor gradW, Tensor gradB) {
    ConvSizes s = ConvSizes.of(x, gradOut, gradW, g);
    if (gradOut.dtype() == DType.FLOAT64 || unusual(g, s.c(), s.o())) {
      reference.conv2dBackwardWeight(gradOut, x, g, gradW, gradB);
      return;
    }
    if (g.groups() > 1) {
      DepthwiseConvolution.weightGradient(gradOut.floats(), x.floats(), s, gradW.floats());
    } else {
      weightGradient(gradOut, x, s, gradW);
    }
    if (gradB != null) {
      ColumnSums.run(gradOut.floats(), gradOut.rows(), s.o(), gradB.floats());
    }
  }

  @Override
  public void convTranspose2d(Tensor x, Tensor w, Tensor b, ConvGeometry g, Tensor out) {
    if (x.dtype() == DType.FLOAT64 || g.groups() != 1) {
      reference.convTranspose2d(x, w, b, g, out);
    } else {
      toLarge(x, w, ConvSizes.of(out, x, w, g), new Epilogue(false, floats(b), false), out);
    }
  }

  @Override
  public void convTranspose2dBackwardInput(Tensor gradOut, Tensor w, ConvGeometry g, Tensor gradX) {
    if (gradOut.dtype() == DType.FLOAT64 || g.groups() != 1) {
      reference.convTranspose2dBackwardInput(gradOut, w, g, gradX);
    } else {
      toSmall(gradOut, w, ConvSizes.of(gradOut, gradX, w, g), Epilogue.OVERWRITE, gradX);
    }
  }

  @Override
  public void convTranspose2dBackwardWeight(
      Tensor gradOut, Tensor x, ConvGeometry g, Tensor gradW, Tensor gradB) {
    if (gradOut.dtype() == DType.FLOAT64 || g.groups() != 1) {
      reference.convTranspose2dBackwardWeight(gradOut, x, g, gradW, gradB);
      return;
    }
    weightGradient(x, gradOut, ConvSizes.of(gradOut, x, gradW, g), gradW);
    if (gradB != null) {
      ColumnSums.run(gradOut.floats(), gradOut.rows(), gradOut.dim(-1), gradB.floats());
    }
  }

  /** How Winograd's algorithm does this convolution, or null when another way is taken. */
  static WinogradShape winograd(ConvSizes s) {
    return ConvolutionMode.get() == ConvolutionMode.FAST ? WinogradConvolution.suits(s) : null;
  }

  /** Convolution from the large map to the small one; w is [o, c, kh, kw]. */
  private static void toSmall(Tensor large, Tensor w, ConvSizes s, Epilogue e, Tensor small) {
    if (s.pointwise()) {
      CpuDense.linear(small.rows(), s.c(), s.o(), large.floats(), w, small.floats(), e);
      return;
    }
    if (FewOutputsConvolution.suits(s)) {
      new FewOutputsConvolution(s).forward(large.floats(), fewOutputs(w, s), small.floats(), e);
      return;
    }
    WinogradShape shape = winograd(s);
    if (shape != null) {
      WinogradSide from = shape.large(s, true);
      float[] packed =
          winogradWeights(
              w,
              Form.WINOGRAD,
              new WinogradConvolution.Weights(
                  shape.kernel,
                  s.o(),
                  s.c() * s.taps(),
                  s.c(),
                  s.taps(),
                  false,
                  shape.tapsOfPhases(false)));
      WinogradConvolution.run(
          large.floats(), from, shape.toSmall(s), packed, small.floats(), shape.small(s, false), e);
      return;
    }
    if (UnrolledConvolution.suits(s)) {
      new UnrolledConvolution(s).forward(large.floats(), w, small.floats(), e);
      return;
    }
    DirectConvolution c = new DirectConvolution(ConvPhase.forward(s), s.c(), s.o());
    float[] packed =
        PackedWeights.of(
            w,
            new PackedWeights.Key(Form.CONVOLUTION, c.packedLength(), s.o()),
            p -> c.pack(w.floats(), s.c() * s.taps(), s.taps(), p));
    c.run(large.floats(), s.batch(), s.h(), s.w(), packed, small.floats(), s.oh(), s.ow(), e);
  }

  /**
   * Input gradient of a convolution, from the small map to the large one.
   *
   * @param e bias or nothing
   */
  private static void toLarge(Tensor small, Tensor w, ConvSizes s, Epilogue e, Tensor large) {
    if (s.pointwise()) {
      Gemm.multiply(
          large.rows(),
          s.c(),
          s.o(),
          Operand.of(small.floats(), s.o()),
          Operand.of(w.floats(), s.c()),
          large.floats(),
          0,
          s.c(),
          e);
      return;
    }
    if (FewOutputsConvolution.suits(s) && e.equals(Epilogue.OVERWRITE)) {
      new FewOutputsConvolution(s)
          .backward(small.floats(), null, fewOutputs(w, s), large.floats(), null);
      return;
    }
    WinogradShape shape = winograd(s);
    if (shape != null) {
      float[] packed =
          winogradWeights(
              w,
              Form.WINOGRAD_INPUT,
              new WinogradConvolution.Weights(
                  shape.kernel,
                  s.c(),
                  s.taps(),
                  s.o(),
                  s.c() * s.taps(),
                  true,
                  shape.tapsOfPhases(true)));
      WinogradConvolution.run(
          small.floats(),
          shape.small(s, true),
          shape.toLarge(s),
          packed,
          large.floats(),
          shape.large(s, false),
          e);
      return;
    }
    if (UnrolledConvolution.suits(s)) {
      new UnrolledConvolution(s).backward(small.floats(), w.floats(), e.bias(), large.floats());
      return;
    }
    DirectConvolution c = new DirectConvolution(ConvPhase.backward(s), s.o(), s.c());
    int variant = s.stride() << 16 | s.padding() << 8 | s.kw();
    float[] packed =
        PackedWeights.of(
            w,
            new PackedWeights.Key(Form.CONVOLUTION_INPUT, c.packedLength(), variant),
            p -> c.pack(w.floats(), s.taps(), s.c() * s.taps(), p));
    c.run(small.floats(), s.batch(), s.oh(), s.ow(), packed, large.floats(), s.h(), s.w(), e);
  }

  private static float[] winogradWeights(Tensor w, Form form, WinogradConvolution.Weights weights) {
    int size = WinogradConvolution.packedLength(weights.allChannels(), weights.allColumns());
    PackedWeights.Key key = new PackedWeights.Key(form, size, weights.columns());
    return PackedWeights.of(w, key, p -> WinogradConvolution.pack(w.floats(), weights, p));
  }

  private static void weightGradient(Tensor small, Tensor large, ConvSizes s, Tensor gradW) {
    if (s.pointwise()) {
      Gemm.multiply(
          s.o(),
          s.c(),
          small.rows(),
          Operand.transposeOf(small.floats(), s.o()),
          Operand.of(large.floats(), s.c()),
          gradW.floats(),
          0,
          s.c(),
          Epilogue.OVERWRITE);
    } else if (FewOutputsConvolution.suits(s)) {
      FewOutputsConvolution c = new FewOutputsConvolution(s);
      float[] kernel = Scratch.floats(Scratch.Slot.CONV_SUMS, c.kernelLength());
      c.backward(small.floats(), large.floats(), null, null, kernel);
      c.unpack(kernel, gradW.floats());
    } else if (winograd(s) != null) {
      new WinogradWeightGradient(winograd(s), s)
          .run(small.floats(), large.floats(), gradW.floats());
    } else if (UnrolledConvolution.suits(s)) {
      new UnrolledConvolution(s).weightGradient(small.floats(), large.floats(), gradW.floats());
    } else {
      new ConvWeightGradient(s).run(small.floats(), large.floats(), gradW.floats());
    }
  }

  private static float[] fewOutputs(Tensor w, ConvSizes s) {
    FewOutputsConvolution c = new FewOutputsConvolution(s);
    PackedWeights.Key key = new PackedWeights.Key(Form.FEW_OUTPUTS, c.kernelLength(), s.o());
    return PackedWeights.of(w, key, p -> c.pack(w.floats(), p));
  }

  @Override
  public void conv2dPair(Tensor x, Tensor w1, Tensor b1, Tensor w2, Tensor out) {
    ConvSizes s = pairSizes(x, w1);
    if (x.dtype() == DType.FLOAT64 || !ConvolutionPair.suits(s, w2.dim(0))) {
      Convolution.super.conv2dPair(x, w1, b1, w2, out);
    } else {
      new ConvolutionPair(s, w2.dim(0))
          .forward(x.floats(), w1.floats(), floats(b1), w2.floats(), out.floats());
    }
  }

  @Override
  public void conv2dPairBackward(
      Tensor gradOut,
      Tensor x,
      Tensor w1,
      Tensor b1,
      Tensor w2,
      Tensor gradX,
      Tensor gradW1,
      Tensor gradB1,
      Tensor gradW2) {
    ConvSizes s = pairSizes(x, w1);
    if (x.dtype() == DType.FLOAT64 || !ConvolutionPair.suits(s, w2.dim(0))) {
      Convolution.super.conv2dPairBackward(gradOut, x, w1, b1, w2, gradX, gradW1, gradB1, gradW2);
    } else {
      new ConvolutionPair(s, w2.dim(0))
          .backward(
              gradOut.floats(),
              x.floats(),
              w1.floats(),
              floats(b1),
              w2.floats(),
              floats(gradX),
              gradW1.floats(),
              floats(gradB1),
              gradW2.floats());
    }
  }

  /** Sizes of the first of two convolutions. */
  static ConvSizes pairSizes(Tensor x, Tensor w1) {
    return new ConvSizes(
        x.dim(0), x.dim(1), x.dim(2), x.dim(3), x.dim(1), x.dim(2), w1.dim(0), 3, 3, 1, 1);
  }

  private static float[] depthwiseWeights(Tensor w, ConvSizes s, boolean flip) {
    int size = DepthwiseConvolution.packedLength(s.c(), s.taps());
    return PackedWeights.of(
        w,
        new PackedWeights.Key(Form.DEPTHWISE, size, flip ? 1 : 0),
        p -> DepthwiseConvolution.pack(w.floats(), s.c(), s.taps(), flip, p));
  }
}
