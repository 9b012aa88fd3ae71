package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.model.ChangeNet;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.optim.Sgd;
import dev.changenet.tensor.Device;
import dev.changenet.train.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program of docs/inspect.md, started as the page says. */
class LookInsideTest {
  @TempDir Path folder;

  private Path checkpoint() {
    try (ChangeNet net =
            new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 2));
        Optimizer optimizer = new Sgd(net.parameters(), 0.1, 0.9, 0)) {
      net.initialize(3);
      return Checkpoint.save(
          folder, "model.pth", net, optimizer, new Checkpoint.Progress(0, 1, 0, 0, 0.1, 0));
    }
  }

  private static double value(List<String> lines, String start) {
    String line = lines.stream().filter(l -> l.startsWith(start)).findFirst().orElseThrow();
    return Double.parseDouble(line.substring(line.lastIndexOf(' ')));
  }

  @Test
  void compilesAndRunsAgainstTheClassPath() throws IOException, InterruptedException {
    Path out = folder.resolve("out.txt");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "@../scripts/java.options",
                "-Xmx1g",
                "-cp",
                System.getProperty("java.class.path"),
                "../examples/LookInside.java",
                checkpoint().toString())
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start();
    assertThat(process.waitFor(300, TimeUnit.SECONDS)).isTrue();
    List<String> lines = Files.readAllLines(out);
    assertThat(process.exitValue()).as(lines.toString()).isZero();
    assertThat(value(lines, "largest activation of [1, 16, 16, 8]")).isPositive();
    assertThat(value(lines, "largest gradient there")).isPositive();
    double gradient = value(lines, "gradient of decoder.change_probability.conv2d.weight");
    assertThat(gradient).isNotZero();
    assertThat(value(lines, "finite difference"))
        .isCloseTo(gradient, within(0.02 * Math.abs(gradient)));
  }
}
