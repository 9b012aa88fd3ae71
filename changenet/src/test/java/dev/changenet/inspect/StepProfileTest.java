package dev.changenet.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.model.ChangeNet;
import dev.changenet.tensor.MemoryUse;
import org.junit.jupiter.api.Test;

class StepProfileTest {
  @Test
  void modulesAndOperationsAddUpToTheSameTime() {
    long storages = MemoryUse.liveStorages();
    Network network = Network.of(ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 3), 32);
    StepProfile p = StepProfile.run(network, 2, true, 3);
    Cost total = p.modules().total();
    double ops = p.ops().stream().mapToDouble(o -> o.cost().nanos()).sum();
    assertThat(total.nanos()).isPositive().isCloseTo(ops, within(1e-6 * ops));
    assertThat(total.forwardNanos()).isPositive();
    assertThat(total.backwardNanos()).isPositive();
    assertThat(p.updateNanos()).isPositive().isLessThan(p.stepNanos());
    assertThat(p.modules().find("loss").total().nanos()).isPositive();
    assertThat(p.modules().find("backbone.blocks.0.attn").total().backwardNanos()).isPositive();
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
  }
}
