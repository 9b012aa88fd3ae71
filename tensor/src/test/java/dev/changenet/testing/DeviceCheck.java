package dev.changenet.testing;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.backend.Backends;
import java.util.Map;

/**
 * Runs the op table on a GPU against the reference, each row twice: the second run must give the
 * same bits. Arguments: words that a row's name must contain, any of them; none for all rows.
 * Prints failures and a summary; exit status 1 when a row failed.
 */
public final class DeviceCheck {
  private DeviceCheck() {}

  public static void main(String[] words) {
    Device gpu = Device.cuda(0);
    int passed = 0;
    int failed = 0;
    for (OpTable.Row row : OpTable.rows()) {
      if (!wanted(row.name(), words)) {
        continue;
      }
      String failure = failure(row, gpu);
      if (failure == null) {
        passed++;
      } else {
        failed++;
        System.out.println("FAILED " + row.name() + ": " + failure);
      }
    }
    System.out.println(passed + " passed, " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }

  private static boolean wanted(String name, String[] words) {
    for (String word : words) {
      if (name.contains(word)) {
        return true;
      }
    }
    return words.length == 0;
  }

  private static String failure(OpTable.Row row, Device gpu) {
    long storages = MemoryUse.liveStorages();
    try {
      Map<String, double[]> expected = row.run(Device.REFERENCE);
      Map<String, double[]> first = run(row, gpu);
      OpParity.assertClose(row, first, expected);
      OpParity.assertIdentical(row + " again", run(row, gpu), first);
      long left = MemoryUse.liveStorages() - storages;
      return left == 0 ? null : left + " storages left behind";
    } catch (RuntimeException | AssertionError e) {
      return e.getClass().getSimpleName() + ": " + e.getMessage();
    }
  }

  private static Map<String, double[]> run(OpTable.Row row, Device gpu) {
    return row.run(Backends.of(gpu), gpu, DType.FLOAT32, new CudaTransfer());
  }
}
