package dev.changenet.tensor.cuda;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Hands out blocks of device memory and keeps what is given back.
 *
 * <p>The driver is asked for large segments; blocks are cut from the smallest free block that fits
 * and joined with free neighbours when they return. Since all work of a device is on one stream, a
 * returned block may be used again at once: whatever still reads it runs before whatever writes it
 * next. When the driver has no more memory, free segments are handed back and it is asked again.
 */
final class CudaAllocator {
  /** Blocks start at multiples of this: what vector loads and cuDNN like. */
  private static final long ALIGNMENT = 512;

  /** Small requests share segments of this size. */
  private static final long SMALL_SEGMENT = 8L << 20;

  /** Medium requests share segments of this size; larger ones get one of their own. */
  private static final long SEGMENT = 64L << 20;

  private static final long SMALL = 1L << 20;
  private static final long ROUNDING = 2L << 20;

  /** Where segments come from. */
  interface Source {
    /** Returns the address of new device memory, or 0 when there is not enough. */
    long allocate(long bytes);

    void free(long address);
  }

  private static final class Block {
    final long address;
    long bytes;
    boolean free;
    Block previous;
    Block next;

    Block(long address, long bytes) {
      this.address = address;
      this.bytes = bytes;
    }

    boolean wholeSegment() {
      return previous == null && next == null;
    }
  }

  /**
   * Environment variable: {@code off} asks the driver for each tensor's very bytes and gives them
   * back at once, so that memory checkers see every access outside a tensor.
   */
  static final String CACHING_VARIABLE = "CHANGENET_CUDA_CACHING";

  private final Source source;
  private final boolean caching;
  private boolean keepsSegments;
  private boolean retired;
  private final TreeSet<Block> free =
      new TreeSet<>(
          (a, b) ->
              a.bytes != b.bytes
                  ? Long.compare(a.bytes, b.bytes)
                  : Long.compareUnsigned(a.address, b.address));
  private final Map<Long, Block> used = new HashMap<>();
  private long usedBytes;
  private long peakBytes;
  private long workPeak;
  private long beforeWork;
  private long reservedBytes;

  CudaAllocator(Source source) {
    this(source, !"off".equals(System.getenv(CACHING_VARIABLE)));
  }

  CudaAllocator(Source source, boolean caching) {
    this(source, caching, false);
  }

  private CudaAllocator(Source source, boolean caching, boolean graph) {
    this.source = source;
    this.caching = caching;
    this.keepsSegments = graph;
  }

  /**
   * The pool of a recorded graph: no segment goes back before {@link #retire}, since the graph's
   * kernels use all of them, those of free blocks too.
   */
  static CudaAllocator forGraph(Source source) {
    return new CudaAllocator(source, true, true);
  }

  /** Returns the address of a block of at least {@code bytes}, or 0 when the device is full. */
  synchronized long allocate(long bytes) {
    Block block = caching ? cached(bytes) : uncached(Math.max(1, bytes));
    if (block == null) {
      return 0;
    }
    block.free = false;
    used.put(block.address, block);
    usedBytes += block.bytes;
    peakBytes = Math.max(peakBytes, usedBytes);
    workPeak = Math.max(workPeak, usedBytes);
    return block.address;
  }

  private Block cached(long bytes) {
    long size = Math.max(ALIGNMENT, roundUp(bytes, ALIGNMENT));
    Block block = takeFree(size);
    if (block == null) {
      block = newSegment(size);
    }
    if (block != null) {
      split(block, size);
    }
    return block;
  }

  private Block uncached(long bytes) {
    long address = source.allocate(bytes);
    if (address == 0) {
      return null;
    }
    reservedBytes += bytes;
    return new Block(address, bytes);
  }

  private static long roundUp(long value, long multiple) {
    return (value + multiple - 1) / multiple * multiple;
  }

  private Block takeFree(long size) {
    Block block = free.ceiling(new Block(0, size));
    if (block != null) {
      free.remove(block);
    }
    return block;
  }

  private Block newSegment(long size) {
    long wanted =
        size <= SMALL ? SMALL_SEGMENT : size <= SEGMENT / 4 ? SEGMENT : roundUp(size, ROUNDING);
    long address = source.allocate(wanted);
    if (address == 0 && !keepsSegments) {
      trim();
      address = source.allocate(wanted);
    }
    if (address == 0 && wanted > roundUp(size, ROUNDING)) {
      wanted = roundUp(size, ROUNDING);
      address = source.allocate(wanted);
    }
    if (address == 0) {
      return null;
    }
    reservedBytes += wanted;
    return new Block(address, wanted);
  }

  private void split(Block block, long size) {
    if (block.bytes - size < ALIGNMENT) {
      return;
    }
    Block rest = new Block(block.address + size, block.bytes - size);
    rest.free = true;
    rest.previous = block;
    rest.next = block.next;
    if (rest.next != null) {
      rest.next.previous = rest;
    }
    block.next = rest;
    block.bytes = size;
    free.add(rest);
  }

  /** Takes back a block. */
  synchronized void free(long address) {
    Block block = used.remove(address);
    if (block == null) {
      throw new IllegalStateException("device memory released twice, or not of this allocator");
    }
    usedBytes -= block.bytes;
    if (!caching) {
      reservedBytes -= block.bytes;
      source.free(address);
      return;
    }
    if (block.next != null && block.next.free) {
      free.remove(block.next);
      join(block);
    }
    if (block.previous != null && block.previous.free) {
      block = block.previous;
      free.remove(block);
      join(block);
    }
    block.free = true;
    free.add(block);
    if (retired) {
      trim();
    }
  }

  /** Begins to count what a piece of work takes. */
  synchronized void startWork() {
    beforeWork = usedBytes;
    workPeak = usedBytes;
  }

  /** Largest number of bytes in use since {@link #startWork}, less those used before. */
  synchronized long workBytes() {
    return workPeak - beforeWork;
  }

  /** Gives every segment back as soon as it has no used block. */
  synchronized void retire() {
    keepsSegments = false;
    retired = true;
    trim();
  }

  /** Adds the next block to {@code block}. */
  private static void join(Block block) {
    Block next = block.next;
    block.bytes += next.bytes;
    block.next = next.next;
    if (block.next != null) {
      block.next.previous = block;
    }
  }

  /** Gives segments without a used block back to the driver. */
  synchronized void trim() {
    List<Block> whole = new ArrayList<>();
    for (Block b : free) {
      if (b.wholeSegment()) {
        whole.add(b);
      }
    }
    for (Block b : whole) {
      free.remove(b);
      reservedBytes -= b.bytes;
      source.free(b.address);
    }
  }

  /** Bytes in use. */
  synchronized long usedBytes() {
    return usedBytes;
  }

  /** Largest value of {@link #usedBytes} since {@link #resetPeak}. */
  synchronized long peakBytes() {
    return peakBytes;
  }

  synchronized void resetPeak() {
    peakBytes = usedBytes;
  }

  /** Bytes taken from the driver. */
  synchronized long reservedBytes() {
    return reservedBytes;
  }
}
