package dev.changenet.nn.state;

import dev.changenet.tensor.io.AtomicFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Writes files that {@code torch.load} opens, also with {@code weights_only=True}: the zip
 * container of PyTorch 1.6 and later.
 *
 * <p>Equal contents give equal bytes. Tensors are streamed from where they lie; besides them only
 * the small pickle is held in memory.
 */
public final class PthWriter {
  private static final String FOLDER = "archive/";
  private static final long ZIP32_LIMIT = 0xFFFFFFFFL;

  private PthWriter() {}

  /**
   * Writes {@code root} to {@code path}, replacing an older file in one step.
   *
   * <p>Allowed values: Map ({@link OrderedDict} for state dictionaries), List, {@link Tuple},
   * String, Boolean, integers, BigInteger, Double, Float, null and {@link StoredTensor}. Tensors
   * that share a storage still share it in the file.
   *
   * @throws CheckpointException if writing fails; nothing of the attempt remains
   * @throws IllegalArgumentException for a value of another type or a map that contains itself
   */
  public static void write(Path path, Map<?, ?> root) {
    write(path, root, ZIP32_LIMIT);
  }

  static void write(Path path, Map<?, ?> root, long zip32Limit) {
    PickleWriter pickle = new PickleWriter();
    byte[] content = pickle.write(root);
    List<Storage> storages = pickle.storages();
    try {
      AtomicFile.write(
          path,
          channel -> {
            StoredZipWriter zip = new StoredZipWriter(channel, zip32Limit);
            zip.add(FOLDER + "data.pkl", MemorySegment.ofArray(content));
            zip.add(FOLDER + "byteorder", ascii("little"));
            for (int i = 0; i < storages.size(); i++) {
              zip.add(FOLDER + "data/" + i, storages.get(i).bytes());
            }
            zip.add(FOLDER + "version", ascii("3\n"));
            zip.finish();
          });
    } catch (IOException e) {
      throw new CheckpointException(path, "can't be written: " + AtomicFile.cause(e), e);
    }
  }

  private static MemorySegment ascii(String text) {
    return MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
  }
}
