package dev.changenet.backbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.Module;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling.Levels;
import dev.changenet.testing.Npy;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The deformable attention layer and its reference points against independent results. */
class DeformableAttentionTest {
  private static JsonNode attributes(String op, String name) throws IOException {
    for (JsonNode c :
        new ObjectMapper().readTree(ReferenceData.golden("ops/index.json").toFile())) {
      if (c.get("op").asText().equals(op) && c.get("case").asText().equals(name)) {
        return c.get("attributes");
      }
    }
    throw new AssertionError("no golden case " + op + "/" + name);
  }

  private static Levels levels(JsonNode shapes) {
    int[] heights = new int[shapes.size()];
    int[] widths = new int[shapes.size()];
    for (int l = 0; l < heights.length; l++) {
      heights[l] = shapes.get(l).get(0).asInt();
      widths[l] = shapes.get(l).get(1).asInt();
    }
    return new Levels(heights, widths);
  }

  private static float[] floats(Npy npy) {
    float[] f = new float[npy.values().length];
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) npy.values()[i];
    }
    return f;
  }

  private static Variable leaf(Path folder, String name) {
    Npy npy = Npy.read(folder.resolve(name + ".npy"));
    return new Variable(Tensor.of(floats(npy), npy.shape()), true);
  }

  private static void compare(Tensor ours, Path folder, String name) {
    double[] expected = Npy.read(folder.resolve(name + ".npy")).values();
    double largest = 0;
    for (double e : expected) {
      largest = Math.max(largest, Math.abs(e));
    }
    assertThat(ours.elements()).isEqualTo(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(ours.at(i)).as("%s[%d]", name, i).isCloseTo(expected[i], within(1e-5 * largest));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"one_level", "three_levels"})
  void layerAndAllItsGradientsMatch(String name) throws IOException {
    JsonNode attributes = attributes("ms_deform_attn", name);
    Path folder = ReferenceData.golden("ops/ms_deform_attn/" + name);
    Levels levels = levels(attributes.get("spatial_shapes"));
    int width = attributes.get("d_model").asInt();
    try (Scope _ = Scope.open();
        DeformableAttention layer =
            new DeformableAttention(
                Device.CPU, width, levels.count(), attributes.get("n_heads").asInt())) {
      for (Parameter p : layer.parameters()) {
        Module.write(p.data(), floats(Npy.read(folder.resolve("p." + p.name() + ".npy"))));
      }
      Variable query = leaf(folder, "query");
      Variable input = leaf(folder, "input");
      Npy points = Npy.read(folder.resolve("reference_points.npy"));
      Variable reference = new Variable(Tensor.of(floats(points), points.shape()[1], 2));
      Npy gradOut = Npy.read(folder.resolve("grad_out.npy"));
      try (Tape _ = Tape.open()) {
        Variable out = layer.call(query, reference, input, levels);
        compare(out.data(), folder, "out");
        // The sum of out times grad_out has grad_out for its gradient.
        int n = gradOut.values().length;
        Variable weights = new Variable(Tensor.of(floats(gradOut), 1, n));
        Functional.linear(Functional.reshape(out, 1, n), weights, null).backward();
      }
      compare(query.grad(), folder, "grad_query");
      compare(input.grad(), folder, "grad_input");
      for (Parameter p : layer.parameters()) {
        compare(p.grad(), folder, "grad_p." + p.name());
      }
      query.zeroGrad();
      input.zeroGrad();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"64x64", "96x128"})
  void referencePointsMatch(String name) {
    Path folder = ReferenceData.golden("ops/adapter_reference_points/" + name);
    int cross = name.indexOf('x');
    int height = Integer.parseInt(name.substring(0, cross));
    int width = Integer.parseInt(name.substring(cross + 1));
    AdapterGrid grid = new AdapterGrid(height / 16, width / 16);
    try (Scope _ = Scope.open()) {
      Variable injector = AdapterGrid.centres(grid.patchLevel(), Device.CPU);
      Variable extractor = AdapterGrid.centres(grid.prior(), Device.CPU);
      compare(injector.data(), folder, "injector");
      compare(extractor.data(), folder, "extractor");
    }
  }

  /** The directions that the documentation lists for sixteen heads. */
  @Test
  void offsetsStartInAllDirections() {
    double[][] directions = {
      {1, 0},
      {1, .4142136},
      {1, 1},
      {.4142136, 1},
      {0, 1},
      {-.4142136, 1},
      {-1, 1},
      {-1, .4142136},
      {-1, 0},
      {-1, -.4142136},
      {-1, -1},
      {-.4142136, -1},
      {0, -1},
      {.4142136, -1},
      {1, -1},
      {1, -.4142136}
    };
    try (Scope _ = Scope.open();
        DeformableAttention layer = new DeformableAttention(Device.CPU, 32, 3, 16)) {
      layer.initialize(1);
      Tensor bias = layer.stateDict().get("sampling_offsets.bias");
      for (int k = 0; k < 16; k++) {
        for (int l = 0; l < 3; l++) {
          for (int p = 0; p < 4; p++) {
            for (int xy = 0; xy < 2; xy++) {
              assertThat(bias.at(((k * 3 + l) * 4 + p) * 2 + xy))
                  .isCloseTo((p + 1) * directions[k][xy], within(1e-6));
            }
          }
        }
      }
      for (String zero : List.of("sampling_offsets.weight", "attention_weights.weight")) {
        Tensor t = layer.stateDict().get(zero);
        for (int i = 0; i < t.elements(); i++) {
          assertThat(t.at(i)).isZero();
        }
      }
    }
  }
}
