package dev.changenet.nn.state;

import static dev.changenet.nn.state.CheckpointException.quote;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A weight file that was read, with typed access to what it holds.
 *
 * <p>The accessors take the way from the root: a text or an integer for a dictionary, an integer
 * for a list. For instance {@code tensor("optimizer_states", 0, "state", 3, "exp_avg")}.
 *
 * @param path where it was read, for messages
 * @param root the content as {@link PthReader#read} returns it; safetensors give a map of tensors
 */
public record WeightsFile(Path path, Object root) {

  /** Stands for "no such entry", because an entry can be null. */
  private static final Object ABSENT = new Object();

  /**
   * Reads a .pth, .tlt or .safetensors file; zip archives and pickles are recognised by content,
   * the rest by name.
   *
   * @throws CheckpointException if the file can't be read, is damaged or would call code
   */
  public static WeightsFile read(Path path) {
    return read(path, PthReader.Checksums.AT_ONCE);
  }

  /**
   * Reads a file like {@link #read(Path)}, but whether a tensor is damaged shows when it is first
   * used: for a task that needs the weights and not the state of the optimizer, which is twice as
   * large.
   *
   * @throws CheckpointException if the file can't be read, is damaged or would call code
   */
  public static WeightsFile readAsNeeded(Path path) {
    return read(path, PthReader.Checksums.AT_FIRST_USE);
  }

  private static WeightsFile read(Path path, PthReader.Checksums checksums) {
    MappedFile file = MappedFile.open(path);
    String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
    boolean safetensors = name.endsWith(".safetensors") && !ZipDirectory.isZip(file);
    return new WeightsFile(
        path, safetensors ? SafetensorsReader.read(file) : PthReader.read(file, checksums));
  }

  /** Returns true if there is an entry, even a null one. */
  public boolean has(Object... way) {
    return find(way) != ABSENT;
  }

  /** Returns the entry as it is. */
  public Object get(Object... way) {
    Object value = find(way);
    if (value == ABSENT) {
      throw new CheckpointException(path, "has no entry " + show(way));
    }
    return value;
  }

  /** Returns a dictionary. */
  public Map<?, ?> map(Object... way) {
    return as(Map.class, "a dictionary", way);
  }

  /** Returns a list or tuple. */
  public List<?> list(Object... way) {
    return as(List.class, "a list", way);
  }

  /** Returns a tensor. */
  public StoredTensor tensor(Object... way) {
    return as(StoredTensor.class, "a tensor", way);
  }

  /** Returns a text. */
  public String text(Object... way) {
    return as(String.class, "a text", way);
  }

  /** Returns a whole number. */
  public long integer(Object... way) {
    return as(Long.class, "a whole number", way);
  }

  /** Returns a number, also from a tensor with one element. */
  public double number(Object... way) {
    return switch (get(way)) {
      case Number n -> n.doubleValue();
      case StoredTensor t when t.count() == 1 -> t.item();
      case Object other -> throw wrong(other, "a number", way);
      case null -> throw wrong(null, "a number", way);
    };
  }

  /** Returns a dictionary whose keys are texts and whose values are tensors. */
  public Map<String, StoredTensor> tensors(Object... way) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : map(way).entrySet()) {
      if (entry.getKey() instanceof String name && entry.getValue() instanceof StoredTensor t) {
        tensors.put(name, t);
      } else {
        throw new CheckpointException(
            path,
            "entry "
                + show(way)
                + " holds "
                + quote(String.valueOf(entry.getKey()))
                + " with "
                + describe(entry.getValue())
                + ", expected names with tensors only");
      }
    }
    return tensors;
  }

  private <T> T as(Class<T> type, String expected, Object... way) {
    Object value = get(way);
    if (!type.isInstance(value)) {
      throw wrong(value, expected, way);
    }
    return type.cast(value);
  }

  private CheckpointException wrong(Object value, String expected, Object... way) {
    return new CheckpointException(
        path, "entry " + show(way) + " is " + describe(value) + ", expected " + expected);
  }

  private Object find(Object... way) {
    Object here = root;
    for (Object step : way) {
      here =
          switch (here) {
            case Map<?, ?> map -> inMap(map, step instanceof Integer i ? (Object) (long) i : step);
            case List<?> list when step instanceof Integer i && i >= 0 && i < list.size() ->
                list.get(i);
            case null, default -> ABSENT;
          };
      if (here == ABSENT) {
        return ABSENT;
      }
    }
    return here;
  }

  private static Object inMap(Map<?, ?> map, Object key) {
    Object value = map.get(key);
    return value == null && !map.containsKey(key) ? ABSENT : value;
  }

  private static String show(Object... way) {
    if (way.length == 0) {
      return "at the top";
    }
    StringBuilder out = new StringBuilder();
    for (Object step : way) {
      out.append(step instanceof String ? (out.isEmpty() ? "" : ".") + step : "[" + step + "]");
    }
    return quote(out.toString());
  }

  /** Returns what {@code value} is, in words for messages. */
  static String describe(Object value) {
    return switch (value) {
      case null -> "None";
      case Map<?, ?> map -> "a dictionary of " + map.size();
      case List<?> list -> "a list of " + list.size();
      case StoredTensor tensor -> "a tensor";
      case String text -> "the text " + quote(text);
      case Boolean truth -> "the truth value " + truth;
      case Number number -> "the number " + number;
      case PythonObject object -> "an object of class " + quote(object.className());
      default -> "of another kind";
    };
  }
}
