package dev.changenet.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class GpuFloorTest {
  /** With given rates nothing needs a GPU. */
  @Test
  void countsTheKernelsOfATrainingStep() {
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      GpuFloor.main(
          new String[] {"tflops=100", "gbs=1000", "fan_tiny_8_p4_hybrid:2:64:train:tf32"});
    } finally {
      System.setOut(console);
    }
    String[] lines = printed.toString(StandardCharsets.UTF_8).split("\n");
    assertThat(lines[0]).contains("\"tflops\": 100, \"gbs\": 1000");
    double tflop = number(lines[0], "tflop");
    double gb = number(lines[0], "gb");
    double floor = number(lines[0], "floor_ms");
    assertThat(tflop).isPositive();
    assertThat(floor)
        .as("at least the larger of both, at most their sum, in ms")
        .isGreaterThanOrEqualTo(0.99 * Math.max(10 * tflop, gb))
        .isLessThanOrEqualTo(1.01 * (10 * tflop + gb));
    assertThat(lines).hasSizeGreaterThan(5);
  }

  private static double number(String json, String key) {
    String behind = json.substring(json.indexOf('"' + key + "\": ") + key.length() + 4);
    return Double.parseDouble(behind.split("[,}]")[0]);
  }
}
