package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.config.Task;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.CudaStub;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Whole trainings in float16, with the kernels of the GPU on a driver without one. */
@Tag("cuda-stub")
@ExtendWith(OneThread.class)
class MixedPrecisionTest {
  @TempDir Path folder;

  @BeforeAll
  static void build() {
    CudaStub.build();
  }

  private CapturingReporter train(Path results, String... more) throws IOException {
    Path data = folder.resolve("data");
    String[] all = new String[more.length + 2];
    all[0] = "train.optim.optim=adamw";
    all[1] = "train.optim.lr=0.0005";
    System.arraycopy(more, 0, all, 2, more.length);
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(TrainFixture.spec(Task.TRAIN, data, results, all), reporter, new Interruption());
    return reporter;
  }

  private static List<String> leftOut(CapturingReporter reporter) {
    return reporter.lines.stream().filter(l -> l.contains("no update")).toList();
  }

  @Test
  void trainsWithALossScaleThatAResumeTakesUp() throws IOException {
    TrainFixture.data(folder.resolve("data"), 4);
    Path whole = folder.resolve("whole");
    CapturingReporter reporter = train(whole, "train.precision=16-mixed");
    assertThat(reporter.lines).anyMatch(l -> l.startsWith("Computing on GPU 0"));
    // Outputs of two pixels square have gradients beyond float16 at first.
    List<String> leftOut = leftOut(reporter);
    assertThat(leftOut)
        .first()
        .isEqualTo("Step 1: gradients beyond float16, no update; the loss scale is now 32768");
    WeightsFile end = TrainFixture.latest(whole);
    assertThat(end.number("MixedPrecision", "scale"))
        .isEqualTo(65536 * Math.pow(0.5, leftOut.size()))
        .isGreaterThan(1);
    assertThat(end.integer("global_step")).isEqualTo(4);
    Path parts = folder.resolve("parts");
    CapturingReporter resumed =
        train(
            parts,
            "train.precision=16-mixed",
            "train.resume_training_checkpoint_path=" + whole.resolve("model_epoch_000.pth"));
    WeightsFile again = TrainFixture.latest(parts);
    assertThat(again.map("MixedPrecision")).isEqualTo(end.map("MixedPrecision"));
    assertThat(TrainFixture.bits(again)).isEqualTo(TrainFixture.bits(end));
    assertThat(leftOut).endsWith(leftOut(resumed).toArray(String[]::new));
  }

  @Test
  void theShareOfAPixelSurvivesInTheGradient() {
    int side = 500;
    double scale = 65536;
    SegmentationLoss loss = new SegmentationLoss(SegmentationLoss.Kind.CE, false, List.of());
    Device gpu = Device.cuda(0);
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Tensor zeros = Tensor.full(Shape.of(1, side, side, 2), DType.FLOAT16, gpu, 0);
      Variable logits = new Variable(zeros, true);
      Variable total = loss.compute(List.of(logits), new int[side * side]).total();
      total.backward(scale);
      assertThat(total.data().dtype()).isEqualTo(DType.FLOAT32);
      assertThat(logits.grad().dtype()).isEqualTo(DType.FLOAT16);
      // Before it is scaled, 2e-6: of such a number float16 keeps five bits.
      double expected = 0.5 * scale / (side * side);
      float[] gradient = logits.grad().toFloatArray();
      assertThat(gradient[0]).isCloseTo((float) -expected, within((float) expected * 0x1p-11f));
      assertThat(gradient[1]).isCloseTo((float) expected, within((float) expected * 0x1p-11f));
      logits.zeroGrad();
    }
  }
}
