package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;

/**
 * Chooses who computes a convolution: a plain matrix product for 1×1, our own kernels for
 * depthwise, a product with shifted sums for few outputs, windows and a matrix product for patches
 * that don't overlap, cuDNN for the rest.
 */
final class CudaConvolution implements Convolution {
  private final CudaElementwise elementwise;
  private final CudaDense dense;
  private final CudaDepthwise depthwise;
  private final GemmConvolution gemm;
  private final FewOutputsConvolution few;
  private final ConvolutionKernels general;

  CudaConvolution(
      CudaElementwise elementwise,
      CudaDense dense,
      CudaDepthwise depthwise,
      GemmConvolution gemm,
      FewOutputsConvolution few,
      CudnnConvolution cudnn) {
    this.elementwise = elementwise;
    this.dense = dense;
    this.depthwise = depthwise;
    this.gemm = gemm;
    this.few = few;
    this.general = cudnn == null ? gemm : cudnn;
  }

  private static boolean pointwise(Tensor w, ConvGeometry g) {
    return w.dim(2) == 1 && w.dim(3) == 1 && g.stride() == 1 && g.padding() == 0;
  }

  private ConvolutionKernels kernels(Tensor w, ConvGeometry g) {
    if (FewOutputsConvolution.suits(w, g)) {
      return few;
    }
    boolean patches = g.padding() == 0 && g.stride() == w.dim(2) && g.stride() == w.dim(3);
    return patches ? gemm : general;
  }

  @Override
  public void conv2d(
      Tensor x, Tensor w, Tensor b, ConvGeometry geometry, boolean relu, Tensor out) {
    if (geometry.groups() > 1) {
      depthwise.forward(x, w, b, geometry, relu, out);
    } else if (pointwise(w, geometry)) {
      dense.linear(x, w, b, relu, out);
    } else if (FewOutputsConvolution.suits(w, geometry)) {
      few.forward(x, w, b, relu, out);
    } else {
      kernels(w, geometry).forward(x, w, geometry, out);
      if (b != null || relu) {
        elementwise.biasRows(out, b, relu, out);
      }
    }
  }

  @Override
  public void conv2dBackwardInput(Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX) {
    if (geometry.groups() > 1) {
      depthwise.backwardInput(gradOut, w, geometry, gradX);
    } else if (pointwise(w, geometry)) {
      dense.linearBackwardInput(gradOut, w, gradX);
    } else {
      kernels(w, geometry).backwardInput(gradOut, w, geometry, gradX);
    }
  }

  @Override
  public void conv2dBackwardWeight(
      Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW, Tensor gradB) {
    if (geometry.groups() > 1) {
      depthwise.backwardWeight(gradOut, x, geometry, gradW, gradB);
    } else if (pointwise(gradW, geometry)) {
      dense.linearBackwardWeight(gradOut, x, gradW, gradB);
    } else {
      kernels(gradW, geometry).backwardWeight(gradOut, x, geometry, gradW);
      if (gradB != null) {
        elementwise.sumLeading(gradOut, gradB);
      }
    }
  }

  @Override
  public void convTranspose2d(Tensor x, Tensor w, Tensor b, ConvGeometry geometry, Tensor out) {
    kernels(w, geometry).backwardInput(x, w, geometry, out);
    if (b != null) {
      elementwise.biasRows(out, b, false, out);
    }
  }

  @Override
  public void convTranspose2dBackwardInput(
      Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX) {
    kernels(w, geometry).forward(gradOut, w, geometry, gradX);
  }

  @Override
  public void convTranspose2dBackwardWeight(
      Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW, Tensor gradB) {
    kernels(gradW, geometry).backwardWeight(x, gradOut, geometry, gradW);
    if (gradB != null) {
      elementwise.sumLeading(gradOut, gradB);
    }
  }

  @Override
  public void conv2dPair(Tensor x, Tensor w1, Tensor b1, Tensor w2, Tensor out) {
    if (FewOutputsConvolution.suitsPair(w1, w2)) {
      few.pair(x, w1, b1, w2, out);
    } else {
      Convolution.super.conv2dPair(x, w1, b1, w2, out);
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
    if (FewOutputsConvolution.suitsPair(w1, w2)) {
      few.pairBackward(gradOut, x, w1, b1, w2, gradX, gradW1, gradB1, gradW2);
    } else {
      Convolution.super.conv2dPairBackward(gradOut, x, w1, b1, w2, gradX, gradW1, gradB1, gradW2);
    }
  }
}
