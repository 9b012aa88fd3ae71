package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The compiled kernels in the jar are those of the sources beside them. That each kernel the
 * backend launches is among them is checked by the stub driver, when {@link CudaParityTest} asks
 * for it.
 */
class KernelBinariesTest {
  private static final Path MODULE = Path.of(System.getProperty("basedir", ""));
  private static final Path CUDA = MODULE.resolve("src/main/resources/cuda");
  private static final Path BIN = MODULE.resolve("target/kernels/cuda/bin");
  private static final Path SCRIPT =
      MODULE.toAbsolutePath().getParent().resolve("scripts/build-kernels.sh");
  private static final String REBUILD = "run scripts/build-kernels.sh";

  @BeforeAll
  static void skipWhereNothingIsCompiled() {
    assumeTrue(
        Files.exists(BIN.resolve("kernels.sha256")),
        "kernels not compiled: " + REBUILD + " (needs nvcc)");
  }

  private static List<Path> list(Path folder, String suffix) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(suffix)).sorted().toList();
    }
  }

  private static String name(Path cu) {
    return cu.getFileName().toString().replace(".cu", "");
  }

  static List<String> families() throws IOException {
    return list(CUDA, ".cu").stream().map(KernelBinariesTest::name).toList();
  }

  private static Map<String, String> manifest() throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    for (String line : Files.readAllLines(BIN.resolve("kernels.sha256"))) {
      hashes.put(line.substring(66), line.substring(0, 64));
    }
    return hashes;
  }

  /** As {@code digest} of the script does. */
  static String digest(String family) throws Exception {
    Matcher options = Pattern.compile("(?m)^options=\"(.*)\"$").matcher(Files.readString(SCRIPT));
    assertThat(options.find()).isTrue();
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes((options.group(1) + "\n").getBytes(StandardCharsets.UTF_8));
    for (Path header : list(CUDA, ".cuh")) {
      all.writeBytes(Files.readAllBytes(header));
    }
    all.writeBytes(Files.readAllBytes(CUDA.resolve(family + ".cu")));
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(all.toByteArray()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("families")
  void binariesAreThoseOfTheSources(String family) throws Exception {
    assertThat(manifest()).as(REBUILD).containsEntry(family, digest(family));
    for (String suffix : List.of(".ptx", ".sm_80.cubin", ".sm_90.cubin")) {
      assertThat(BIN.resolve(family + suffix)).as(REBUILD).isNotEmptyFile();
    }
    assertThat(Files.readString(BIN.resolve(family + ".ptx")))
        .containsPattern("(?m)^\\.version 8\\.0$")
        .containsPattern("(?m)^\\.target sm_80$");
  }

  @Test
  void nothingElseIsShipped() throws IOException {
    assertThat(manifest().keySet()).as(REBUILD).containsExactlyElementsOf(families());
    for (Path file : list(BIN, "")) {
      String family = file.getFileName().toString().replaceAll("\\..*", "");
      assertThat(family.equals("kernels") || families().contains(family)).as("%s", file).isTrue();
    }
  }

  /** Kernels of a family, as its PTX names them. */
  private static TreeSet<String> kernels(String family) throws IOException {
    TreeSet<String> names = new TreeSet<>();
    Matcher entry =
        Pattern.compile("\\.visible \\.entry (\\w+)\\(")
            .matcher(Files.readString(BIN.resolve(family + ".ptx")));
    while (entry.find()) {
      names.add(entry.group(1));
    }
    return names;
  }

  @Test
  void kernelNamesAreUnique() throws IOException {
    TreeMap<String, String> families = new TreeMap<>();
    for (String family : families()) {
      for (String kernel : kernels(family)) {
        assertThat(families.put(kernel, family)).as(kernel).isNull();
      }
    }
  }
}
