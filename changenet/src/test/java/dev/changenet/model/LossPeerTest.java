package dev.changenet.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.model.SegmentationLoss.Kind;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Losses, their gradients and the clipping of gradients beside PyTorch's. */
class LossPeerTest {
  private static final String PYTHON = System.getProperty("changenet.python", "/usr/bin/python3");
  private static final int[] SHAPE = {3, 7, 5, 3};
  private static final List<Double> WEIGHTS = List.of(0.5, 1.0, 1.5);

  @TempDir Path folder;

  private String python(String... arguments) throws Exception {
    String[] command = new String[arguments.length + 1];
    command[0] = PYTHON;
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Path output = folder.resolve("output.txt");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("finished in time").isTrue();
    return "exit " + process.exitValue() + "\n" + Files.readString(output);
  }

  private Path write(String name, ByteBuffer content) throws IOException {
    return Files.write(folder.resolve(name), content.array());
  }

  @Test
  void lossesAndGradientsArePyTorchs() throws Exception {
    assumeTrue(Files.isExecutable(Path.of(PYTHON)), "no " + PYTHON + " to run PyTorch with");
    assumeTrue(
        python("-c", "import torch").startsWith("exit 0"),
        "PyTorch is not installed for " + PYTHON);
    Random random = new Random(9);
    int rows = SHAPE[0] * SHAPE[1] * SHAPE[2];
    float[] logits = new float[rows * SHAPE[3]];
    int[] labels = new int[rows];
    ByteBuffer logitBytes = ByteBuffer.allocate(logits.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer labelBytes = ByteBuffer.allocate(rows * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian() * 3;
      logitBytes.putFloat(logits[i]);
    }
    for (int i = 0; i < rows; i++) {
      labels[i] = random.nextInt(5) == 0 ? 255 : random.nextInt(3);
      labelBytes.putInt(labels[i]);
    }
    Path script = folder.resolve("losses.py");
    try (InputStream in = getClass().getResourceAsStream("/model/losses.py")) {
      Files.copy(in, script);
    }
    List<String> lines =
        python(
                script.toString(),
                write("logits", logitBytes).toString(),
                write("labels", labelBytes).toString(),
                "3",
                "7",
                "5",
                "3")
            .lines()
            .toList();
    assertThat(lines.getFirst()).as(String.join("\n", lines)).isEqualTo("exit 0");
    List<SegmentationLoss> losses =
        List.of(
            loss(Kind.CE, WEIGHTS, 2),
            loss(Kind.FOCAL, List.of(), 2),
            loss(Kind.FOCAL, WEIGHTS, 0.5),
            loss(Kind.DICE, List.of(), 2),
            loss(Kind.CE_DICE, WEIGHTS, 2),
            loss(Kind.FOCAL_DICE, WEIGHTS, 2));
    for (int i = 0; i < losses.size(); i++) {
      compare(losses.get(i), logits, labels, numbers(lines.get(i + 1)));
    }
    compareClipping(logits, numbers(lines.getLast()));
  }

  private static SegmentationLoss loss(Kind kind, List<Double> classWeights, double gamma) {
    return new SegmentationLoss(kind, false, List.of(), classWeights, gamma);
  }

  private static double[] numbers(String line) {
    return Arrays.stream(line.split(" ")).mapToDouble(Double::parseDouble).toArray();
  }

  private static void compare(SegmentationLoss loss, float[] z, int[] labels, double[] expected) {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable logits = new Variable(Tensor.of(z.clone(), SHAPE), true);
      Variable total = loss.compute(List.of(logits), labels).total();
      assertThat(total.data().item()).as(loss.toString()).isCloseTo(expected[0], within(2e-6));
      total.backward();
      float[] grad = logits.grad().toFloatArray();
      for (int i = 0; i < grad.length; i++) {
        assertThat((double) grad[i]).as(loss + " " + i).isCloseTo(expected[i + 1], within(1e-7));
      }
      logits.zeroGrad();
    }
  }

  private static void compareClipping(float[] values, double[] expected) {
    try (Tensor grad = Tensor.of(values.clone(), values.length).detached();
        Tensor norm = Tensor.of(new float[1], 1).detached()) {
      Backends.of(Device.CPU).optimize().clip(List.of(grad), 0.75, 1, norm);
      assertThat(norm.item()).isCloseTo(expected[0], within(1e-6 * expected[0]));
      for (int i = 0; i < values.length; i++) {
        assertThat(grad.at(i)).isCloseTo(expected[i + 1], within(1e-7));
      }
    }
  }
}
