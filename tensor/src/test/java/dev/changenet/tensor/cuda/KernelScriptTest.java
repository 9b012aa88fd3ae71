package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Kernels compiled from other sources never get into a jar: they would be called wrongly. */
@DisabledOnOs(OS.WINDOWS)
class KernelScriptTest {
  private static final Path SCRIPT =
      Path.of(System.getProperty("basedir", ""))
          .toAbsolutePath()
          .getParent()
          .resolve("scripts/build-kernels.sh");

  @TempDir Path bin;

  private void clean() throws Exception {
    Process process =
        new ProcessBuilder("bash", SCRIPT.toString(), "--clean", bin.toString())
            .redirectErrorStream(true)
            .start();
    List<String> lines = process.inputReader().lines().toList();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(lines.toString()).isZero();
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(bin)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void kernelsOfOtherSourcesAreRemoved() throws Exception {
    for (String name : List.of("loss.ptx", "loss.sm_80.cubin", "loss.sm_90.cubin")) {
      Files.writeString(bin.resolve(name), "old");
    }
    Files.writeString(bin.resolve("kernels.sha256"), "0".repeat(64) + "  loss\n");
    clean();
    assertThat(files()).isEmpty();
  }

  @Test
  void thoseOfTheSourcesStay() throws Exception {
    Path cuda = SCRIPT.getParent().resolveSibling("tensor/src/main/resources/cuda");
    List<String> families = new ArrayList<>();
    try (Stream<Path> sources = Files.list(cuda)) {
      sources
          .map(f -> f.getFileName().toString())
          .filter(n -> n.endsWith(".cu"))
          .forEach(n -> families.add(n.replace(".cu", "")));
    }
    StringBuilder manifest = new StringBuilder();
    for (String family : families) {
      for (String suffix : List.of(".ptx", ".sm_80.cubin", ".sm_90.cubin")) {
        Files.writeString(bin.resolve(family + suffix), "made");
      }
      manifest.append(KernelBinariesTest.digest(family)).append("  ").append(family).append('\n');
    }
    Files.writeString(bin.resolve("kernels.sha256"), manifest);
    clean();
    assertThat(files()).hasSize(3 * families.size() + 1);
  }
}
