package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StorageTest {
  /** A length no other test uses, so that the pool holds only this class's arrays. */
  private static final int LENGTH = 12_347;

  private static final class Cached implements AutoCloseable {
    boolean closed;

    @Override
    public void close() {
      closed = true;
    }
  }

  @BeforeEach
  void emptyPool() {
    HeapStorage.trimPool();
  }

  @Test
  void aSecondReleaseIsAnError() {
    Storage s = HeapStorage.allocate(DType.FLOAT32, 8);
    s.release();
    assertThatThrownBy(s::release)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("storage released twice");
  }

  @Test
  void aReleasedStorageCannotBeRetainedOrRead() {
    HeapStorage s = HeapStorage.allocate(DType.FLOAT32, 8);
    s.release();
    assertThatThrownBy(s::retain)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("storage used after its release");
    assertThatThrownBy(s::retain).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(s::array)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("tensor used after its release");
  }

  @Test
  void memoryIsFreedWithTheLastReference() {
    HeapStorage s = HeapStorage.allocate(DType.FLOAT32, 8);
    s.retain();
    s.release();
    assertThat(s.array()).isNotNull();
    s.release();
    assertThatThrownBy(s::array).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aReleasedArrayIsUsedAgainForTheSameTypeAndLength() {
    HeapStorage first = HeapStorage.allocate(DType.FLOAT32, LENGTH);
    Object array = first.array();
    first.release();
    HeapStorage other = HeapStorage.allocate(DType.FLOAT32, LENGTH + 1);
    HeapStorage integers = HeapStorage.allocate(DType.INT32, LENGTH);
    HeapStorage again = HeapStorage.allocate(DType.FLOAT32, LENGTH);
    assertThat(other.array()).isNotSameAs(array);
    assertThat(integers.array()).isInstanceOf(int[].class);
    assertThat(again.array()).isSameAs(array);
    other.release();
    integers.release();
    again.release();
  }

  @Test
  void garbageIsCollectedWhenMuchHasGathered() throws InterruptedException {
    byte[][] garbage = new byte[300][1 << 20];
    long full = used();
    garbage = null;
    assertThat(garbage).isNull();
    // Collections may not follow each other closely.
    for (int i = 0; i < 200 && used() > full - (200 << 20); i++) {
      HeapStorage.limitGarbage();
      Thread.sleep(50);
    }
    assertThat(used()).isLessThan(full - (200 << 20));
  }

  @Test
  void littleGarbageAndWhatIsInUseIsLeftAlone() throws InterruptedException {
    HeapStorage.limitGarbage();
    Thread.sleep(100);
    byte[][] inUse = new byte[300][1 << 20];
    HeapStorage large = HeapStorage.allocate(DType.FLOAT32, 40 << 20);
    for (int i = 0; i < 40; i++) {
      HeapStorage.limitGarbage();
      Thread.sleep(50);
    }
    long before = explicitCollections();
    for (int i = 0; i < 100; i++) {
      HeapStorage.limitGarbage();
    }
    assertThat(explicitCollections()).isEqualTo(before);
    assertThat(inUse.length).isEqualTo(300);
    large.release();
    HeapStorage.trimPool();
  }

  /** Collections of the old generation; those of the young one come by themselves. */
  private static long explicitCollections() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .filter(b -> b.getName().contains("Old") || b.getName().contains("MarkSweep"))
        .mapToLong(b -> b.getCollectionCount())
        .sum();
  }

  private static long used() {
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  @Test
  void twoLiveStoragesNeverShareAPooledArray() {
    HeapStorage.allocate(DType.FLOAT32, LENGTH).release();
    HeapStorage a = HeapStorage.allocate(DType.FLOAT32, LENGTH);
    HeapStorage b = HeapStorage.allocate(DType.FLOAT32, LENGTH);
    assertThat(a.array()).isNotSameAs(b.array());
    a.release();
    b.release();
  }

  @Test
  void aWrappedArrayStaysTheCallersAfterClose() {
    float[] mine = new float[LENGTH];
    Tensor.of(mine, LENGTH).close();
    HeapStorage other = HeapStorage.allocate(DType.FLOAT32, LENGTH);
    assertThat(other.array()).isNotSameAs(mine);
    other.release();
  }

  @Test
  void trimmingForgetsPooledArrays() {
    HeapStorage first = HeapStorage.allocate(DType.FLOAT32, LENGTH);
    Object array = first.array();
    first.release();
    HeapStorage.trimPool();
    HeapStorage second = HeapStorage.allocate(DType.FLOAT32, LENGTH);
    assertThat(second.array()).isNotSameAs(array);
    second.release();
  }

  @Test
  void tooLongAnArrayIsRefused() {
    assertThatThrownBy(() -> HeapStorage.allocate(DType.FLOAT32, 1L << 31))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2147483648");
  }

  @Test
  void derivedValuesAreComputedOnceWhileTheContentStays() {
    Storage s = HeapStorage.allocate(DType.FLOAT32, 8);
    Cached first = s.derived("packed", Cached::new);
    assertThat(s.<Cached>derived("packed", Cached::new)).isSameAs(first);
    assertThat(first.closed).isFalse();
    s.release();
  }

  @Test
  void changedContentDropsTheDerivedValue() {
    Storage s = HeapStorage.allocate(DType.FLOAT32, 8);
    Cached first = s.derived("packed", Cached::new);
    int version = s.version();
    s.changed();
    assertThat(s.version()).isNotEqualTo(version);
    assertThat(s.<Cached>derived("packed", Cached::new)).isNotSameAs(first);
    assertThat(first.closed).isTrue();
    s.release();
  }

  @Test
  void anotherKeyReplacesTheDerivedValue() {
    Storage s = HeapStorage.allocate(DType.FLOAT32, 8);
    Cached first = s.derived("packed", Cached::new);
    Cached second = s.derived("transposed", Cached::new);
    assertThat(first.closed).isTrue();
    assertThat(second.closed).isFalse();
    s.release();
  }

  @Test
  void derivedValuesAreClosedWithTheStorage() {
    Storage s = HeapStorage.allocate(DType.FLOAT32, 8);
    Cached value = s.derived("packed", Cached::new);
    s.release();
    assertThat(value.closed).isTrue();
  }

  @Test
  void liveAndPeakBytesAreCounted() {
    long bytes = MemoryUse.liveBytes();
    long storages = MemoryUse.liveStorages();
    MemoryUse.resetPeak();
    Storage a = HeapStorage.allocate(DType.FLOAT64, 100);
    Storage b = HeapStorage.allocate(DType.FLOAT32, 100);
    assertThat(MemoryUse.liveBytes()).isEqualTo(bytes + 1200);
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages + 2);
    a.release();
    b.release();
    assertThat(MemoryUse.liveBytes()).isEqualTo(bytes);
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
    assertThat(MemoryUse.peakBytes()).isEqualTo(bytes + 1200);
    MemoryUse.resetPeak();
    assertThat(MemoryUse.peakBytes()).isEqualTo(bytes);
  }
}
