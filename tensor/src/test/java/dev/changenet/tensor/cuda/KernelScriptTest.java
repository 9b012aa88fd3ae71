package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kernels compiled from other sources never get into a jar: they would be called wrongly. The
 * script works in a checkout of two families, with compilers that copy.
 */
@DisabledOnOs(OS.WINDOWS)
class KernelScriptTest {
  private static final Path SCRIPT =
      Path.of(System.getProperty("basedir", ""))
          .toAbsolutePath()
          .getParent()
          .resolve("scripts/build-kernels.sh");

  @TempDir Path folder;
  private Path checkout;
  private Path cuda;
  private Path bin;
  private Path compilers;

  @BeforeEach
  void makeCheckout() throws IOException {
    // Dots and blanks, as versions and names have them.
    checkout = Files.createDirectories(folder.resolve("change net-0.1.0"));
    cuda = Files.createDirectories(checkout.resolve("tensor/src/main/resources/cuda"));
    bin = checkout.resolve("tensor/target/kernels/cuda/bin");
    Path scripts = Files.createDirectories(checkout.resolve("scripts"));
    Files.copy(SCRIPT, scripts.resolve("build-kernels.sh"));
    Files.writeString(cuda.resolve("common.cuh"), "// header\n");
    Files.writeString(cuda.resolve("one.cu"), "// one\n");
    Files.writeString(cuda.resolve("two.cu"), "// two\n");
    compilers = Files.createDirectories(folder.resolve("compilers"));
    compiler(
        "nvcc",
        """
        #!/bin/bash
        while [ $# -gt 0 ]; do
          case $1 in
            -o) out=$2; shift ;;
            *.cu) source=$1 ;;
          esac
          shift
        done
        grep -q BROKEN "$source" && exit 1
        { echo ".version 8.9"; cat "$source"; } >"$out"
        """);
    compiler(
        "ptxas",
        """
        #!/bin/bash
        while [ $# -gt 1 ]; do
          [ "$1" = -o ] && out=$2
          shift
        done
        cat "$1" >"$out"
        """);
  }

  private void compiler(String name, String text) throws IOException {
    Path file = Files.writeString(compilers.resolve(name), text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private int build(String... arguments) throws Exception {
    ProcessBuilder builder = new ProcessBuilder("bash", "scripts/build-kernels.sh");
    builder.command().addAll(List.of(arguments));
    builder.environment().merge("PATH", compilers.toString(), (path, ours) -> ours + ":" + path);
    Path log = folder.resolve("log");
    Process process =
        builder
            .directory(checkout.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(bin)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  private static final List<String> ALL =
      List.of(
          "kernels.sha256",
          "one.ptx",
          "one.sm_80.cubin",
          "one.sm_90.cubin",
          "two.ptx",
          "two.sm_80.cubin",
          "two.sm_90.cubin");

  @Test
  void kernelsOfTheSourcesStay() throws Exception {
    assertThat(build()).isZero();
    assertThat(files()).isEqualTo(ALL);
    assertThat(bin.resolve("one.ptx")).hasContent(".version 8.0\n// one\n");
    Files.writeString(bin.resolve("two.ptx"), "not made again");
    assertThat(build()).isZero();
    assertThat(build("--clean")).isZero();
    assertThat(files()).isEqualTo(ALL);
    assertThat(bin.resolve("two.ptx")).hasContent("not made again");
  }

  @Test
  void whatChangedIsCompiledAgain() throws Exception {
    assertThat(build()).isZero();
    Files.writeString(cuda.resolve("one.cu"), "// new\n");
    Files.writeString(bin.resolve("two.ptx"), "not made again");
    assertThat(build()).isZero();
    assertThat(bin.resolve("one.ptx")).hasContent(".version 8.0\n// new\n");
    assertThat(bin.resolve("two.ptx")).hasContent("not made again");
    Files.writeString(cuda.resolve("common.cuh"), "// other\n");
    assertThat(build()).isZero();
    assertThat(bin.resolve("two.ptx")).hasContent(".version 8.0\n// two\n");
  }

  @Test
  void whatABuildThatFailedHasMadeIsMadeAgain() throws Exception {
    assertThat(build()).isZero();
    Files.writeString(cuda.resolve("one.cu"), "// tried\n");
    Files.writeString(cuda.resolve("two.cu"), "// BROKEN\n");
    assertThat(build()).isNotZero();
    Files.writeString(cuda.resolve("one.cu"), "// one\n");
    Files.writeString(cuda.resolve("two.cu"), "// two\n");
    assertThat(build()).isZero();
    assertThat(bin.resolve("one.ptx")).hasContent(".version 8.0\n// one\n");
    assertThat(bin.resolve("two.ptx")).hasContent(".version 8.0\n// two\n");
  }

  @Test
  void kernelsOfOtherSourcesAreRemovedWithoutACompiler() throws Exception {
    assertThat(build()).isZero();
    Files.writeString(cuda.resolve("one.cu"), "// new\n");
    assertThat(build("--clean")).isZero();
    assertThat(files()).isEmpty();
  }

  @Test
  void aFamilyThatIsNoMoreIsRemoved() throws Exception {
    assertThat(build()).isZero();
    Files.delete(cuda.resolve("two.cu"));
    assertThat(build()).isZero();
    assertThat(files()).isEqualTo(ALL.subList(0, 4));
    assertThat(Files.readAllLines(bin.resolve("kernels.sha256"))).hasSize(1);
  }
}
