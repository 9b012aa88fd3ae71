package dev.changenet.autograd;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Shapes that don't fit are said before a kernel reads or leaves out what it shouldn't. */
class ShapeChecksTest {
  private final Scope scope = Scope.open();

  @AfterEach
  void close() {
    scope.close();
  }

  private static Variable of(int... shape) {
    return new Variable(Tensor.empty(Shape.of(shape), DType.FLOAT32, Device.CPU));
  }

  @Test
  void attentionNeedsKeysAndValuesOfOneShape() {
    Variable q = of(2, 4, 8);
    assertThatThrownBy(() -> Functional.attention(q, of(2, 6, 8), of(2, 9, 8), 2))
        .hasMessageContaining("attention");
    assertThatThrownBy(() -> Functional.attention(q, of(1, 6, 8), of(1, 6, 8), 2))
        .hasMessageContaining("k must be [2, tokens, 8]");
    assertThatThrownBy(() -> Functional.attention(q, of(2, 6, 4), of(2, 6, 4), 2))
        .hasMessageContaining("k must be [2, tokens, 8]");
    assertThatThrownBy(() -> Functional.attention(q, of(2, 6, 24), 2))
        .hasMessageContaining("kv must be [2, tokens, 16]");
    assertThatThrownBy(() -> Functional.attention(q, of(2, 6, 8), of(2, 6, 8), 3))
        .hasMessageContaining("8 channels are not divisible by 3 heads");
  }

  @Test
  void theChannelGateNeedsATemperatureForEachHead() {
    Variable q = of(2, 4, 8);
    assertThatThrownBy(() -> Functional.channelGate(q, q, q, of(4, 1, 1), 2))
        .hasMessageContaining("a temperature for each of 2 heads");
    assertThatThrownBy(() -> Functional.channelGate(q, q, q, of(3, 1, 1), 3))
        .hasMessageContaining("8 channels are not divisible by 3 heads");
    assertThatThrownBy(() -> Functional.channelGate(q, of(2, 5, 8), q, of(2, 1, 1), 2))
        .hasMessageContaining("channel_gate");
  }
}
