package dev.changenet.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The example of docs/inspect.md. */
class HooksExampleTest {
  private static Map<String, Float> look() {
    int size = 32;
    // example
    Map<String, Float> largest = new LinkedHashMap<>();
    try (ChangeNet net =
        new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 16, 2))) {
      net.initialize(1234);
      net.train(true);
      net.random().set(1234, 0); // seed and step: drop path draws the same numbers every time
      net.find("decoder.diff_c1")
          .registerForwardHook(
              (module, output) -> {
                largest.put(module.path(), max(output.data()));
                output.registerHook(gradient -> largest.put("gradient there", max(gradient)));
              });
      try (Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        Variable a = image(size, 0.2f);
        Variable b = image(size, -0.3f);
        var loss =
            new SegmentationLoss(SegmentationLoss.Kind.CE, false, List.of(1., 1., 1., 1., 1.));
        loss.compute(net.forward(a, b), new int[size * size]).total().backward();
      }
      for (Parameter p : net.find("decoder.change_probability.conv2d").parameters()) {
        largest.put("gradient of " + p.name(), max(p.grad()));
      }
    }
    // end
    return largest;
  }

  private static float max(Tensor t) {
    float max = 0;
    for (float v : t.toFloatArray()) {
      max = Math.max(max, Math.abs(v));
    }
    return max;
  }

  private static Variable image(int size, float value) {
    float[] pixels = new float[size * size * 3];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = value * (i % 7);
    }
    return new Variable(Tensor.of(pixels, 1, size, size, 3));
  }

  @Test
  void showsActivationsAndGradientsAndIsReproducible() {
    Map<String, Float> first = look();
    assertThat(first).hasSize(4).allSatisfy((name, value) -> assertThat(value).isPositive());
    assertThat(look()).isEqualTo(first);
  }

  @Test
  void isTheCodeOfThePage() throws IOException {
    Path source =
        Path.of("src/test/java/dev/changenet/inspect/HooksExampleTest.java").toAbsolutePath();
    String code = Files.readString(source);
    String example =
        code.substring(code.indexOf("// example\n") + 11, code.indexOf("\n    // end\n"))
            .stripIndent();
    String page = Files.readString(Path.of("../docs/inspect.md"));
    assertThat(page).contains(example.strip());
  }
}
