package dev.changenet.tensor.reference;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Storage;
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

/**
 * The specification of every kernel: plain loops on float32 or float64 tensors in Java arrays. Each
 * method widens its inputs to double, computes in double and rounds the results to the type of the
 * tensor they are written to.
 */
public final class ReferenceBackend implements Backend {
  private final Elementwise elementwise = new ReferenceElementwise();
  private final Dense dense = new ReferenceDense();
  private final Convolution convolution = new ReferenceConvolution();
  private final Normalization normalization = new ReferenceNormalization();
  private final Attention attention = new ReferenceAttention();
  private final Resample resample = new ReferenceResample();
  private final Sampling sampling = new ReferenceSampling();
  private final Loss loss = new ReferenceLoss();
  private final Optimize optimize = new ReferenceOptimize();

  @Override
  public String name() {
    return "reference";
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
