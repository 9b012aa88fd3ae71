package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.backend.ConvGeometry;
import org.junit.jupiter.api.Test;

class DryRunTest {
  private static Tensor zeros(int... shape) {
    return Tensor.zeros(Shape.of(shape), DType.FLOAT32, Device.CPU);
  }

  @Test
  void tensorsOfAnySizeAreCountedAndTakeNoMemory() {
    long storages = MemoryUse.liveStorages();
    try (DryRun dry = DryRun.open();
        Scope _ = Scope.open()) {
      Tensor large = zeros(100_000, 100_000, 7);
      assertThat(dry.liveBytes()).isEqualTo(280_000_000_000L);
      try (Tensor view = large.reshape(7, 100_000, 100_000)) {
        assertThat(view.exclusive()).isFalse();
      }
      Backends.of(Device.CPU).elementwise().add(large, large, 1, large);
      large.set(3, 1);
      assertThat(large.at(3)).isZero();
      large.close();
      Tensor small = zeros(5);
      assertThat(small.floats()).containsOnly(0).hasSize(5);
      assertThat(dry.liveBytes()).isEqualTo(20);
      assertThat(dry.peakBytes()).isEqualTo(280_000_000_000L);
      dry.resetPeak();
      assertThat(dry.peakBytes()).isEqualTo(20);
      assertThatThrownBy(DryRun::open).hasMessageContaining("already open");
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
    assertThat(DryRun.isOpen()).isFalse();
  }

  /** Bytes that two convolutions and a linear map leave with their weights, both directions. */
  private static long kept(DryRun dry, int size) {
    long before = dry == null ? MemoryUse.liveBytes() : dry.liveBytes();
    var backend = Backends.of(Device.CPU);
    long after;
    try (Tensor w3 = zeros(64, 64, 3, 3);
        Tensor w4 = zeros(64, 64, 4, 4);
        Tensor depthwise = zeros(64, 1, 3, 3);
        Tensor few = zeros(2, 64, 3, 3);
        Tensor strided = zeros(32, 64, 2, 2);
        Tensor dense = zeros(24, 64);
        Tensor x = zeros(1, size, size, 64);
        Tensor doubled = zeros(1, 2 * size, 2 * size, 64);
        Tensor half = zeros(1, size / 2, size / 2, 32);
        Tensor two = zeros(1, size, size, 2);
        Tensor y = zeros(1, size, size, 24)) {
      var c = backend.convolution();
      // Some weights are packed for their second use.
      for (int use = 0; use < 2; use++) {
        c.conv2d(x, w3, null, new ConvGeometry(1, 1, 1), false, x);
        c.conv2dBackwardInput(x, w3, new ConvGeometry(1, 1, 1), x);
        c.convTranspose2d(x, w4, null, new ConvGeometry(2, 1, 1), doubled);
        c.convTranspose2dBackwardInput(doubled, w4, new ConvGeometry(2, 1, 1), x);
        c.conv2d(x, depthwise, null, new ConvGeometry(1, 1, 64), false, x);
        c.conv2dBackwardInput(x, depthwise, new ConvGeometry(1, 1, 64), x);
        c.conv2d(x, few, null, new ConvGeometry(1, 1, 1), false, two);
        c.conv2dBackwardInput(two, few, new ConvGeometry(1, 1, 1), x);
        c.conv2d(x, strided, null, new ConvGeometry(2, 0, 1), false, half);
        c.conv2dBackwardInput(half, strided, new ConvGeometry(2, 0, 1), x);
        backend.dense().linear(x, dense, null, y);
      }
      after = dry == null ? MemoryUse.liveBytes() : dry.liveBytes();
    }
    return after - before;
  }

  @Test
  void packedWeightsAreCountedAsTheKernelsKeepThem() {
    for (int size : new int[] {4, 20, 64}) {
      long real = kept(null, size);
      try (DryRun dry = DryRun.open()) {
        assertThat(kept(dry, size)).as("size " + size).isEqualTo(real);
        assertThat(dry.liveBytes()).isZero();
      }
    }
  }

  @Test
  void copiesBetweenDevicesAreCountedWhereTheyGo() {
    try (DryRun dry = DryRun.open();
        Scope _ = Scope.open()) {
      Tensor labels = Tensor.of(new int[12], 3, 4);
      long before = dry.liveBytes();
      Tensor onGpu = labels.to(Device.cuda(0));
      assertThat(onGpu.device()).isEqualTo(Device.cuda(0));
      assertThat(dry.liveBytes() - before).isEqualTo(48);
      assertThat(onGpu.to(Device.CPU).ints()).containsOnly(0);
    }
  }
}
