package dev.changenet.check;

import dev.changenet.image.PictureInfo;
import dev.changenet.image.RgbImage;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * Half of the heap, which threads that decode pictures share: large ones are decoded one after the
 * other where they must.
 */
final class DecodingMemory {
  private static final int MEBIBYTES =
      Math.clamp(Runtime.getRuntime().maxMemory() >> 21, 1, Integer.MAX_VALUE);

  private static final Semaphore FREE = new Semaphore(MEBIBYTES, true);

  private DecodingMemory() {}

  /** What decoding a picture takes: the file's samples, twice as RGB. */
  static long bytes(PictureInfo info) {
    return 3L * RgbImage.CHANNELS * info.width() * info.height();
  }

  /** Does {@code work} as soon as {@code bytes} are free; must not be called within it. */
  static <T> T with(long bytes, Supplier<T> work) {
    int share = Math.clamp(bytes >> 20, 1, MEBIBYTES);
    FREE.acquireUninterruptibly(share);
    try {
      return work.get();
    } finally {
      FREE.release(share);
    }
  }

  /** The same for work without a result. */
  static void with(long bytes, Runnable work) {
    with(
        bytes,
        () -> {
          work.run();
          return null;
        });
  }
}
