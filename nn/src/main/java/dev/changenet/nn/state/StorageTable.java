package dev.changenet.nn.state;

import static dev.changenet.nn.state.CheckpointException.quote;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;

/** The storages that a pickle declares by persistent ids, each once. */
final class StorageTable {
  private final MappedFile file;
  private final BiFunction<String, StorageSize, Storage> make;
  private final Map<String, Storage> storages = new LinkedHashMap<>();

  /**
   * Makes a table.
   *
   * @param make returns the storage of a key met for the first time, or refuses it
   */
  StorageTable(MappedFile file, BiFunction<String, StorageSize, Storage> make) {
    this.file = file;
    this.make = make;
  }

  /** What a pickle says about a storage. */
  record StorageSize(StoredType type, long count) {
    long bytes() {
      return count * type.bytes();
    }
  }

  Map<String, Storage> storages() {
    return storages;
  }

  /**
   * Returns the storage of a persistent id.
   *
   * @param id ("storage", class, key, device, element count), in legacy files followed by None
   */
  Object load(Object id) {
    if (!(id instanceof Tuple t
        && t.size() >= 5
        && "storage".equals(t.get(0))
        && t.get(1) instanceof PythonClass type
        && t.get(2) instanceof String key
        && t.get(4) instanceof Long count)) {
      throw file.refuse("the pickle refers to something that is no tensor storage");
    }
    if (t.size() > 5 && t.get(5) != null) {
      throw file.refuse("storage views of PyTorch before 0.4 are not supported");
    }
    StorageSize size = new StorageSize(elementType(type.name()), count);
    if (count < 0 || count > Long.MAX_VALUE / size.type().bytes()) {
      throw file.refuse("storage " + quote(key) + " declares " + count + " elements");
    }
    Storage known = storages.get(key);
    if (known == null) {
      known = make.apply(key, size);
      storages.put(key, known);
    } else if (known.type() != size.type() || known.count() != count) {
      throw file.refuse("storage " + quote(key) + " is declared twice with different sizes");
    }
    return known;
  }

  private StoredType elementType(String className) {
    String name = className.replaceFirst("^torch\\.(cuda\\.)?", "");
    StoredType type = name.equals(className) ? null : StoredType.ofStorageClass(name);
    if (type == null) {
      throw file.refuse("tensors of type " + quote(className) + " are not supported");
    }
    return type;
  }
}
