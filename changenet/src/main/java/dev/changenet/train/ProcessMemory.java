package dev.changenet.train;

import com.sun.management.HotSpotDiagnosticMXBean;
import dev.changenet.tensor.cpu.Parallel;
import java.lang.management.ManagementFactory;

/** Predicts the largest resident size of the process from the arrays of its tensors. */
final class ProcessMemory {
  /** The virtual machine itself: classes, compiled code, threads, the collector's tables. */
  private static final long MACHINE = 120L << 20;

  /** Heap for what is no tensor: shared buffers of kernels, pictures, garbage. */
  private static final long BUFFERS = 90L << 20;

  /** Measured growth of the buffers for each channel of a decoder wider than {@link #NARROW}. */
  private static final long PER_CHANNEL = 3L << 17;

  private static final int NARROW = 64;

  /** Work buffers of the kernels of a thread. */
  private static final long PER_THREAD = 8L << 20;

  /** Young generation that the launcher asks for. */
  private static final long YOUNG = 32L << 20;

  /** A larger limit is no user's wish but what the collector would take if it had to. */
  private static final long MOST_YOUNG = 512L << 20;

  private ProcessMemory() {}

  /**
   * Bytes of memory that a process will have touched.
   *
   * @param arrays {@link MemoryPlan#arrays}
   */
  static long predict(long arrays) {
    return MACHINE + BUFFERS + Parallel.threads() * PER_THREAD + young() + arrays;
  }

  /**
   * The same for a training.
   *
   * @param width of the decoder
   */
  static long training(long arrays, int width) {
    return predict(arrays) + Math.max(0, width - NARROW) * PER_CHANNEL;
  }

  /** The young generation fills up in the first seconds; other collectors bound it otherwise. */
  private static long young() {
    HotSpotDiagnosticMXBean options =
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    long limit = Long.parseLong(options.getVMOption("MaxNewSize").getValue());
    return limit > 0 && limit <= MOST_YOUNG ? limit : YOUNG;
  }
}
