package dev.changenet.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.inspect.FlopCount;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class GpuFloorTest {
  /** With given rates nothing needs a GPU. */
  @Test
  void countsTheKernelsOfAStep() {
    String[] lines = printed("fan_tiny_8_p4_hybrid:2:64:train:tf32");
    assertThat(lines[0]).contains("\"tflops\": 100, \"gbs\": 1000");
    double train = number(lines[0], "tflop");
    double gb = number(lines[0], "gb");
    assertThat(number(lines[0], "floor_ms"))
        .as("at least the larger of both, at most their sum, in ms")
        .isGreaterThanOrEqualTo(0.99 * Math.max(10 * train, gb))
        .isLessThanOrEqualTo(1.01 * (10 * train + gb));
    double infer = number(printed("fan_tiny_8_p4_hybrid:2:64:infer:tf32")[0], "tflop");
    // The composed convolution and what nobody reads are left out.
    double defined = 2 * FlopCount.total(NetworkCases.config("fan_tiny_8_p4_hybrid"), 64) / 1e12;
    assertThat(infer).isBetween(0.6 * defined, 1.01 * defined);
    assertThat(train).isBetween(2.5 * infer, 3.5 * infer);
  }

  private static String[] printed(String step) {
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      GpuFloor.main(new String[] {"tflops=100", "gbs=1000", step});
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8).split("\n");
  }

  private static double number(String json, String key) {
    String behind = json.substring(json.indexOf('"' + key + "\": ") + key.length() + 4);
    return Double.parseDouble(behind.split("[,}]")[0]);
  }
}
