package dev.changenet.tensor.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Lets a shared library that was linked against one version of a dependency use another.
 *
 * <p>JCuda's natives ask for {@code libcublas.so.12} and the version node of that name; CUDA 13 has
 * {@code libcublas.so.13}. Both names are in the library's dynamic string table, and the hash of
 * the node's name in its version needs (ELF gABI, "Symbol Versioning" of the LSB). Names of equal
 * length can be replaced in place.
 */
final class ElfRetarget {
  private static final int PT_LOAD = 1;
  private static final int PT_DYNAMIC = 2;
  private static final long DT_STRTAB = 5;
  private static final long DT_STRSZ = 10;
  private static final long DT_VERNEED = 0x6ffffffeL;
  private static final long DT_VERNEEDNUM = 0x6fffffffL;

  private final ByteBuffer elf;

  private ElfRetarget(byte[] image) {
    elf = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Returns {@code image} with the needed library {@code from} replaced by {@code to}.
   *
   * @param image a 64-bit little-endian ELF shared library
   * @throws IllegalArgumentException when it is something else, or doesn't need {@code from}
   */
  static byte[] retarget(byte[] image, String from, String to) {
    if (from.length() != to.length()) {
      throw new IllegalArgumentException("names differ in length: " + from + ", " + to);
    }
    byte[] copy = image.clone();
    new ElfRetarget(copy).replace(from, to);
    return copy;
  }

  private void replace(String from, String to) {
    if (elf.capacity() < 64 || elf.getInt(0) != 0x464c457f || elf.get(4) != 2 || elf.get(5) != 1) {
      throw new IllegalArgumentException("no 64-bit little-endian ELF file");
    }
    long dynamic = offsetOfDynamic();
    int strings = offset(dynamicValue(dynamic, DT_STRTAB));
    int stringsSize = Math.toIntExact(dynamicValue(dynamic, DT_STRSZ));
    rehashVersions(dynamic, strings, from, to);
    if (!replaceStrings(strings, stringsSize, from, to)) {
      throw new IllegalArgumentException("the library doesn't need " + from);
    }
  }

  private int programHeader(int i) {
    return Math.toIntExact(elf.getLong(32)) + i * elf.getShort(54);
  }

  private int offsetOfDynamic() {
    for (int i = 0; i < elf.getShort(56); i++) {
      if (elf.getInt(programHeader(i)) == PT_DYNAMIC) {
        return Math.toIntExact(elf.getLong(programHeader(i) + 8));
      }
    }
    throw new IllegalArgumentException("the ELF file has no dynamic section");
  }

  /** File offset of a virtual address. */
  private int offset(long address) {
    for (int i = 0; i < elf.getShort(56); i++) {
      int h = programHeader(i);
      long start = elf.getLong(h + 16);
      if (elf.getInt(h) == PT_LOAD && address >= start && address < start + elf.getLong(h + 32)) {
        return Math.toIntExact(address - start + elf.getLong(h + 8));
      }
    }
    throw new IllegalArgumentException("address " + address + " is outside the ELF file");
  }

  private long dynamicValue(long dynamic, long tag) {
    for (int at = Math.toIntExact(dynamic); elf.getLong(at) != 0; at += 16) {
      if (elf.getLong(at) == tag) {
        return elf.getLong(at + 8);
      }
    }
    throw new IllegalArgumentException("the ELF file lacks dynamic entry " + tag);
  }

  private void rehashVersions(long dynamic, int strings, String from, String to) {
    int need = offset(dynamicValue(dynamic, DT_VERNEED));
    long count = dynamicValue(dynamic, DT_VERNEEDNUM);
    for (long i = 0; i < count; i++) {
      int aux = need + elf.getInt(need + 8);
      for (int j = 0; j < elf.getShort(need + 2); j++) {
        if (string(strings + elf.getInt(aux + 8)).equals(from)) {
          elf.putInt(aux, hash(to));
        }
        aux += elf.getInt(aux + 12);
      }
      need += elf.getInt(need + 12);
    }
  }

  private boolean replaceStrings(int strings, int size, String from, String to) {
    byte[] bytes = (from + "\0").getBytes(StandardCharsets.US_ASCII);
    byte[] replacement = to.getBytes(StandardCharsets.US_ASCII);
    boolean found = false;
    for (int at = strings; at + bytes.length <= strings + size; at++) {
      if (matches(at, bytes)) {
        elf.put(at, replacement);
        found = true;
      }
    }
    return found;
  }

  private boolean matches(int at, byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      if (elf.get(at + i) != bytes[i]) {
        return false;
      }
    }
    return true;
  }

  private String string(int at) {
    int end = at;
    while (elf.get(end) != 0) {
      end++;
    }
    byte[] bytes = new byte[end - at];
    elf.get(at, bytes);
    return new String(bytes, StandardCharsets.US_ASCII);
  }

  /** The System V hash of a symbol name. */
  static int hash(String name) {
    int h = 0;
    for (int i = 0; i < name.length(); i++) {
      h = (h << 4) + name.charAt(i);
      int g = h & 0xf0000000;
      h ^= g >>> 24;
      h &= ~g;
    }
    return h;
  }
}
