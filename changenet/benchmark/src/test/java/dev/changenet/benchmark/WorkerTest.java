package dev.changenet.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.cpu.Parallel;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerTest {
  private final int threads = Parallel.threads();

  @AfterEach
  void restoreThreads() {
    Parallel.setThreads(threads);
  }

  private static List<String> answers(String... lines) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Worker.serve(
        new BufferedReader(new StringReader(String.join("\n", lines))),
        new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sgemm m=5 n=6 k=7",
        "linear r=4 c=6 o=5",
        "linear r=4 c=6 o=5 dir=bwdx",
        "linear r=4 c=6 o=5 dir=bwdw",
        "conv2d c=4 o=6 h=8",
        "conv2d c=4 o=6 h=8 dir=bwdx",
        "conv2d c=4 o=6 h=8 dir=bwdw",
        "conv2d c=8 o=8 h=8 g=8",
        "deconv2d c=4 o=6 h=4 k=4 s=2 p=1",
        "layernorm r=4 c=16",
        "batchnorm r=4 c=16 dir=bwd",
        "softmax r=4 c=16",
        "gelu r=4 c=16",
        "attn b=1 heads=2 t=4 d=8",
        "resize h=4 c=8",
        "decoder px=32 dir=fwd"
      })
  void timesACase(String text) throws IOException {
    List<String> answers = answers("prep 1 " + text, "warm 1", "run 1", "check", "quit");
    assertThat(answers).hasSize(5);
    assertThat(answers.subList(0, 3)).containsExactly("@ready", "@ok", "@ok");
    String[] result = answers.get(3).split(" ");
    assertThat(result).hasSize(6).startsWith("@res");
    assertThat(Long.parseLong(result[1])).as("runs").isPositive();
    assertThat(Long.parseLong(result[2])).as("best").isPositive();
    assertThat(answers.get(4)).startsWith("@chk ");
  }

  @Test
  void answersWhatItCannotDoWithTheReason() throws IOException {
    assertThat(answers("prep 1 nonsense a=1", "prep 1 sgemm m", "turn around", "quit"))
        .hasSize(4)
        .satisfies(a -> assertThat(a.get(1)).isEqualTo("@skip unsupported"))
        .satisfies(a -> assertThat(a.get(2)).startsWith("@skip").contains("key=value"))
        .satisfies(a -> assertThat(a.get(3)).startsWith("@skip unknown command"));
  }
}
