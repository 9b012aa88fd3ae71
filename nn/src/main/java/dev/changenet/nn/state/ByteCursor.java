package dev.changenet.nn.state;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Reads numbers and texts from bytes in order; every read is checked against what is left. */
final class ByteCursor {
  private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

  private final MappedFile file;
  private final String part;
  private final MemorySegment bytes;
  private long position;

  /**
   * Makes a cursor.
   *
   * @param part what the bytes are, for error messages
   */
  ByteCursor(MappedFile file, String part, MemorySegment bytes) {
    this.file = file;
    this.part = part;
    this.bytes = bytes;
  }

  long position() {
    return position;
  }

  long remaining() {
    return bytes.byteSize() - position;
  }

  CheckpointException refuse(String problem) {
    return file.refuse(part + " at byte " + position + ": " + problem);
  }

  /** Moves {@code n} bytes on and returns where they start, or refuses if there are fewer. */
  private long take(long n) {
    if (n < 0 || n > remaining()) {
      throw refuse(
          "needs "
              + Long.toUnsignedString(n)
              + " more bytes but only "
              + remaining()
              + " are left");
    }
    long start = position;
    position += n;
    return start;
  }

  int u8() {
    return bytes.get(ValueLayout.JAVA_BYTE, take(1)) & 0xFF;
  }

  int u16() {
    return bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE), take(2)) & 0xFFFF;
  }

  int i32() {
    return bytes.get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE), take(4));
  }

  long u32() {
    return i32() & 0xFFFFFFFFL;
  }

  long i64() {
    return bytes.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE), take(8));
  }

  double bigEndianDouble() {
    return bytes.get(ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN), take(8));
  }

  void skip(long n) {
    take(n);
  }

  /** Returns the next {@code n} bytes without copying them. */
  MemorySegment slice(long n) {
    return bytes.asSlice(take(n), n);
  }

  /** Returns a copy of the next {@code n} bytes. */
  byte[] copy(long n) {
    return slice(n).toArray(ValueLayout.JAVA_BYTE);
  }

  String utf8(long n) {
    MemorySegment text = slice(n);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(text.asByteBuffer()).toString();
    } catch (CharacterCodingException e) {
      throw file.refuse(part + " holds a text that is not UTF-8", e);
    }
  }

  String latin1(long n) {
    return new String(copy(n), StandardCharsets.ISO_8859_1);
  }

  /** Returns the text up to the next line feed, which must come within {@code limit} bytes. */
  String line(int limit) {
    long start = position;
    for (long n = 0; n <= limit; n++) {
      if (u8() == '\n') {
        position = start;
        String line = utf8(n);
        position++;
        return line;
      }
    }
    throw refuse("a name is longer than " + limit + " bytes");
  }
}
