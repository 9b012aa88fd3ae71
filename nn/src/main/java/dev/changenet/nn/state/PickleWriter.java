package dev.changenet.nn.state;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes plain values as a pickle of protocol 2 in the form of {@code torch.save}. Only globals
 * that {@code torch.load(weights_only=True)} allows are used.
 */
final class PickleWriter {
  private static final int MAX_DEPTH = 100;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final Map<Object, Integer> memo = new HashMap<>();
  private final Map<Storage, Integer> storageKeys = new IdentityHashMap<>();
  private final List<Storage> storages = new ArrayList<>();

  /** Key of a global in the memo, so that it can't be mistaken for a text. */
  private record Global(String module, String name) {}

  /** Returns the pickle of {@code root}; {@link #storages()} then lists the storages it names. */
  byte[] write(Object root) {
    out.write(0x80);
    out.write(2);
    value(root, 0);
    out.write('.');
    return out.toByteArray();
  }

  /** Returns the storages in the order of their keys "0", "1" … */
  List<Storage> storages() {
    return storages;
  }

  private void value(Object value, int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException(
          "the content nests deeper than " + MAX_DEPTH + " levels or contains itself");
    }
    switch (value) {
      case null -> out.write('N');
      case Boolean truth -> out.write(truth ? 0x88 : 0x89);
      case Integer n -> integer(n);
      case Long n -> integer(n);
      case Short n -> integer(n);
      case Byte n -> integer(n);
      case BigInteger n -> bigInteger(n);
      case Double x -> real(x);
      case Float x -> real(x);
      case String text -> text(text);
      case StoredTensor tensor -> tensor(tensor);
      case Tuple tuple -> tuple(tuple, depth);
      case OrderedDict dict -> orderedDict(dict, depth);
      case Map<?, ?> map -> {
        out.write('}');
        items(map, depth);
      }
      case List<?> list -> list(list, depth);
      default ->
          throw new IllegalArgumentException(
              "a value of type " + value.getClass().getName() + " can't be written to a .pth file");
    }
  }

  private void integer(long n) {
    if (n >= 0 && n < 256) {
      out.write('K');
      out.write((int) n);
    } else if (n >= 0 && n < 65536) {
      out.write('M');
      out.writeBytes(little(2).putShort((short) n).array());
    } else if (n == (int) n) {
      out.write('J');
      out.writeBytes(little(4).putInt((int) n).array());
    } else {
      bigInteger(BigInteger.valueOf(n));
    }
  }

  private void bigInteger(BigInteger n) {
    byte[] bytes = n.toByteArray();
    if (bytes.length > 255) {
      throw new IllegalArgumentException("an integer of " + bytes.length + " bytes is too large");
    }
    out.write(0x8a);
    out.write(bytes.length);
    for (int i = bytes.length - 1; i >= 0; i--) {
      out.write(bytes[i]);
    }
  }

  private void real(double x) {
    out.write('G');
    out.writeBytes(ByteBuffer.allocate(8).putDouble(x).array());
  }

  private void text(String text) {
    if (recall(text)) {
      return;
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.write('X');
    out.writeBytes(little(4).putInt(bytes.length).array());
    out.writeBytes(bytes);
    remember(text);
  }

  private void global(String module, String name) {
    Global global = new Global(module, name);
    if (recall(global)) {
      return;
    }
    out.write('c');
    out.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
    remember(global);
  }

  /** Writes a reference to {@code value} if it was written before. */
  private boolean recall(Object value) {
    Integer index = memo.get(value);
    if (index != null) {
      memoOpcode(index, 'h', 'j');
    }
    return index != null;
  }

  private void remember(Object value) {
    memoOpcode(memo.size(), 'q', 'r');
    memo.put(value, memo.size());
  }

  private void memoOpcode(int index, char narrow, char wide) {
    if (index < 256) {
      out.write(narrow);
      out.write(index);
    } else {
      out.write(wide);
      out.writeBytes(little(4).putInt(index).array());
    }
  }

  private void tuple(List<?> items, int depth) {
    if (items.isEmpty()) {
      out.write(')');
      return;
    }
    if (items.size() > 3) {
      out.write('(');
    }
    for (Object item : items) {
      value(item, depth + 1);
    }
    out.write(items.size() > 3 ? 't' : 0x84 + items.size());
  }

  private void list(List<?> items, int depth) {
    out.write(']');
    if (!items.isEmpty()) {
      out.write('(');
      for (Object item : items) {
        value(item, depth + 1);
      }
      out.write('e');
    }
  }

  private void orderedDict(OrderedDict dict, int depth) {
    emptyOrderedDict();
    items(dict, depth);
    if (!dict.attributes().isEmpty()) {
      out.write('}');
      items(dict.attributes(), depth + 1);
      out.write('b');
    }
  }

  private void emptyOrderedDict() {
    global("collections", "OrderedDict");
    out.write(')');
    out.write('R');
  }

  private void items(Map<?, ?> map, int depth) {
    if (map.isEmpty()) {
      return;
    }
    out.write('(');
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      value(entry.getKey(), depth + 1);
      value(entry.getValue(), depth + 1);
    }
    out.write('u');
  }

  /** {@code _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)}. */
  private void tensor(StoredTensor tensor) {
    global("torch._utils", "_rebuild_tensor_v2");
    out.write('(');
    storage(tensor.storage());
    integer(tensor.storageOffset());
    List<Object> sizes = new ArrayList<>();
    for (int size : tensor.shape()) {
      sizes.add(size);
    }
    tuple(sizes, 0);
    List<Object> strides = new ArrayList<>();
    for (long stride : tensor.stride()) {
      strides.add(stride);
    }
    tuple(strides, 0);
    out.write(0x89);
    emptyOrderedDict();
    out.write('t');
    out.write('R');
  }

  private void storage(Storage storage) {
    Integer key = storageKeys.get(storage);
    if (key == null) {
      key = storages.size();
      storageKeys.put(storage, key);
      storages.add(storage);
    }
    out.write('(');
    text("storage");
    global("torch", storage.type().storageClass());
    text(key.toString());
    text("cpu");
    integer(storage.count());
    out.write('t');
    out.write('Q');
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
