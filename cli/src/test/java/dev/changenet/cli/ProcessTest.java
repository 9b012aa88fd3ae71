package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.changenet.generate.GeneratorSettings;
import dev.changenet.generate.SceneGenerator;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What only a process of its own can show: signals, exit codes, what is loaded. */
class ProcessTest {
  private static final int PATIENCE_SECONDS = 120;
  private static final int SIGINT = 2;

  @TempDir Path folder;

  private Process start(List<String> jvmOptions, String... args) throws IOException {
    return builder(jvmOptions, args).redirectOutput(folder.resolve("out.txt").toFile()).start();
  }

  private ProcessBuilder builder(List<String> jvmOptions, String... args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx2g");
    command.addAll(jvmOptions);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(args));
    return new ProcessBuilder(command).redirectError(folder.resolve("err.txt").toFile());
  }

  /** Started in the background by a shell without job control, processes ignore Ctrl-C. */
  private static boolean ignoresCtrlC() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return false;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("SigIgn:")) {
        long signals = Long.parseUnsignedLong(line.substring(7).strip(), 16);
        return (signals >> SIGINT - 1 & 1) == 1;
      }
    }
    return false;
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void ctrlCSavesAndTheNextRunContinues() throws Exception {
    assumeThat(ignoresCtrlC()).as("this process ignores Ctrl-C, so do its children").isFalse();
    SceneGenerator.generate(folder.resolve("data"), new GeneratorSettings(3, 32, 8, 1, 0, 2));
    Path spec =
        Files.writeString(
            folder.resolve("spec.yaml"),
            """
            results_dir: FOLDER/results
            model:
              backbone: {type: fan_tiny_8_p4_hybrid}
              decode_head: {decoder_params: {embed_dim: 8}}
            dataset:
              segment: {root_dir: FOLDER/data, img_size: 32, batch_size: 1}
            train: {num_epochs: 100000}
            """
                .replace("FOLDER", folder.toString()));
    Path results = folder.resolve("results/train");
    Path latest = results.resolve("changenet_model_segment_latest.pth");
    Process process =
        start(List.of("--add-modules", "jdk.incubator.vector"), "train", "-e", spec.toString());
    try {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
      while (!Files.exists(latest) && process.isAlive() && System.nanoTime() < deadline) {
        Thread.sleep(20);
      }
      assertThat(latest).exists();
      new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
      assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }

    assertThat(process.exitValue()).isEqualTo(130);
    assertThat(Files.readString(folder.resolve("out.txt"))).endsWith("Execution status: FAIL\n");
    assertThat(Files.readString(folder.resolve("err.txt")))
        .contains("train was interrupted; run the same command again to continue");
    List<String> status = Files.readAllLines(results.resolve("status.json"));
    assertThat(status.getLast())
        .contains("\"status\": \"FAILURE\"")
        .contains("User/System interruption: Train was interrupted");
    assertThat(latest.toRealPath()).isRegularFile();

    Path stopped = latest.toRealPath();
    int epochs = Integer.parseInt(stopped.getFileName().toString().substring(12, 15)) + 1;
    CommandRun resumed =
        CommandRun.of("train", "-e", spec.toString(), "train.num_epochs=" + epochs);

    assertThat(resumed.code()).as(resumed.err()).isZero();
    assertThat(resumed.out())
        .contains("Resuming training from checkpoint: ")
        .contains(stopped.getFileName().toString());
  }

  @Test
  void helpLoadsNeitherParsersNorKernels() throws Exception {
    Process process =
        start(List.of("-Xlog:class+load:file=" + folder.resolve("classes.txt")), "train", "--help");

    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    assertThat(Files.readString(folder.resolve("classes.txt")))
        .contains("dev.changenet.cli.TrainCommand")
        .doesNotContain("com.fasterxml.jackson", "ch.qos.logback", "dev.changenet.tensor.cpu");
  }

  /** The launcher starts these commands without it, in half the time. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "config -e SPEC",
        "get-spec --action train",
        "split -e SPEC dataset.segment.root_dir=UNDIVIDED",
        "train --keys",
        "completion"
      })
  void specsAreHandledWithoutTheVectorModule(String command) throws Exception {
    Path undivided = folder.resolve("undivided");
    for (Path data : List.of(folder.resolve("data"), undivided)) {
      SceneGenerator.generate(data, new GeneratorSettings(3, 32, 4, 1, 1, 2));
    }
    Files.move(undivided.resolve("list"), folder.resolve("lists"));
    Path spec =
        Files.writeString(
            folder.resolve("spec.yaml"),
            "results_dir: FOLDER/results\ndataset: {segment: {root_dir: FOLDER/data}}\n"
                .replace("FOLDER", folder.toString()));
    String[] arguments = command.split(" ");
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] =
          arguments[i].replace("SPEC", spec.toString()).replace("UNDIVIDED", undivided.toString());
    }

    Process process = start(List.of("--enable-native-access=ALL-UNNAMED"), arguments);

    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(Files.readString(folder.resolve("err.txt"))).isEmpty();
    assertThat(process.exitValue()).isZero();
    assertThat(Files.readString(folder.resolve("out.txt"))).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"--help", "train --help", "model visual_changenet get-spec --action train"})
  void whatCannotBePrintedIsAFailure(String command) throws Exception {
    File full = new File("/dev/full");
    assumeThat(full).as("a device that is always full").exists();
    Process process = builder(List.of(), command.split(" ")).redirectOutput(full).start();
    assertThat(process.waitFor()).isEqualTo(ExitCode.FAILED);
    assertThat(Files.readAllLines(folder.resolve("err.txt")))
        .singleElement()
        .asString()
        .startsWith("ERROR: standard output can't be written: ");
  }

  @Test
  void aReaderThatGoesAwayIsNone() throws Exception {
    Process process = builder(List.of(), "--help").start();
    process.getInputStream().close();
    assertThat(process.waitFor()).isEqualTo(ExitCode.OK);
    assertThat(folder.resolve("err.txt")).isEmptyFile();
  }
}
