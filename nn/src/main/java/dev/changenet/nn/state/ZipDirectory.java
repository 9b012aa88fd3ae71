package dev.changenet.nn.state;

import static dev.changenet.nn.state.CheckpointException.quote;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * The entries of a zip archive in a mapped file. Only stored (uncompressed) entries are accepted:
 * PyTorch writes nothing else, and they can't grow beyond the file. Zip64 is understood.
 *
 * <p>The JDK's own zip classes don't tell where an entry's bytes lie, which is what mapping needs.
 * Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3.
 */
final class ZipDirectory {
  private static final int LOCAL_SIGNATURE = 0x04034b50;
  private static final int CENTRAL_SIGNATURE = 0x02014b50;
  private static final int END_SIGNATURE = 0x06054b50;
  private static final int END64_SIGNATURE = 0x06064b50;
  private static final int LOCATOR64_SIGNATURE = 0x07064b50;
  private static final int END_BYTES = 22;
  private static final int LOCATOR64_BYTES = 20;
  private static final int MAX_COMMENT_BYTES = 65535;
  private static final int CENTRAL_BYTES = 46;
  private static final int MAX_ENTRIES = 1_000_000;
  private static final int ENCRYPTED = 1;

  private final MappedFile file;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private record Entry(long size, int crc, long headerOffset) {}

  private ZipDirectory(MappedFile file) {
    this.file = file;
  }

  /** Returns true if the file starts like a zip archive. */
  static boolean isZip(MappedFile file) {
    return file.size() >= 4 && cursor(file, 0).i32() == LOCAL_SIGNATURE;
  }

  static ZipDirectory read(MappedFile file) {
    ZipDirectory zip = new ZipDirectory(file);
    zip.readEnd();
    return zip;
  }

  /** Returns the names of all entries, in the archive's order. */
  Iterable<String> names() {
    return entries.keySet();
  }

  boolean contains(String name) {
    return entries.containsKey(name);
  }

  /** Returns the size of entry {@code name}, which must exist. */
  long size(String name) {
    return entry(name).size();
  }

  /**
   * Returns the bytes of entry {@code name}.
   *
   * @throws CheckpointException if the entry is absent or its checksum is wrong
   */
  MemorySegment bytes(String name) {
    MemorySegment bytes = locate(name);
    check(name, bytes);
    MappedFile.giveBack(bytes);
    return bytes;
  }

  /**
   * Returns the bytes of entry {@code name} unread.
   *
   * @throws CheckpointException if the entry is absent
   */
  MemorySegment locate(String name) {
    Entry entry = entry(name);
    ByteCursor header = cursor(file, entry.headerOffset());
    if (header.i32() != LOCAL_SIGNATURE) {
      throw file.refuse("zip entry " + quote(name) + " doesn't start where the directory says");
    }
    header.skip(22);
    long variable = header.u16();
    variable += header.u16();
    header.skip(variable);
    return header.slice(entry.size());
  }

  /**
   * Compares the {@code bytes} of entry {@code name} with its checksum. Pages of short entries
   * stay, since their reader follows.
   *
   * @throws CheckpointException if they don't match
   */
  void check(String name, MemorySegment bytes) {
    CRC32 crc = new CRC32();
    for (long at = 0; at < bytes.byteSize(); at += MappedFile.WINDOW) {
      MemorySegment part = bytes.asSlice(at, Math.min(MappedFile.WINDOW, bytes.byteSize() - at));
      crc.update(part.asByteBuffer());
      if (bytes.byteSize() > MappedFile.WINDOW) {
        MappedFile.giveBack(part);
      }
    }
    if ((int) crc.getValue() != entry(name).crc()) {
      throw file.refuse("zip entry " + quote(name) + " is damaged (its checksum is wrong)");
    }
  }

  private Entry entry(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw file.refuse("zip entry " + quote(name) + " is missing");
    }
    return entry;
  }

  private static ByteCursor cursor(MappedFile file, long offset) {
    if (offset < 0 || offset > file.size()) {
      throw file.refuse("zip: offset " + Long.toUnsignedString(offset) + " is outside the file");
    }
    return new ByteCursor(file, "zip", file.bytes().asSlice(offset));
  }

  private void readEnd() {
    long end = findEnd();
    ByteCursor in = cursor(file, end + 4);
    // Number of this part and of the part where the directory starts.
    if (in.u32() != 0) {
      if (!hasLocator64(end)) {
        throw file.refuse("zip archives in several parts are not supported");
      }
    }
    in.u16();
    long count = in.u16();
    long size = in.u32();
    long offset = in.u32();
    if (hasLocator64(end)) {
      ByteCursor locator = cursor(file, end - LOCATOR64_BYTES + 8);
      ByteCursor end64 = cursor(file, locator.i64());
      if (end64.i32() != END64_SIGNATURE) {
        throw file.refuse("zip64 end record is not where it should be");
      }
      end64.skip(28);
      count = end64.i64();
      size = end64.i64();
      offset = end64.i64();
    }
    if (count < 0 || count > MAX_ENTRIES || size < 0 || count * CENTRAL_BYTES > size) {
      throw file.refuse("zip directory declares " + count + " entries in " + size + " bytes");
    }
    ByteCursor directory = new ByteCursor(file, "zip directory", cursor(file, offset).slice(size));
    for (long i = 0; i < count; i++) {
      readEntry(directory);
    }
    // Entries that share their bytes would make a small file long to read.
    long room = file.size();
    for (Map.Entry<String, Entry> e : entries.entrySet()) {
      if (e.getValue().size() < 0 || e.getValue().size() > room) {
        throw file.refuse(
            "zip entries overlap: up to " + quote(e.getKey()) + " they hold more than the file");
      }
      room -= e.getValue().size();
    }
  }

  private long findEnd() {
    long lowest = Math.max(0, file.size() - END_BYTES - MAX_COMMENT_BYTES);
    for (long at = file.size() - END_BYTES; at >= lowest; at--) {
      ByteCursor in = cursor(file, at);
      if (in.i32() == END_SIGNATURE) {
        return at;
      }
    }
    throw file.refuse("the zip archive is cut off (its directory is missing)");
  }

  private boolean hasLocator64(long end) {
    return end >= LOCATOR64_BYTES
        && cursor(file, end - LOCATOR64_BYTES).i32() == LOCATOR64_SIGNATURE;
  }

  private void readEntry(ByteCursor in) {
    if (in.i32() != CENTRAL_SIGNATURE) {
      throw in.refuse("no directory entry");
    }
    in.skip(4);
    int flags = in.u16();
    int method = in.u16();
    in.skip(4);
    int crc = in.i32();
    long stored = in.u32();
    long size = in.u32();
    int nameBytes = in.u16();
    int extraBytes = in.u16();
    int commentBytes = in.u16();
    in.skip(8);
    long offset = in.u32();
    String name = in.utf8(nameBytes);
    ByteCursor extra = new ByteCursor(file, "zip directory", in.slice(extraBytes));
    in.skip(commentBytes);
    while (extra.remaining() >= 4) {
      int id = extra.u16();
      ByteCursor field = new ByteCursor(file, "zip directory", extra.slice(extra.u16()));
      if (id == 1) {
        size = size == 0xFFFFFFFFL ? field.i64() : size;
        stored = stored == 0xFFFFFFFFL ? field.i64() : stored;
        offset = offset == 0xFFFFFFFFL ? field.i64() : offset;
      }
    }
    if (method != 0 || stored != size || (flags & ENCRYPTED) != 0) {
      throw file.refuse(
          "zip entry " + quote(name) + " is compressed or encrypted, which PyTorch never does");
    }
    if (entries.put(name, new Entry(size, crc, offset)) != null) {
      throw file.refuse("zip entry " + quote(name) + " exists twice");
    }
  }
}
