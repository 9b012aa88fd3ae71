package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.CudaStub;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Memory and copies through JCuda on the stub driver. */
@Tag("cuda-stub")
class CudaDeviceTest {
  @BeforeAll
  static void build() {
    CudaStub.build();
  }

  @Test
  void tellsNameAndMemoryOfTheDevice() {
    assertThat(CudaBackend.count()).isEqualTo(1);
    assertThat(CudaBackend.of(0).deviceName()).isEqualTo("Fake GPU 0");
    assertThat(CudaBackend.of(0).totalMemory()).isEqualTo(2L << 30);
  }

  @Test
  void copiesOfAllTypesComeBackUnchanged() {
    CudaBackend.of(0);
    long storages = MemoryUse.liveStorages();
    Random random = new Random(1);
    for (DType dtype : new DType[] {DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16, DType.INT32}) {
      for (int n : new int[] {1, 7, 1000}) {
        try (Tensor t = Tensor.empty(Shape.of(n), dtype, Device.CPU).detached()) {
          for (int i = 0; i < n; i++) {
            t.set(i, random.nextInt(200) - 100);
          }
          try (Tensor on = t.to(Device.cuda(0)).detached();
              Tensor back = on.to(Device.CPU).detached()) {
            for (int i = 0; i < n; i++) {
              assertThat(back.at(i)).isEqualTo(t.at(i));
            }
          }
        }
      }
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
  }

  /** More than the pinned buffer holds. */
  @Test
  void longArraysAreCopiedInParts() {
    int n = (40 << 20) / 4 + 3;
    try (Tensor t = Tensor.empty(Shape.of(n), DType.FLOAT32, Device.CPU).detached()) {
      for (int i = 0; i < n; i++) {
        t.floats()[i] = i;
      }
      try (Tensor on = t.to(Device.cuda(0)).detached();
          Tensor back = on.to(Device.CPU).detached()) {
        assertThat(back.floats()).startsWith(t.floats());
      }
    }
  }

  @Test
  void freshMemoryHoldsWhatIsNotANumber() {
    try (Tensor on = Tensor.empty(Shape.of(3), DType.FLOAT32, Device.cuda(0)).detached()) {
      assertThat(on.toFloatArray()).containsOnly(Float.NaN);
    }
  }

  @Test
  void outOfMemoryNamesDeviceAndSizes() {
    CudaBackend cuda = CudaBackend.of(0);
    assertThatThrownBy(() -> cuda.allocate(DType.FLOAT32, 3L << 28).bytes())
        .isInstanceOf(CudaException.class)
        .hasMessageMatching(
            "GPU 0 \\(Fake GPU 0\\) is out of memory: 3072 MiB asked for, \\d+ MiB of 2048 MiB in"
                + " use by this run; reduce .*");
  }

  @Test
  void aGpuThatDoesntExistIsNamed() {
    assertThatThrownBy(() -> CudaBackend.of(3))
        .isInstanceOf(CudaException.class)
        .hasMessage("GPU 3 doesn't exist: this machine has 1, numbered from 0.");
  }
}
