package dev.changenet.tensor.backend;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Storage;
import dev.changenet.tensor.Tensor;

/** The kernels of one kind of device, one interface per op family. */
public interface Backend {
  /** Name for messages and tables: "cpu", "reference", "cuda". */
  String name();

  /** Returns storage with undefined content. */
  Storage allocate(DType dtype, long elements);

  /**
   * Copies a Java array (float[], short[], int[], …, by the storage's type) to this device.
   *
   * <p>Returns when {@code array} may be changed again.
   */
  void upload(Object array, Storage to);

  /** Copies this device's {@code from} to a Java array; returns when it is filled. */
  void download(Storage from, Object array);

  /**
   * Says that {@code w} is most likely changed before its next use: what was made from it, such as
   * a transformed copy, need not be kept.
   */
  default void forgetWeight(Tensor w) {}

  Elementwise elementwise();

  Dense dense();

  Convolution convolution();

  Normalization normalization();

  Attention attention();

  Resample resample();

  Sampling sampling();

  Loss loss();

  Optimize optimize();
}
