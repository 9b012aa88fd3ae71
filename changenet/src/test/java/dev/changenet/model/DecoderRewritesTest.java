package dev.changenet.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.decoder.ChangeDecoder;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The decode head computes the same with its rewrites as in plain order, which hooks bring back.
 */
class DecoderRewritesTest {
  private static final int E = 32;
  private static final double LIMIT = 2e-5;

  private static List<Variable> maps(int h, int w, boolean equalLast, long seed) {
    List<Variable> maps = new ArrayList<>();
    Random random = new Random(seed);
    for (int k = 0; k < 4; k++) {
      int factor = equalLast && k == 3 ? 1 : 1 << (equalLast ? 2 - k : 3 - k);
      float[] values = new float[h * factor * w * factor * E];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextFloat() - 0.5f;
      }
      maps.add(new Variable(Tensor.of(values, 1, h * factor, w * factor, E), true));
    }
    return maps;
  }

  /** Outputs and gradients by name. */
  private static Map<String, float[]> results(
      boolean plain, boolean alignCorners, boolean equalLast, boolean train, int h, int w) {
    Map<String, float[]> out = new LinkedHashMap<>();
    int[] channels = {E, E, E, E};
    try (Scope _ = Scope.open();
        ChangeDecoder net =
            new ChangeDecoder(Device.CPU, channels, E, 2, equalLast, alignCorners)) {
      // With some seeds a value lies so near 0 that rounding decides what ReLU lets through.
      net.initialize(4);
      net.train(train);
      AtomicInteger seen = new AtomicInteger();
      if (plain) {
        net.find("linear_fuse").registerForwardHook((m, v) -> seen.incrementAndGet());
        net.find("dense_1x.0.conv2.conv2d").registerForwardHook((m, v) -> seen.incrementAndGet());
      }
      List<Variable> a = maps(h, w, equalLast, 1);
      List<Variable> b = maps(h, w, equalLast, 2);
      try (Tape _ = Tape.open()) {
        List<Variable> outputs = net.decode(a, b);
        for (int i = 0; i < outputs.size(); i++) {
          out.put("output " + i, outputs.get(i).data().toFloatArray());
        }
        Variable last = outputs.getLast();
        int[] labels = new Random(9).ints(last.data().elements() / 2, 0, 2).toArray();
        new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0))
            .compute(outputs, labels)
            .total()
            .backward();
      }
      assertThat(seen.get()).as("hooks called").isEqualTo(plain ? 2 : 0);
      for (Parameter p : net.parameters()) {
        if (p.grad() != null) {
          out.put(p.name(), p.grad().toFloatArray());
        }
      }
      for (int k = 0; k < 4; k++) {
        out.put("input " + k, a.get(k).grad().toFloatArray());
      }
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource({
    "false, true, true, 5, 7",
    "true, true, true, 4, 3",
    "false, false, true, 2, 3",
    "false, true, false, 3, 5",
    "true, false, false, 2, 2"
  })
  void changeNothingButRounding(
      boolean alignCorners, boolean equalLast, boolean train, int h, int w) {
    Map<String, float[]> expected = results(true, alignCorners, equalLast, train, h, w);
    Map<String, float[]> actual = results(false, alignCorners, equalLast, train, h, w);
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    assertThat(actual).containsKeys("dense_1x.0.conv2.conv2d.weight", "linear_fuse.0.weight");
    expected.forEach(
        (name, want) -> {
          float[] got = actual.get(name);
          double error = 0;
          double size = 0;
          for (int i = 0; i < want.length; i++) {
            error += Math.pow((double) got[i] - want[i], 2);
            size += Math.pow(want[i], 2);
          }
          // A bias before a batch norm in training has no gradient but rounding noise.
          if (Math.sqrt(size / want.length) > 1e-5) {
            assertThat(Math.sqrt(error / size)).as(name).isLessThan(LIMIT);
          }
        });
  }
}
