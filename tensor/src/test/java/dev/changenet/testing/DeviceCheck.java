package dev.changenet.testing;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.backend.Backends;
import java.util.List;
import java.util.Map;

/**
 * Runs the op table on a GPU against the reference, in float32 and, where activations may have two
 * bytes, in bfloat16 and float16. Each row runs twice: the second run must give the same bits.
 * Arguments: words that a row's name must contain, any of them; none for all rows. Prints failures
 * and a summary; exit status 1 when a row failed or no name contains a word.
 */
public final class DeviceCheck {
  private static final List<DType> ALL = List.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16);

  private DeviceCheck() {}

  public static void main(String[] words) {
    Device gpu = Device.cuda(0);
    int passed = 0;
    int failed = 0;
    for (OpTable.Row row : OpTable.rows()) {
      if (!wanted(row.name(), words)) {
        continue;
      }
      boolean half = HalfRows.isPointwise(row) || HalfRows.isProduct(row);
      for (DType type : half ? ALL : List.of(DType.FLOAT32)) {
        String failure = failure(row, gpu, type);
        if (failure == null) {
          passed++;
        } else {
          failed++;
          System.out.println("FAILED " + row.name() + " " + type + ": " + failure);
        }
      }
    }
    System.out.println(passed + " passed, " + failed + " failed");
    System.exit(failed == 0 && passed > 0 ? 0 : 1);
  }

  private static boolean wanted(String name, String[] words) {
    for (String word : words) {
      if (name.contains(word)) {
        return true;
      }
    }
    return words.length == 0;
  }

  private static String failure(OpTable.Row row, Device gpu, DType type) {
    long storages = MemoryUse.liveStorages();
    try {
      Map<String, double[]> first = run(row, gpu, type);
      if (type.isHalf()) {
        HalfRows.assertClose(row, type, first, HalfRows.expected(row, type));
      } else {
        OpParity.assertClose(row, first, row.run(Device.REFERENCE));
      }
      OpParity.assertIdentical(row + " again", run(row, gpu, type), first);
      long left = MemoryUse.liveStorages() - storages;
      return left == 0 ? null : left + " storages left behind";
    } catch (RuntimeException | AssertionError e) {
      return e.getClass().getSimpleName() + ": " + e.getMessage();
    }
  }

  private static Map<String, double[]> run(OpTable.Row row, Device gpu, DType type) {
    return row.run(Backends.of(gpu), gpu, type, new CudaTransfer());
  }
}
