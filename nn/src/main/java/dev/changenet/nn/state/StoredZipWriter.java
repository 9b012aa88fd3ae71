package dev.changenet.nn.state;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * Writes a zip archive of uncompressed entries whose contents start at multiples of 64 bytes, as
 * PyTorch lays them out for mapping. All dates are 1980-01-01, so equal contents give equal bytes.
 *
 * <p>Sizes and checksums stand in the local headers (no data descriptors). The checksum is filled
 * in after the content was streamed through one buffer, so nothing is held or read twice.
 */
final class StoredZipWriter {
  private static final int ALIGNMENT = 64;
  private static final int LOCAL_BYTES = 30;
  private static final int CRC_OFFSET = 14;
  private static final int PADDING_ID = 0x4246; // "FB", the extra field PyTorch pads with
  private static final int DATE_1980 = 0x21;
  private static final int UTF8_NAMES = 0x0800;
  private static final int VERSION = 20;
  private static final int VERSION_64 = 45;
  private static final int BUFFER_BYTES = 1 << 20;

  private final FileChannel channel;
  private final long limit32;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private final ByteArrayOutputStream directory = new ByteArrayOutputStream();
  private long position;
  private int entries;

  /**
   * Makes a writer to an empty channel.
   *
   * @param limit32 sizes and offsets from here on are written in zip64 form; 0xFFFFFFFF by the
   *     format, less in tests
   */
  StoredZipWriter(FileChannel channel, long limit32) {
    this.channel = channel;
    this.limit32 = limit32;
  }

  /** Appends an entry. */
  void add(String name, MemorySegment content) throws IOException {
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    long size = content.byteSize();
    long start = position;
    boolean large = size >= limit32 || start >= limit32;
    int fixed = LOCAL_BYTES + nameBytes.length + (large ? 20 : 0) + 4;
    int padding = (int) (-(start + fixed) & (ALIGNMENT - 1));
    ByteBuffer header = little(fixed + padding);
    header.putInt(0x04034b50);
    putCommon(header, 0, size, large);
    header
        .putShort((short) nameBytes.length)
        .putShort((short) (fixed + padding - LOCAL_BYTES - nameBytes.length));
    header.put(nameBytes);
    if (large) {
      header.putShort((short) 1).putShort((short) 16).putLong(size).putLong(size);
    }
    header.putShort((short) PADDING_ID).putShort((short) padding);
    while (header.hasRemaining()) {
      header.put((byte) 'Z');
    }
    write(header.flip());
    int crc = stream(content);
    ByteBuffer patch = little(4).putInt(crc).flip();
    while (patch.hasRemaining()) {
      channel.write(patch, start + CRC_OFFSET + patch.position());
    }
    addToDirectory(nameBytes, size, start, crc, large);
    entries++;
  }

  private static void putCommon(ByteBuffer out, int crc, long size, boolean large) {
    int size32 = large ? -1 : (int) size;
    out.putShort((short) (large ? VERSION_64 : VERSION));
    out.putShort((short) UTF8_NAMES).putShort((short) 0);
    out.putShort((short) 0).putShort((short) DATE_1980);
    out.putInt(crc).putInt(size32).putInt(size32);
  }

  private void addToDirectory(byte[] name, long size, long start, int crc, boolean large) {
    ByteBuffer out = little(46 + name.length + (large ? 28 : 0));
    out.putInt(0x02014b50).putShort((short) (large ? VERSION_64 : VERSION));
    putCommon(out, crc, size, large);
    out.putShort((short) name.length).putShort((short) (large ? 28 : 0)).putShort((short) 0);
    out.putShort((short) 0).putShort((short) 0).putInt(0);
    out.putInt(large ? -1 : (int) start).put(name);
    if (large) {
      out.putShort((short) 1).putShort((short) 24).putLong(size).putLong(size).putLong(start);
    }
    directory.writeBytes(out.array());
  }

  /** Writes the directory; nothing may be added afterwards. */
  void finish() throws IOException {
    long start = position;
    long size = directory.size();
    write(ByteBuffer.wrap(directory.toByteArray()));
    boolean large = start >= limit32 || entries >= 0xFFFF;
    if (large) {
      ByteBuffer end64 = little(56 + 20);
      long at = position;
      end64.putInt(0x06064b50).putLong(44).putShort((short) VERSION_64);
      end64.putShort((short) VERSION_64).putInt(0).putInt(0);
      end64.putLong(entries).putLong(entries).putLong(size).putLong(start);
      end64.putInt(0x07064b50).putInt(0).putLong(at).putInt(1);
      write(end64.flip());
    }
    ByteBuffer end = little(22);
    short count = (short) (large ? -1 : entries);
    end.putInt(0x06054b50).putShort((short) 0).putShort((short) 0).putShort(count).putShort(count);
    end.putInt(large ? -1 : (int) size).putInt(large ? -1 : (int) start).putShort((short) 0);
    write(end.flip());
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      position += channel.write(bytes, position);
    }
  }

  /** Writes {@code content} and returns its checksum. */
  private int stream(MemorySegment content) throws IOException {
    CRC32 crc = new CRC32();
    for (long at = 0; at < content.byteSize(); at += BUFFER_BYTES) {
      int n = (int) Math.min(BUFFER_BYTES, content.byteSize() - at);
      buffer.clear().limit(n);
      MemorySegment.copy(content, at, MemorySegment.ofBuffer(buffer), 0, n);
      crc.update(buffer);
      write(buffer.flip());
    }
    return (int) crc.getValue();
  }
}
