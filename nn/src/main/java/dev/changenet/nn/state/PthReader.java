package dev.changenet.nn.state;

import static dev.changenet.nn.state.CheckpointException.quote;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Reads files written by {@code torch.save}: the zip container (PyTorch 1.6 and later) and the
 * legacy container before it.
 *
 * <p>Nothing in the file is executed. Declared sizes are checked against the bytes that are there
 * before anything is made of them; tensors are views of the mapped file, so the file must not be
 * shortened in place while they are in use (replacing it is fine).
 */
public final class PthReader {
  private static final BigInteger LEGACY_MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long LEGACY_PROTOCOL = 1001;
  private static final long MAX_PICKLE_BYTES = 64L << 20;

  private final MappedFile file;
  private final Checksums checksums;

  private PthReader(MappedFile file, Checksums checksums) {
    this.file = file;
    this.checksums = checksums;
  }

  /** When the checksums of tensors are compared, which reads each of them. */
  enum Checksums {
    AT_ONCE,
    AT_FIRST_USE
  }

  /**
   * Returns the content of {@code path} as plain values.
   *
   * <p>Dictionaries become maps that keep their order ({@link OrderedDict} for state dictionaries),
   * lists and tuples become lists ({@link Tuple} for tuples), integers Long or BigInteger, floats
   * Double, tensors {@link StoredTensor}, and objects of unknown classes inert {@link
   * PythonObject}s.
   *
   * @throws CheckpointException if the file can't be read, is damaged or would call code
   */
  public static Object read(Path path) {
    return read(MappedFile.open(path), Checksums.AT_ONCE);
  }

  static Object read(MappedFile file, Checksums checksums) {
    PthReader reader = new PthReader(file, checksums);
    if (ZipDirectory.isZip(file)) {
      return reader.readZip();
    }
    return reader.readLegacy();
  }

  private Object readZip() {
    ZipDirectory zip = ZipDirectory.read(file);
    String folder = folder(zip);
    if (zip.contains(folder + "constants.pkl")) {
      throw file.refuse("is a TorchScript program, expected weights written by torch.save");
    }
    if (zip.contains(folder + "byteorder")) {
      String order = text(zip.bytes(folder + "byteorder"));
      if (!order.equals("little")) {
        throw file.refuse("byte order " + quote(order) + " is not supported, expected 'little'");
      }
    }
    StorageTable storages =
        new StorageTable(
            file,
            (key, size) -> {
              String name = folder + "data/" + key;
              // Compared before the bytes are touched.
              long held = zip.size(name);
              if (held != size.bytes()) {
                throw file.refuse(
                    "storage "
                        + quote(key)
                        + " declares "
                        + size.count()
                        + " elements of type "
                        + size.type().torchName()
                        + " but its entry holds "
                        + held
                        + " bytes");
              }
              if (checksums == Checksums.AT_ONCE) {
                return new Storage(size.type(), size.count(), zip.bytes(name));
              }
              MemorySegment bytes = zip.locate(name);
              return new Storage(size.type(), size.count(), bytes, () -> zip.check(name, bytes));
            });
    return pickle("data.pkl", zip.bytes(folder + "data.pkl"), storages).read();
  }

  private PickleReader pickle(String part, MemorySegment bytes, StorageTable storages) {
    if (bytes.byteSize() > MAX_PICKLE_BYTES) {
      throw file.refuse(
          part + " has " + bytes.byteSize() + " bytes, at most " + MAX_PICKLE_BYTES + " are read");
    }
    return new PickleReader(
        new ByteCursor(file, part, bytes), storages::load, Math.max(file.size(), 1));
  }

  /** Returns the archive's only top folder with a slash, found by its pickle. */
  private String folder(ZipDirectory zip) {
    String folder = null;
    for (String name : zip.names()) {
      if (name.endsWith("/data.pkl") && name.indexOf('/') == name.lastIndexOf('/')) {
        if (folder != null) {
          throw file.refuse("holds more than one data.pkl");
        }
        folder = name.substring(0, name.length() - "data.pkl".length());
      }
    }
    if (folder == null) {
      throw file.refuse("is a zip archive without data.pkl, expected one written by torch.save");
    }
    return folder;
  }

  private static String text(MemorySegment bytes) {
    MemorySegment start = bytes.asSlice(0, Math.min(bytes.byteSize(), 16));
    return StandardCharsets.ISO_8859_1.decode(start.asByteBuffer()).toString();
  }

  /** Layout: magic, protocol, system, content and keys as pickles, then count and bytes per key. */
  private Object readLegacy() {
    if ((file.bytes().get(ValueLayout.JAVA_BYTE, 0) & 0xFF) != 0x80) {
      throw file.refuse(
          "is no PyTorch file (neither a zip archive nor a pickle) and no .safetensors");
    }
    StorageTable none =
        new StorageTable(
            file,
            (key, size) -> {
              throw file.refuse("storage " + quote(key) + " declared outside the content");
            });
    StorageTable storages =
        new StorageTable(file, (key, size) -> new Storage(size.type(), size.count(), null));
    LegacyParts parts = new LegacyParts();
    if (!LEGACY_MAGIC.equals(parts.next("magic number", none))) {
      throw file.refuse("is a pickle but no PyTorch file (its magic number is wrong)");
    }
    if (!Long.valueOf(LEGACY_PROTOCOL).equals(parts.next("protocol version", none))) {
      throw file.refuse("legacy container with a protocol other than " + LEGACY_PROTOCOL);
    }
    if (!(parts.next("system information", none) instanceof Map<?, ?> system)
        || !Boolean.TRUE.equals(system.get("little_endian"))) {
      throw file.refuse("was written on a big-endian machine, which is not supported");
    }
    Object root = parts.next("content", storages);
    if (!(parts.next("storage keys", none) instanceof List<?> keys)) {
      throw file.refuse("the list of storage keys is missing");
    }
    parts.locate(keys, storages);
    return root;
  }

  /** Walks through the parts of a legacy container, which follow each other without an index. */
  private final class LegacyParts {
    private final ByteCursor in = new ByteCursor(file, "legacy container", file.bytes());

    Object next(String part, StorageTable storages) {
      MemorySegment window =
          file.bytes().asSlice(in.position(), Math.min(in.remaining(), MAX_PICKLE_BYTES));
      ByteCursor cursor = new ByteCursor(file, part, window);
      Object value = new PickleReader(cursor, storages::load, file.size()).read();
      in.skip(cursor.position());
      return value;
    }

    void locate(List<?> keys, StorageTable storages) {
      for (Object key : keys) {
        Storage storage = key instanceof String text ? storages.storages().get(text) : null;
        if (storage == null) {
          throw file.refuse("the list of storages names one that the content doesn't use");
        }
        long count = in.i64();
        if (count != storage.count()) {
          throw file.refuse(
              "a storage declares " + storage.count() + " elements but " + count + " are stored");
        }
        storage.locate(in.slice(storage.byteSize()));
      }
      for (Map.Entry<String, Storage> entry : storages.storages().entrySet()) {
        if (!entry.getValue().isLocated()) {
          throw file.refuse("storage " + quote(entry.getKey()) + " is missing");
        }
      }
    }
  }
}
