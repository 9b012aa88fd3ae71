package dev.changenet.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.backbone.VitVariant;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Adam;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.GoldenFormula;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What training of small ViT-Adapter networks draws, keeps, freezes and refuses. */
class VitTrainingTest {
  private static VitVariant variant(VitVariant.Core core) {
    boolean dino = core == VitVariant.Core.NV_DINO_V2;
    return new VitVariant(core, 48, 4, 4, dino ? 40 : 192, dino ? 0.5 : 0, 8, 6, 8, !dino);
  }

  private static ChangeNet network(VitVariant.Core core, boolean checkpoint) {
    ChangeNet.Config config =
        new ChangeNet.Config(
            "small",
            0.3,
            16,
            2,
            List.of(4, 8, 16, 32),
            List.of(0, 1, 2, 3),
            false,
            64,
            true,
            checkpoint);
    ChangeNet net = new ChangeNet(Device.CPU, config, variant(core));
    net.initialize(3);
    // Fresh layer scales would hide the transformer from the loss.
    GoldenCase.fill(net, "");
    return net;
  }

  private static Variable image(String seed) {
    float[] nchw = GoldenFormula.image(seed, "x1", 4, 64, 64);
    return new Variable(Tensor.of(GoldenCase.toNhwc(nchw, 4, 3, 64 * 64), 4, 64, 64, 3));
  }

  /** Loss and gradients of step {@code step}, the parameters' by name. */
  private static Map<String, float[]> step(ChangeNet net, long step) {
    Map<String, float[]> result = new LinkedHashMap<>();
    result.put("loss", new float[] {backward(net, step)});
    for (Parameter p : net.parameters()) {
      if (p.grad() != null) {
        result.put(p.name(), p.grad().toFloatArray());
      }
      p.zeroGrad();
    }
    return result;
  }

  private static void update(ChangeNet net, Optimizer optimizer) {
    backward(net, 5);
    optimizer.step();
    optimizer.zeroGrad();
  }

  /** Leaves gradients in the parameters and returns the loss. */
  private static float backward(ChangeNet net, long step) {
    net.train(true);
    net.random().set(7, step);
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      int[] labels = GoldenFormula.label("l", 4, 64, 64, 2, 0);
      List<Double> weights = List.of(0.5, 0.5, 0.5, 0.8, 1.0);
      SegmentationLoss criterion = new SegmentationLoss(SegmentationLoss.Kind.CE, true, weights);
      Variable loss = criterion.compute(net.forward(image("a"), image("b")), labels).total();
      loss.backward();
      return (float) loss.data().item();
    }
  }

  @ParameterizedTest
  @EnumSource(VitVariant.Core.class)
  void blocksComputedTwiceGiveTheSameGradientsBitByBit(VitVariant.Core core) {
    long before = MemoryUse.liveStorages();
    try (ChangeNet kept = network(core, false);
        ChangeNet twice = network(core, true)) {
      Map<String, float[]> expected = step(kept, 5);
      Map<String, float[]> actual = step(twice, 5);
      assertThat(actual.keySet()).isEqualTo(expected.keySet());
      expected.forEach((name, g) -> assertThat(actual.get(name)).as(name).containsExactly(g));
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(before);
  }

  /** Packed copies of weights and the like must not outlive an optimizer step. */
  @ParameterizedTest
  @EnumSource(VitVariant.Core.class)
  void aTrainedNetworkComputesWhatAFreshOneWithItsWeightsDoes(VitVariant.Core core) {
    try (ChangeNet trained = network(core, false);
        ChangeNet fresh = network(core, false);
        Optimizer optimizer = Adam.adamW(trained.parameters(), 1e-3, 0.9, 0.999, 0.01)) {
      update(trained, optimizer);
      Map<String, Tensor> state = trained.stateDict();
      fresh.stateDict().forEach((k, v) -> ChangeNet.write(v, floats(state.get(k))));
      Map<String, float[]> expected = step(fresh, 6);
      Map<String, float[]> actual = step(trained, 6);
      expected.forEach((name, g) -> assertThat(actual.get(name)).as(name).containsExactly(g));
    }
  }

  private static float[] floats(Tensor t) {
    float[] values = new float[(int) t.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) t.at(i);
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource(VitVariant.Core.class)
  void drawsDependOnTheStepAlone(VitVariant.Core core) {
    try (ChangeNet net = network(core, false)) {
      float[] first = step(net, 5).get("loss");
      float[] other = step(net, 6).get("loss");
      assertThat(other).isNotEqualTo(first);
    }
    try (ChangeNet net = network(core, false)) {
      // Batch norm uses batch statistics, so running ones play no part.
      float[] resumed = step(net, 6).get("loss");
      try (ChangeNet again = network(core, false)) {
        step(again, 5);
        assertThat(step(again, 6).get("loss")).isEqualTo(resumed);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(VitVariant.Core.class)
  void frozenTransformerGetsNoGradientsButPassesThemOn(VitVariant.Core core) {
    try (ChangeNet net = network(core, false)) {
      net.backbone().freezePretrained();
      Map<String, float[]> gradients = step(net, 5);
      List<String> unexpected = new ArrayList<>();
      for (Parameter p : net.parameters()) {
        if (gradients.containsKey(p.name()) == isTransformer(p.name())) {
          unexpected.add(p.name());
        }
      }
      assertThat(unexpected).isEmpty();
      assertThat(gradients).containsKey("backbone.interactions.0.injector.ls.gamma");
      if (core == VitVariant.Core.NV_DINO_V2) {
        assertThat(gradients).containsKey("backbone.cls_token");
      } else {
        // Neither positions nor blocks draw anything now.
        assertThat(step(net, 6).get("loss")).isEqualTo(gradients.get("loss"));
      }
    }
  }

  private static boolean isTransformer(String name) {
    return name.startsWith("backbone.blocks.")
        || name.startsWith("backbone.patch_embed.")
        || name.startsWith("backbone.norm.")
        || name.equals("backbone.pos_embed")
        || name.startsWith("backbone.radio.");
  }

  @Test
  void imageSidesMustBeMultiplesOf32() {
    try (ChangeNet net = network(VitVariant.Core.C_RADIO_V2, false);
        Scope _ = Scope.open()) {
      Tensor image = Tensor.zeros(Shape.of(1, 64, 80, 3), DType.FLOAT32, Device.CPU);
      assertThatThrownBy(() -> net.backbone().features(new Variable(image)))
          .hasMessage(
              "image of 64 x 80 pixels: the ViT and C-RADIO backbones need sides that are"
                  + " multiples of 32");
    }
  }

  @ParameterizedTest
  @EnumSource(VitVariant.Core.class)
  void imagesNeedNotBeSquare(VitVariant.Core core) {
    try (ChangeNet net = network(core, false);
        Scope _ = Scope.open()) {
      net.eval();
      Tensor image = Tensor.full(Shape.of(1, 64, 96, 3), DType.FLOAT32, Device.CPU, 0.25);
      List<Variable> maps = net.backbone().features(new Variable(image));
      assertThat(maps)
          .extracting(m -> m.shape().toString())
          .containsExactly("[1, 16, 24, 48]", "[1, 8, 12, 48]", "[1, 4, 6, 48]", "[1, 2, 3, 48]");
    }
  }
}
