package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The launchers' choice of a virtual machine, seen with a "java" that prints its arguments. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(60)
class StartScriptTest {
  private static final Path SCRIPTS = Path.of("..", "scripts").toAbsolutePath();

  @TempDir Path folder;

  @BeforeEach
  void printArguments() throws IOException {
    Path java = Files.writeString(folder.resolve("java"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
  }

  private List<String> java(Map<String, String> environment, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.addAll(
        List.of(
            "sh",
            "-c",
            "java=$1/java jar=$1/changenet.jar caches=$1 options=$2/java.options program=tao\n"
                + ". \"$2/start-java.sh\"; shift 2; start \"$@\"",
            "changenet",
            folder.toString(),
            SCRIPTS.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    List.of("CHANGENET_JAVA_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")
        .forEach(builder.environment()::remove);
    builder.environment().putAll(environment);
    Process process = builder.start();
    List<String> lines = process.inputReader().lines().toList();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(lines.toString()).isZero();
    return lines;
  }

  @ParameterizedTest
  @CsvSource({
    "'', help",
    "--help, help",
    "train --help, help",
    "train -e spec.yaml -h, help",
    "--version, help",
    "config -e spec.yaml, spec",
    "get-spec --action train, spec",
    "split -e spec.yaml, spec",
    "completion, spec",
    "train --keys, spec",
    "visual_changenet, help",
    "visual_changenet config -e spec.yaml, spec",
    "model visual_changenet get-spec --action train, spec",
    "model visual_changenet train -e spec.yaml, tasks",
    "train -e spec.yaml, tasks",
    "train config, tasks",
    "inspect spec.yaml --profile, tasks",
    "trian, tasks",
  })
  void commandsThatComputeGetTheVectorModule(String arguments, String cache) throws Exception {
    List<String> line = java(Map.of(), arguments.isEmpty() ? new String[0] : arguments.split(" "));

    assertThat(line).contains("-XX:AOTCache=" + folder.resolve(cache + ".aot"));
    assertThat(line.contains("--add-modules=jdk.incubator.vector"))
        .isEqualTo(cache.equals("tasks"));
  }

  @Test
  void whatAnArgumentContainsIsNoOption() throws Exception {
    List<String> line = java(Map.of(), "train", "results_dir=/runs -h 5", "x= --keys ", "*");

    assertThat(line)
        .contains("--add-modules=jdk.incubator.vector")
        .endsWith("train", "results_dir=/runs -h 5", "x= --keys ", "*");
  }

  @ParameterizedTest
  @CsvSource({
    "'', true, true",
    "-XX:+UseLargePages -XX:+DisableExplicitGC, true, true",
    "-XX:+UseSerialGC, true, true",
    "-XX:+UseParallelGC, false, true",
    "-Xmx3g, true, false",
    "-XX:+UseG1GC -XX:MaxRAMPercentage=50, false, false",
  })
  void chosenCollectorsAndHeapsReplaceOurs(String options, boolean collector, boolean heap)
      throws Exception {
    for (String variable : List.of("CHANGENET_JAVA_OPTS", "JAVA_TOOL_OPTIONS")) {
      List<String> line = java(Map.of(variable, options), "train");

      assertThat(line.contains("-XX:MaxNewSize=32m")).isEqualTo(collector);
      assertThat(line.contains("-XX:MaxRAMPercentage=70")).isEqualTo(heap);
    }
    List<String> line = java(Map.of("CHANGENET_JAVA_OPTS", options), "config");
    assertThat(String.join(" ", line)).contains(options);
    // Java refuses two different ones.
    assertThat(line.stream().filter(o -> o.matches("-XX:[+]Use.*GC")).distinct()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({
    "'', '', '', C.UTF-8",
    "C, de_DE.UTF-8, '', C.UTF-8",
    "'', POSIX, de_DE.UTF-8, C.UTF-8",
    "'', '', C, C.UTF-8",
    "'', '', de_DE.ISO-8859-1, ''",
    "'', en_US.UTF-8, C, ''",
    "C.UTF-8, '', '', C.UTF-8",
  })
  void fileNamesAreUtf8WhereNoLocaleSaysOtherwise(
      String all, String type, String language, String expected) throws Exception {
    Files.writeString(folder.resolve("java"), "#!/bin/sh\nprintf '%s\\n' \"$LC_ALL\"\n");
    Map<String, String> environment = Map.of("LC_ALL", all, "LC_CTYPE", type, "LANG", language);

    assertThat(java(environment, "train")).containsExactly(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "always [madvise] never, '', true",
    "[always] madvise never, '', true",
    "always madvise [never], '', false",
    ", '', false",
    "[always] madvise never, -XX:+UseG1GC, true",
    "[always] madvise never, -XX:-UseTransparentHugePages, false",
    "[always] madvise never, -XX:+UseLargePages, false",
  })
  void tensorsLieInHugePagesWhereLinuxGivesThem(String setting, String options, boolean huge)
      throws Exception {
    Path file = folder.resolve("enabled");
    if (setting != null) {
      Files.writeString(file, setting + "\n");
    }
    Map<String, String> environment =
        Map.of("huge_pages", file.toString(), "JAVA_TOOL_OPTIONS", options);
    String option = "-XX:+UseTransparentHugePages";

    assertThat(java(environment, "train").contains(option)).isEqualTo(huge);
    assertThat(java(environment, "config")).doesNotContain(option);
  }
}
