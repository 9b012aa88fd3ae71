package dev.changenet.train;

import dev.changenet.nn.Module;
import dev.changenet.nn.init.Initializer;
import dev.changenet.nn.state.OrderedDict;
import dev.changenet.nn.state.PthWriter;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Saves or loads a network of a given size in a process of its own, whose memory can be limited and
 * measured.
 */
final class LargeCheckpoint {
  private static final int MIB = 1 << 18;

  private LargeCheckpoint() {}

  private static final class Net extends Module {
    Net(int mib) {
      super(Device.CPU);
      int left = mib;
      for (int i = 0; left > 0; i++) {
        int part = Math.min(left, 16 + i % 3 * 24);
        parameter("w" + i, Initializer.constant(0), part, MIB);
        left -= part;
      }
    }
  }

  /** Arguments: save or load, the file, MiB of tensors. Prints what was used. */
  public static void main(String... arguments) throws IOException {
    Path file = Path.of(arguments[1]);
    try (Net net = new Net(Integer.parseInt(arguments[2]))) {
      long began = System.nanoTime();
      if (arguments[0].equals("save")) {
        OrderedDict state = new OrderedDict();
        for (Map.Entry<String, Tensor> e : net.stateDict().entrySet()) {
          fill(e.getKey(), e.getValue().floats());
          state.put(
              "model." + e.getKey(),
              StoredTensor.ofFloats(e.getValue().shape().toArray(), e.getValue().floats()));
        }
        PthWriter.write(file, Map.of("state_dict", state));
      } else {
        StateLoading.strict(net, WeightsFile.read(file).tensors("state_dict"), file);
      }
      double seconds = (System.nanoTime() - began) * 1e-9;
      String status = Files.readString(Path.of("/proc/self/status"));
      if (arguments[0].equals("load")) {
        net.stateDict().forEach((name, t) -> check(name, t.floats()));
      }
      System.out.printf(
          "%s: tensors %d MiB, heap limit %d MiB, peak RSS %d MiB, of it now anonymous %d MiB and"
              + " mapped %d MiB, %.1f s%n",
          arguments[0],
          MemoryUse.liveBytes() >> 20,
          Runtime.getRuntime().maxMemory() >> 20,
          number(status, "VmHWM"),
          number(status, "RssAnon"),
          number(status, "RssFile"),
          seconds);
    }
  }

  private static long number(String status, String key) {
    return status
        .lines()
        .filter(l -> l.startsWith(key + ":"))
        .mapToLong(l -> Long.parseLong(l.replaceAll("[^0-9]", "")) / 1024)
        .findFirst()
        .orElse(-1);
  }

  private static int bits(int hash, int i) {
    int h = (hash + i) * 0x9E3779B1;
    // Any finite pattern, denormal numbers and signed zeros included.
    return h & 0xBFFFFFFF;
  }

  private static void fill(String name, float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(bits(name.hashCode(), i));
    }
  }

  private static void check(String name, float[] values) {
    for (int i = 0; i < values.length; i++) {
      if (Float.floatToRawIntBits(values[i]) != bits(name.hashCode(), i)) {
        throw new IllegalStateException(name + " differs at " + i);
      }
    }
  }
}
