package dev.changenet.tensor.backend;

/** What a device's kernels keep in memory besides the tensors they are given. */
public interface Footprint {
  /** Counts nothing: a GPU keeps copies of weights in mixed precision only. */
  Footprint NONE =
      new Footprint() {
        @Override
        public void kernel(String method, Object... arguments) {}

        @Override
        public boolean hasOwn(String method, Object... arguments) {
          return false;
        }
      };

  /**
   * Reserves tensors that the kernel would keep with its weights.
   *
   * @param method name of the kernel in its op family
   * @param arguments as the kernel gets them
   */
  void kernel(String method, Object... arguments);

  /** True when the device has a kernel of its own in place of the contract's default. */
  boolean hasOwn(String method, Object... arguments);
}
