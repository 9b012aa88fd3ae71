package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Saving and loading fit into a heap that has no room for a second copy of the tensors. Property
 * {@code changenet.large.mib} gives another size than the small usual one.
 */
class LargeCheckpointTest {
  private static final int MIB = Integer.getInteger("changenet.large.mib", 320);

  @TempDir Path folder;

  private String run(String what, Path file) throws IOException, InterruptedException {
    Path output = folder.resolve(what + ".txt");
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "--add-modules",
                    "jdk.incubator.vector",
                    "-XX:+UseSerialGC",
                    "-XX:MaxNewSize=32m",
                    "-Xmx" + (MIB + MIB / 10 + 48) + "m",
                    "-cp",
                    System.getProperty("java.class.path"),
                    LargeCheckpoint.class.getName(),
                    what,
                    file.toString(),
                    Integer.toString(MIB)))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(300, TimeUnit.SECONDS)).as("finished in time").isTrue();
    String text = Files.readString(output);
    assertThat(process.exitValue()).as(text).isZero();
    return text.lines().toList().getLast();
  }

  @Test
  void noSecondCopyIsHeldWhileSavingOrLoading() throws Exception {
    Path file = folder.resolve("large.pth");
    String saved = run("save", file);
    String loaded = run("load", file);
    assertThat(Files.size(file)).isBetween((long) MIB << 20, (MIB + 1L) << 20);
    for (String line : List.of(saved, loaded)) {
      long peak = Long.parseLong(line.replaceAll(".*peak RSS (\\d+) MiB.*", "$1"));
      assertThat(peak).as(line).isLessThan(MIB + MIB / 10 + 200);
    }
    if (System.getProperty("changenet.large.mib") != null) {
      Files.writeString(Path.of("target", "large-checkpoint.txt"), saved + "\n" + loaded + "\n");
    }
  }
}
