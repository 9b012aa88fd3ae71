package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
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

/** bin/changenet in a checkout whose Maven and Java only note that they were called. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(120)
class LauncherTest {
  private static final String BUILD = "build";
  private static final String CACHE = "cache";

  @TempDir Path folder;
  private Path checkout;
  private Path source;
  private Path target;

  @BeforeEach
  void makeACheckout() throws IOException {
    folder = folder.toRealPath();
    checkout = folder.resolve("check out");
    target = checkout.resolve("cli/target");
    Path scripts = Files.createDirectories(checkout.resolve("scripts"));
    for (String name : List.of("changenet.sh", "find-java.sh", "start-java.sh", "java.options")) {
      Files.copy(
          Path.of("..", "scripts", name),
          scripts.resolve(name),
          StandardCopyOption.COPY_ATTRIBUTES);
    }
    Files.createDirectory(checkout.resolve("bin"));
    Files.createSymbolicLink(
        checkout.resolve("bin/changenet"), Path.of("..", "scripts", "changenet.sh"));
    Files.writeString(checkout.resolve("pom.xml"), "<artifactId>changenet-parent</artifactId>");
    source = checkout.resolve("cli/src/main/java/Main.java");
    Files.createDirectories(source.getParent());
    Files.writeString(source, "class Main {}");

    Files.createDirectories(folder.resolve("jdk/bin"));
    Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
    program("jdk/bin/javac", "");
    program(
        "jdk/bin/java",
        """
        for word; do
          case $word in
            -XX:AOTCacheOutput=*)
              echo cache >>"$CALLS"
              [ -n "$NO_CACHES" ] || : >"${word#*=}"
              [ -z "$JAVA_TOOL_OPTIONS" ]
              exit
              ;;
          esac
        done
        echo "started: $*"
        """);
    program(
        "tools/mvn",
        """
        echo build >>"$CALLS"
        mkdir -p "$CHECKOUT/cli/target/lib"
        : >"$CHECKOUT/cli/target/changenet.jar"
        """);
  }

  private void program(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private List<String> calls() throws IOException {
    Path calls = folder.resolve("calls");
    return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
  }

  private List<String> start(String... environment) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of(checkout.resolve("bin/changenet").toString(), "train", "a b"));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    Map<String, String> variables = builder.environment();
    variables.put("JAVA_HOME", folder.resolve("jdk").toString());
    variables.put("PATH", folder.resolve("tools") + ":" + variables.get("PATH"));
    variables.put("CALLS", folder.resolve("calls").toString());
    variables.put("CHECKOUT", checkout.toString());
    for (String variable : environment) {
      variables.put(variable.replaceFirst("=.*", ""), variable.replaceFirst(".*?=", ""));
    }
    Process process = builder.start();
    List<String> lines = process.inputReader().lines().toList();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(lines.toString()).isZero();
    assertThat(lines.getLast())
        .startsWith("started: ")
        .contains("-XX:AOTCache=" + target.resolve("tasks.aot"))
        .endsWith("-jar " + target.resolve("changenet.jar") + " train a b");
    return lines;
  }

  @Test
  void buildsOnceAndAgainAfterASourceHasChanged() throws Exception {
    assertThat(start()).anyMatch(line -> line.startsWith("changenet: building, log in "));
    assertThat(calls()).containsExactly(BUILD, CACHE, CACHE, CACHE);

    assertThat(start()).hasSize(1);
    assertThat(calls()).hasSize(4);

    Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(5)));
    start();
    assertThat(calls()).endsWith(BUILD, CACHE, CACHE, CACHE).hasSize(8);
  }

  @Test
  void whatMavenBuiltGetsItsCaches() throws Exception {
    Files.createDirectories(target.resolve("lib"));
    Files.createFile(target.resolve("changenet.jar"));

    assertThat(start()).first().asString().contains("preparing quick starts");
    assertThat(calls()).containsExactly(CACHE, CACHE, CACHE);
    assertThat(start()).hasSize(1);
  }

  @Test
  void runsWhereNoCachesCanBeMade() throws Exception {
    start("NO_CACHES=1");
    assertThat(calls()).containsExactly(BUILD, CACHE, CACHE, CACHE);

    assertThat(start("NO_CACHES=1")).hasSize(1);
    assertThat(calls()).hasSize(4);
  }

  @Test
  void optionsOfOneStartAreNotPartOfTheCaches() throws Exception {
    start("JAVA_TOOL_OPTIONS=-Dx=y");
    assertThat(calls()).containsExactly(BUILD, CACHE, CACHE, CACHE);
    assertThat(target.resolve("spec.aot")).exists();
  }

  @Test
  void doesNotWaitForCaches() throws Exception {
    start();
    Files.delete(target.resolve("tasks.aot"));
    String self = Long.toString(ProcessHandle.current().pid());
    Path lock =
        Files.createSymbolicLink(checkout.resolve("target/launcher-build.lock"), Path.of(self));

    assertThat(start()).hasSize(1);

    assertThat(Files.readSymbolicLink(lock)).hasToString(self);
    assertThat(calls()).hasSize(4);
  }

  @Test
  void takesAwayTheLockOfADeadProcess() throws Exception {
    Path lock = Files.createDirectory(checkout.resolve("target")).resolve("launcher-build.lock");
    Files.createSymbolicLink(lock, Path.of("999999999"));

    start();

    assertThat(calls()).startsWith(BUILD);
    assertThat(lock.getParent().toFile().list()).noneMatch(name -> name.contains(".lock"));
  }
}
