package dev.changenet.tensor.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes of the processor's caches. Kernels may choose by them in which blocks they work, never in
 * which order they add: results are the same on all machines with the same vectors.
 */
final class CacheSizes {
  private static final Path CACHES = Path.of("/sys/devices/system/cpu/cpu0/cache");
  private static final Pattern SIZE = Pattern.compile("([1-9][0-9]{0,8})([KM]?)");

  /** Where the system doesn't tell: usual for servers. */
  private static final long USUAL_L2 = 2L << 20;

  /** Bytes of the second-level cache of a core, which others may share. */
  static final long L2 = l2(CACHES);

  private CacheSizes() {}

  /** The second-level cache that Linux describes in {@code folder}, or a usual size. */
  static long l2(Path folder) {
    for (int i = 0; i < 8; i++) {
      Path cache = folder.resolve("index" + i);
      if (read(cache.resolve("level")).equals("2")) {
        Matcher size = SIZE.matcher(read(cache.resolve("size")));
        return size.matches() ? Long.parseLong(size.group(1)) * unit(size.group(2)) : USUAL_L2;
      }
    }
    return USUAL_L2;
  }

  private static long unit(String letter) {
    return switch (letter) {
      case "K" -> 1L << 10;
      case "M" -> 1L << 20;
      default -> 1;
    };
  }

  /** The line that a file holds; empty where there is none: other systems, containers. */
  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return "";
    }
  }
}
