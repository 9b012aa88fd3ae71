package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;

/**
 * Chooses who computes a convolution: a plain matrix product for 1×1, our own kernels for
 * depthwise, windows and a matrix product for patches that don't overlap, cuDNN for the rest.
 */
final class CudaConvolution implements Convolution {
  private final CudaElementwise elementwise;
  private final CudaDense dense;
  private final CudaDepthwise depthwise;
  private final GemmConvolution gemm;
  private final ConvolutionKernels general;

  CudaConvolution(
      CudaElementwise elementwise,
      CudaDense dense,
      CudaDepthwise depthwise,
      GemmConvolution gemm,
      CudnnConvolution cudnn) {
    this.elementwise = elementwise;
    this.dense = dense;
    this.depthwise = depthwise;
    this.gemm = gemm;
    this.general = cudnn == null ? gemm : cudnn;
  }

  private static boolean pointwise(Tensor w, ConvGeometry g) {
    return w.dim(2) == 1 && w.dim(3) == 1 && g.stride() == 1 && g.padding() == 0;
  }

  private ConvolutionKernels kernels(Tensor w, ConvGeometry g) {
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
}
