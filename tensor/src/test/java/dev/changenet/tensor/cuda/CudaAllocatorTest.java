package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class CudaAllocatorTest {
  private static final long MIB = 1L << 20;

  /** Device memory of a given size, without contents. */
  private static final class Memory implements CudaAllocator.Source {
    final Map<Long, Long> segments = new HashMap<>();
    final long total;
    long used;
    long next = 1L << 32;

    Memory(long total) {
      this.total = total;
    }

    @Override
    public long allocate(long bytes) {
      if (used + bytes > total) {
        return 0;
      }
      used += bytes;
      long address = next;
      next += (bytes + 511) / 512 * 512 + 4096;
      segments.put(address, bytes);
      return address;
    }

    @Override
    public void free(long address) {
      used -= segments.remove(address);
    }
  }

  @Test
  void blocksNeverOverlapAndLieInSegments() {
    Memory memory = new Memory(1L << 40);
    CudaAllocator allocator = new CudaAllocator(memory, true);
    TreeMap<Long, Long> live = new TreeMap<>();
    Random random = new Random(3);
    long bytes = 0;
    for (int step = 0; step < 20_000; step++) {
      if (live.size() < 200 && random.nextInt(3) > 0) {
        long size = 1 + (long) Math.pow(2, 28 * random.nextDouble());
        long at = allocator.allocate(size);
        assertThat(at % 512).isZero();
        assertFree(live, at, size);
        assertThat(inSegment(memory, at, size)).isTrue();
        live.put(at, size);
      } else if (!live.isEmpty()) {
        Long key = live.ceilingKey(1L << 32 | random.nextLong(memory.next - (1L << 32)));
        long at = key == null ? live.firstKey() : key;
        live.remove(at);
        allocator.free(at);
      }
      bytes = live.values().stream().mapToLong(v -> Math.max(512, (v + 511) / 512 * 512)).sum();
      assertThat(allocator.usedBytes()).isBetween(bytes, bytes + 512L * live.size());
    }
    live.keySet().forEach(allocator::free);
    assertThat(allocator.usedBytes()).isZero();
    allocator.trim();
    assertThat(memory.segments).as("all blocks joined again").isEmpty();
    assertThat(allocator.reservedBytes()).isZero();
  }

  private static void assertFree(TreeMap<Long, Long> live, long at, long size) {
    Map.Entry<Long, Long> before = live.floorEntry(at);
    assertThat(before == null || before.getKey() + before.getValue() <= at).isTrue();
    Long after = live.ceilingKey(at);
    assertThat(after == null || at + size <= after).isTrue();
  }

  private static boolean inSegment(Memory memory, long at, long size) {
    return memory.segments.entrySet().stream()
        .anyMatch(s -> s.getKey() <= at && at + size <= s.getKey() + s.getValue());
  }

  @Test
  void returnedMemoryIsUsedAgain() {
    Memory memory = new Memory(200 * MIB);
    CudaAllocator allocator = new CudaAllocator(memory, true);
    long first = allocator.allocate(100 * MIB);
    allocator.free(first);
    assertThat(allocator.allocate(100 * MIB)).isEqualTo(first);
    assertThat(memory.used).isEqualTo(100 * MIB);
    assertThat(allocator.peakBytes()).isEqualTo(100 * MIB);
  }

  @Test
  void aFullDeviceGetsItsUnusedSegmentsBackFirst() {
    Memory memory = new Memory(200 * MIB);
    CudaAllocator allocator = new CudaAllocator(memory, true);
    allocator.free(allocator.allocate(100 * MIB));
    assertThat(allocator.allocate(150 * MIB)).isNotZero();
    assertThat(allocator.allocate(100 * MIB)).as("none left").isZero();
  }

  @Test
  void withoutCachingTheDriverSeesEveryRequest() {
    Memory memory = new Memory(200 * MIB);
    CudaAllocator allocator = new CudaAllocator(memory, false);
    long a = allocator.allocate(13);
    assertThat(memory.segments).containsEntry(a, 13L);
    allocator.free(a);
    assertThat(memory.segments).isEmpty();
    assertThat(allocator.usedBytes()).isZero();
    assertThat(allocator.reservedBytes()).isZero();
  }

  @Test
  void aSecondReleaseIsAnError() {
    CudaAllocator allocator = new CudaAllocator(new Memory(MIB * 64), true);
    long a = allocator.allocate(13);
    allocator.free(a);
    assertThatThrownBy(() -> allocator.free(a)).isInstanceOf(IllegalStateException.class);
  }
}
