package dev.changenet.tensor.cpu;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Storage;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention;
import dev.changenet.tensor.backend.Backend;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.backend.Dense;
import dev.changenet.tensor.backend.Elementwise;
import dev.changenet.tensor.backend.Loss;
import dev.changenet.tensor.backend.Normalization;
import dev.changenet.tensor.backend.Optimize;
import dev.changenet.tensor.backend.Resample;
import dev.changenet.tensor.backend.Sampling;

/** Vector API kernels on Java arrays; float64 tensors go to the reference kernels. */
public final class CpuBackend implements Backend {
  private final Elementwise elementwise = new CpuElementwise();
  private final Dense dense = new CpuDense();
  private final Convolution convolution = new CpuConvolution();
  private final Normalization normalization = new CpuNormalization();
  private final Attention attention = new CpuAttention();
  private final Resample resample = new CpuResample();
  private final Sampling sampling = new CpuSampling();
  private final Loss loss = new CpuLoss();
  private final Optimize optimize = new CpuOptimize();

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public Storage allocate(DType dtype, long elements) {
    return HeapStorage.allocate(dtype, elements);
  }

  @Override
  public void upload(Object array, Storage to) {
    System.arraycopy(array, 0, ((HeapStorage) to).array(), 0, (int) to.length());
  }

  @Override
  public void download(Storage from, Object array) {
    System.arraycopy(((HeapStorage) from).array(), 0, array, 0, (int) from.length());
  }

  /**
   * Weights in Winograd's form are 4 to 9 times as large as they were. The next layer's copy finds
   * room where this one was.
   */
  @Override
  public void forgetWeight(Tensor w) {
    w.storage().forgetDerived();
  }

  @Override
  public Elementwise elementwise() {
    return elementwise;
  }

  @Override
  public Dense dense() {
    return dense;
  }

  @Override
  public Convolution convolution() {
    return convolution;
  }

  @Override
  public Normalization normalization() {
    return normalization;
  }

  @Override
  public Attention attention() {
    return attention;
  }

  @Override
  public Resample resample() {
    return resample;
  }

  @Override
  public Sampling sampling() {
    return sampling;
  }

  @Override
  public Loss loss() {
    return loss;
  }

  @Override
  public Optimize optimize() {
    return optimize;
  }
}
