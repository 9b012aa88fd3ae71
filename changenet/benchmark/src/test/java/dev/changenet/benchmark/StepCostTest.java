package dev.changenet.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.model.ChangeNet;
import dev.changenet.tensor.Device;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StepCostTest {
  /** Multiply-adds of one pair at 256 px, of which 64 px need about a sixteenth. */
  @ParameterizedTest
  @CsvSource({"fan_tiny_8_p4_hybrid, 139.5", "fan_small_12_p4_hybrid, 148.5"})
  void countsTheArithmeticOfThePublishedNetwork(String backbone, double gigaMacs) {
    try (ChangeNet net = new ChangeNet(Device.CPU, ChangeNet.Config.of(backbone, 256, 2))) {
      net.initialize(1);
      double flops = StepCost.forwardFlops(net, 64);
      // Attention grows with the square of the pixels, so the sixteenth is not exact.
      assertThat(flops).isCloseTo(2e9 * gigaMacs / 16, within(0.02 * 2e9 * gigaMacs / 16));
    }
  }
}
