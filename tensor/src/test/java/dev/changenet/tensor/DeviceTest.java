package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.backend.Backends;
import org.junit.jupiter.api.Test;

class DeviceTest {
  @Test
  void printsAsItIsWrittenInSpecs() {
    assertThat(Device.CPU).hasToString("cpu");
    assertThat(Device.REFERENCE).hasToString("reference");
    assertThat(new Device(Device.Kind.CUDA, 1)).hasToString("cuda:1");
  }

  @Test
  void eachHeapDeviceHasOneBackendOfItsName() {
    assertThat(Backends.of(Device.CPU)).isSameAs(Backends.of(Device.CPU));
    assertThat(Backends.of(Device.CPU).name()).isEqualTo("cpu");
    assertThat(Backends.of(Device.REFERENCE).name()).isEqualTo("reference");
  }

  @Test
  void knowsElementSizes() {
    assertThat(DType.FLOAT32.bytes()).isEqualTo(4);
    assertThat(DType.INT64.bytes()).isEqualTo(8);
  }
}
