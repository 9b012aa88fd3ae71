package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.config.Task;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.cpu.Parallel;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed without warning and started anew ends where an undisturbed one does. */
@ExtendWith(OneThread.class)
class KillTest {
  /** With all that keeps state or removes files. */
  private static final String[] SETTINGS = {
    "train.checkpoint_interval=1",
    "train.checkpoint_interval_unit=step",
    "train.best.enabled=true",
    "train.best.keep_last=1",
    "train.ema.enabled=true",
    "train.clip_grad_norm=1",
    "train.accumulate=2"
  };

  @TempDir Path folder;

  /** The process that is killed: trains, with a line of output per step. */
  static final class Target {
    private Target() {}

    public static void main(String[] arguments) throws IOException {
      Parallel.setThreads(1);
      Reporter steps =
          new Reporter() {
            @Override
            public void info(String line) {}

            @Override
            public void warn(String line) {}

            @Override
            public void progress(String label, long done, long total, double time, String more) {
              System.out.println(label + " " + done);
            }

            @Override
            public void progressDone(String line) {}
          };
      TaskRunner.run(
          TrainFixture.spec(Task.TRAIN, Path.of(arguments[0]), Path.of(arguments[1]), SETTINGS),
          steps,
          new Interruption());
    }
  }

  /**
   * Runs the target.
   *
   * @param lines lines of output after which it is killed
   * @param millis time from that line to the kill
   * @return true if it ended by itself
   */
  private boolean run(Path data, Path results, int lines, long millis) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:Tier3DelayOn=1000000",
            "-Xmx2g",
            "-cp",
            System.getProperty("java.class.path"),
            Target.class.getName(),
            data.toString(),
            results.toString()));
    Path errors = folder.resolve("errors.txt");
    Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      int seen = 0;
      while (seen < lines && out.readLine() != null) {
        seen++;
      }
      if (seen == lines) {
        Thread.sleep(millis);
        process.destroyForcibly();
      }
    }
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    boolean killed = process.exitValue() == 137;
    if (!killed) {
      assertThat(process.exitValue()).as(Files.readString(errors)).isZero();
    }
    return !killed;
  }

  @Test
  void killsAtAnyMomentLoseNothingThatWasSaved() throws Exception {
    Path data = TrainFixture.data(folder.resolve("data"), 4);
    Path whole = TrainFixture.train(data, folder.resolve("whole"), SETTINGS);
    Path killed = folder.resolve("killed");
    Path latest = killed.resolve(Checkpoint.LATEST);
    Random random = new Random(20);
    long saved = 0;
    int kills = 0;
    for (int i = 0; i < 3; i++) {
      // Within some tenths of a second after a step the next checkpoint is being written.
      kills += run(data, killed, 1 + i % 2, random.nextInt(250)) ? 0 : 1;
      if (Files.exists(latest, LinkOption.NOFOLLOW_LINKS)) {
        long now = WeightsFile.read(latest.toRealPath()).integer("global_step");
        assertThat(now).isGreaterThanOrEqualTo(saved);
        saved = now;
      } else {
        assertThat(saved).as("a checkpoint was there and is gone").isZero();
      }
    }
    assertThat(kills).isGreaterThanOrEqualTo(2);
    // What a killed process may leave behind goes with the next start.
    Files.write(killed.resolve("model_epoch_000_step_00001.pth.tmp-999999999"), new byte[9]);
    assertThat(run(data, killed, Integer.MAX_VALUE, 0)).isTrue();
    WeightsFile expected = TrainFixture.latest(whole);
    WeightsFile actual = TrainFixture.latest(killed);
    assertThat(TrainFixture.bits(actual)).isEqualTo(TrainFixture.bits(expected));
    assertThat(TrainFixture.bits(actual.tensors(Checkpoint.OWN, "ema", "state_dict")))
        .isEqualTo(TrainFixture.bits(expected.tensors(Checkpoint.OWN, "ema", "state_dict")));
    assertThat(actual.map(Checkpoint.OWN, "best")).isEqualTo(expected.map(Checkpoint.OWN, "best"));
    assertThat(TrainFixture.kpi(killed, "Eval metrics generated."))
        .isEqualTo(TrainFixture.kpi(whole, "Eval metrics generated."));
    assertThat(TrainFixture.kpi(killed, "Train metrics generated."))
        .isEqualTo(TrainFixture.kpi(whole, "Train metrics generated."));
    assertThat(TrainFixture.names(killed)).noneMatch(n -> n.contains(".tmp-"));
    assertThat(killed.resolve(BestModel.FILE))
        .hasSameBinaryContentAs(whole.resolve(BestModel.FILE));
    // The newest and, where that was saved and is another one, the best; what came before is gone.
    assertThat(TrainFixture.names(killed)).contains("model_epoch_001.pth");
    assertThat(TrainFixture.names(killed).stream().filter(n -> n.startsWith("model_epoch_")))
        .hasSizeLessThanOrEqualTo(3);
  }
}
