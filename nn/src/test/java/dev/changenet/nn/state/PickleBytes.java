package dev.changenet.nn.state;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Puts a pickle together, opcode by opcode. */
final class PickleBytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  PickleBytes() {
    op(0x80).op(4);
  }

  PickleBytes op(int... opcodes) {
    for (int opcode : opcodes) {
      out.write(opcode);
    }
    return this;
  }

  PickleBytes raw(byte... bytes) {
    out.writeBytes(bytes);
    return this;
  }

  /** Appends characters as opcodes. */
  PickleBytes ops(String characters) {
    return raw(characters.getBytes(StandardCharsets.ISO_8859_1));
  }

  PickleBytes repeat(int times, String characters) {
    return ops(characters.repeat(times));
  }

  PickleBytes i32(int n) {
    return raw(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(n).array());
  }

  PickleBytes i64(long n) {
    return raw(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(n).array());
  }

  PickleBytes integer(long n) {
    return op(0x8a, 8).i64(n);
  }

  PickleBytes text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return op('X').i32(bytes.length).raw(bytes);
  }

  PickleBytes global(String module, String name) {
    return op('c').ops(module + "\n" + name + "\n");
  }

  /** Appends a tensor on storage {@code key} of this storage class, element count and geometry. */
  PickleBytes tensor(
      String storageClass, String key, long count, long offset, long[] shape, long[] stride) {
    global("torch._utils", "_rebuild_tensor_v2").op('(');
    op('(').text("storage").global("torch", storageClass).text(key).text("cpu").integer(count);
    ops("tQ").integer(offset).op('(');
    for (long d : shape) {
      integer(d);
    }
    ops("t(");
    for (long s : stride) {
      integer(s);
    }
    return op('t', 0x89).global("collections", "OrderedDict").ops(")RtR");
  }

  /** Returns the pickle, ended by STOP. */
  byte[] stop() {
    out.write('.');
    return out.toByteArray();
  }
}
