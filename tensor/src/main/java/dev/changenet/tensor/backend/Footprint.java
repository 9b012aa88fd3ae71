package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/** What a device's kernels keep in memory besides the tensors they are given. */
public interface Footprint {
  /**
   * Reserves tensors that the kernel would keep with its weights.
   *
   * @param method name of the kernel in its op family
   * @param arguments as the kernel gets them
   */
  void kernel(String method, Object... arguments);

  /** Gives up what was kept with a weight, as {@link Backend#forgetWeight}. */
  default void forgetWeight(Tensor w) {}

  /** True when the device has a kernel of its own in place of the contract's default. */
  boolean hasOwn(String method, Object... arguments);
}
