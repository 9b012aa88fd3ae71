package dev.changenet.tensor.cuda;

/** Grid sizes of kernels whose threads step over the elements. */
final class CudaGrid {
  /** Blocks per multiprocessor from which on more don't help. */
  private static final int WAVES = 16;

  private CudaGrid() {}

  /**
   * Blocks of {@code block} threads for {@code threads} threads' work, at most what fills a GPU.
   */
  static int blocks(CudaDevice device, long threads, int block) {
    long wanted = (threads + block - 1) / block;
    return (int) Math.max(1, Math.min(wanted, (long) WAVES * device.multiprocessors()));
  }
}
