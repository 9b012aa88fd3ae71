package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.changenet.testing.CudaStub;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a user is told where the GPU can't be used: one line. Each case is a JVM of its own, since
 * the driver is loaded once.
 */
class CudaStartTest {
  @TempDir Path folder;

  /** Runs {@link CudaProbe}; returns what it printed. */
  private static String probe(String what, Path libraries, Map<String, String> environment)
      throws IOException, InterruptedException {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin/java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--add-modules=jdk.incubator.vector",
            "-XX:TieredStopAtLevel=1",
            "-Xmx256m",
            "-cp",
            classPath,
            CudaProbe.class.getName(),
            what);
    builder.environment().remove("LD_LIBRARY_PATH");
    builder.environment().put(CudaLibraries.PATH_VARIABLE, libraries.toString());
    builder.environment().putAll(environment);
    // Java's own warnings would be further lines for the user; of the incubator module there is
    // one.
    builder.redirectErrorStream(true);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isZero();
    return out.replaceFirst("WARNING: Using incubator modules: .*\\R", "").strip();
  }

  private static Path stub() {
    return CudaStub.build().libraries();
  }

  @Test
  void aWorkingDriverIsFound() throws Exception {
    assertThat(probe("count", stub(), Map.of("CHANGENET_FAKE_DEVICES", "3"))).isEqualTo("GPUs: 3");
  }

  @Test
  void noDriver() throws Exception {
    assumeFalse(
        List.of("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib").stream()
            .anyMatch(p -> Files.exists(Path.of(p, "libcuda.so.1"))),
        "this machine has an NVIDIA driver");
    assertThat(probe("count", folder, Map.of()))
        .contains("no NVIDIA driver")
        .contains("libcuda.so.1")
        .hasLineCount(1);
  }

  @Test
  void noGpu() throws Exception {
    for (Map<String, String> kind :
        List.of(Map.of("CHANGENET_FAKE_INIT", "100"), Map.of("CHANGENET_FAKE_DEVICES", "0"))) {
      assertThat(probe("count", stub(), kind))
          .startsWith("the NVIDIA driver sees no GPU")
          .hasLineCount(1);
    }
  }

  @Test
  void tooOldADriver() throws Exception {
    assertThat(probe("count", stub(), Map.of("CHANGENET_FAKE_VERSION", "11040")))
        .startsWith("the NVIDIA driver supports CUDA 11.4, 12.0 or later is needed")
        .hasLineCount(1);
  }

  @Test
  void aDriverThatFailsToStart() throws Exception {
    assertThat(probe("count", stub(), Map.of("CHANGENET_FAKE_INIT", "803")))
        .startsWith("cuInit failed: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH")
        .hasLineCount(1);
  }

  @Test
  void aFileThatIsNoLibrary() throws Exception {
    Files.writeString(folder.resolve("libcuda.so.1"), "not a library");
    assertThat(probe("count", folder, Map.of()))
        .isEqualTo(
            "cannot load "
                + folder.resolve("libcuda.so.1")
                + ": it is no shared library for x86-64.");
  }

  @Test
  void aLibraryThatCannotBeLinked() throws Exception {
    Files.copy(stub().resolve("libcuda.so.1"), folder.resolve("libcuda.so.1"));
    Files.copy(stub().resolve("libcublas.so.12"), folder.resolve("libcublas.so.12"));
    byte[] damaged = Arrays.copyOf(Files.readAllBytes(stub().resolve("libcublasLt.so.12")), 64);
    // No program headers, so that nothing is missing.
    damaged[56] = 0;
    damaged[57] = 0;
    Files.write(folder.resolve("libcublasLt.so.12"), damaged);
    assertThat(probe("cublas", folder, Map.of()).lines().toList())
        .last()
        .asString()
        .startsWith("cannot load " + folder.resolve("libcublasLt.so.12") + ": ")
        .containsOnlyOnce(folder.toString());
  }

  @Test
  void aLibraryOfWhichTheEndIsMissing() throws Exception {
    byte[] whole = Files.readAllBytes(stub().resolve("libcuda.so.1"));
    for (int length : new int[] {64, whole.length / 2}) {
      Files.write(folder.resolve("libcuda.so.1"), Arrays.copyOf(whole, length));
      String said = probe("count", folder, Map.of());
      assertThat(said)
          .startsWith("cannot load " + folder.resolve("libcuda.so.1") + ": it is incomplete, ")
          .contains(length + " bytes of at least ")
          .endsWith("; install it again.");
      int end = Integer.parseInt(said.replaceFirst(".*at least (\\d+);.*", "$1"));
      assertThat(end).isBetween(length + 1, whole.length);
    }
  }

  @Test
  void aFolderThatIsNone() throws Exception {
    assumeFalse(CudaLibraries.find("libcuda.so.1") != null, "this machine has a driver");
    assertThat(probe("count", folder.resolve("absent"), Map.of()))
        .endsWith("CHANGENET_CUDA_PATH names " + folder.resolve("absent") + ", where no folder is")
        .hasLineCount(1);
  }

  @Test
  void aGpuThatIsTooOld() throws Exception {
    assertThat(probe("count", stub(), Map.of("CHANGENET_FAKE_CAPABILITY", "75")))
        .startsWith("GPU 0 (")
        .endsWith(") has compute capability 7.5; 8.0 or later is needed")
        .hasLineCount(1);
  }

  /** JCuda's loader would take it for its own. */
  @Test
  void aForeignFileInTheTemporaryFolderIsLeftAlone() throws Exception {
    Path foreign = folder.resolve("libJCudaDriver-12.6.0-linux-x86_64.so");
    Files.writeString(foreign, "somebody else's");
    Map<String, String> environment =
        Map.of("JDK_JAVA_OPTIONS", "-Djava.io.tmpdir=" + folder, "CHANGENET_FAKE_DEVICES", "2");
    assertThat(probe("count", stub(), environment)).endsWith("GPUs: 2");
    assertThat(folder).isDirectoryContaining(foreign::equals);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(foreign);
    }
  }

  @Test
  void noTemporaryFolder() throws Exception {
    String absent = folder.resolve("absent").toString();
    String said = probe("count", stub(), Map.of("JDK_JAVA_OPTIONS", "-Djava.io.tmpdir=" + absent));
    assertThat(said.lines().filter(line -> line.startsWith("JCuda")))
        .singleElement()
        .asString()
        .contains("temporary folder " + absent, "NoSuchFileException", "-Djava.io.tmpdir=");
  }

  @Test
  void noCublas() throws Exception {
    Files.copy(stub().resolve("libcuda.so.1"), folder.resolve("libcuda.so.1"));
    assumeFalse(
        CudaLibraries.find("libcublas.so.12") != null
            || CudaLibraries.find("libcublas.so.13") != null,
        "this machine has cuBLAS");
    assertThat(probe("cublas", folder, Map.of()))
        .contains("libcublas.so.12", "libcublas.so.13", folder.toString())
        .contains(CudaLibraries.PATH_VARIABLE)
        .hasLineCount(1);
  }

  @Test
  void cublas12IsUsedAsItIs() throws Exception {
    assertThat(probe("cublas", stub(), Map.of()))
        .isEqualTo("cuBLAS 120000: [7.0, 10.0, 15.0, 22.0]");
  }

  @Test
  void cublas13IsUsedThroughARetargetedNative() throws Exception {
    assertThat(probe("cublas", CudaStub.build().libraries13(), Map.of()))
        .isEqualTo("cuBLAS 130000: [7.0, 10.0, 15.0, 22.0]");
  }

  @Test
  void ofTwoVersionsTheOneInTheFirstFolderIsTaken() throws Exception {
    String first13 = CudaStub.build().libraries13() + File.pathSeparator + stub();
    assertThat(probe("cublas", Path.of(first13), Map.of())).startsWith("cuBLAS 130000: ");
    String first12 = stub() + File.pathSeparator + CudaStub.build().libraries13();
    assertThat(probe("cublas", Path.of(first12), Map.of())).startsWith("cuBLAS 120000: ");
  }

  @Test
  void cudnnIsUsedWhereItIsFound() throws Exception {
    Path cudnn = CudaStub.build().cudnn();
    String both = cudnn + File.pathSeparator + stub();
    assertThat(probe("cudnn", Path.of(both), Map.of())).isEqualTo("Fake GPU 0");
    assumeFalse(CudaLibraries.find("libcudnn.so.9") != null, "this machine has cuDNN");
    assertThat(probe("cudnn", stub(), Map.of())).isEqualTo("Fake GPU 0, without cuDNN");
  }

  @Test
  void aCudnnOfWhichTheEndIsMissing() throws Exception {
    byte[] whole = Files.readAllBytes(CudaStub.build().cudnn().resolve("libcudnn.so.9"));
    Path cut = folder.resolve("libcudnn.so.9");
    Files.write(cut, Arrays.copyOf(whole, whole.length / 2));
    assertThat(probe("cudnn", Path.of(folder + File.pathSeparator + stub()), Map.of()))
        .startsWith("cannot load " + cut + ": it is incomplete, ")
        .hasLineCount(1);
  }

  /** JCuda's natives ask for cuDNN by version. */
  @Test
  void anotherLibraryUnderTheNameOfCudnn() throws Exception {
    Path wrong = folder.resolve("libcudnn.so.9");
    Files.copy(stub().resolve("libcublasLt.so.12"), wrong);
    assertThat(probe("cudnn", Path.of(folder + File.pathSeparator + stub()), Map.of()))
        .contains("libcudnn.so.9")
        .hasLineCount(1);
  }
}
