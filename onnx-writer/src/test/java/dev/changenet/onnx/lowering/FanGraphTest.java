package dev.changenet.onnx.lowering;

import static dev.changenet.onnx.lowering.LoweringCases.batchNorm;
import static dev.changenet.onnx.lowering.LoweringCases.conv;
import static dev.changenet.onnx.lowering.LoweringCases.depthwise;
import static dev.changenet.onnx.lowering.LoweringCases.layerNorm;
import static dev.changenet.onnx.lowering.LoweringCases.linear;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.onnx.OnnxModel;
import dev.changenet.onnx.OnnxNode;
import dev.changenet.onnx.lowering.LoweringCase.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A network with the layers and depth of fan_tiny and its decoder, at small widths. */
class FanGraphTest {
  private static final int C = 8;
  private static final int E = 6;
  private static final int HEADS = 2;

  /** Nodes of the reference export at operator set 17 with a fixed batch. */
  private static final int REFERENCE_NODES = 2622;

  private static Variable in(String path, Supplier<Variable> part) {
    Trace.enter(path);
    Variable v = part.get();
    Trace.exit();
    return v;
  }

  private static Variable convNeXtBlock(Weights w, String n, Variable x) {
    Variable y = layerNorm(w, n + ".norm", depthwise(w, n + ".conv_dw", x, 7), 1e-6, true);
    y = Functional.gelu(linear(w, n + ".mlp.fc1", y, 2 * x.dim(3)));
    y = linear(w, n + ".mlp.fc2", y, x.dim(3));
    return Functional.residual(x, y, w.get(n + ".gamma", x.dim(3)), null);
  }

  private static Variable mlp(Weights w, String n, Variable x, int grid) {
    Variable u = linear(w, n + ".fc1", x, 2 * C);
    Variable z = Functional.tokensToMap(u, grid, grid);
    z = Functional.gelu(depthwise(w, n + ".dwconv.conv1", z, 3));
    z = depthwise(w, n + ".dwconv.conv2", batchNorm(w, n + ".dwconv.bn", z), 3);
    u = Functional.residual(u, Functional.mapToTokens(z), w.get(n + ".gamma", 2 * C), null);
    return linear(w, n + ".fc2", u, C);
  }

  private static Variable fanBlock(Weights w, String n, Variable x, int grid) {
    Variable y = layerNorm(w, n + ".norm1", x, 1e-6, false);
    y =
        Functional.attention(
            linear(w, n + ".attn.q", y, C), linear(w, n + ".attn.kv", y, 2 * C), HEADS);
    y = linear(w, n + ".attn.proj", y, C);
    x = Functional.residual(x, y, w.get(n + ".gamma1", C), null);
    Variable z = layerNorm(w, n + ".norm2", x, 1e-6, false);
    Variable v = layerNorm(w, n + ".mlp.norm_v", mlp(w, n + ".mlp.mlp_v", z, grid), 1e-5, false);
    Variable gate =
        Functional.channelGate(
            linear(w, n + ".mlp.q", z, C), z, v, w.get(n + ".mlp.temperature", HEADS, 1, 1), HEADS);
    return Functional.residual(x, gate, w.get(n + ".gamma2", C), null);
  }

  private static List<Variable> backbone(Weights w, Variable image) {
    int grid = image.dim(1) / 16;
    Variable x =
        in(
            "backbone.patch_embed.backbone.stem",
            () -> layerNorm(w, "stem.1", conv(w, "stem.0", image, 6, 4, 4, 0), 1e-6, false));
    for (int i = 0; i < 3; i++) {
      x = convNeXtBlock(w, "stages.0.blocks." + i, x);
    }
    Variable c1 = x;
    x = conv(w, "down.1", layerNorm(w, "down.0", x, 1e-6, true), 7, 2, 2, 0);
    for (int i = 0; i < 3; i++) {
      x = convNeXtBlock(w, "stages.1.blocks." + i, x);
    }
    Variable c2 = x;
    x = Functional.mapToTokens(conv(w, "proj", x, C, 2, 2, 0));
    Variable table = linear(w, "token_projection", w.get("fourier", 1, grid, grid, 4), C);
    x = Functional.addRepeated(x, Functional.mapToTokens(table));
    for (int i = 0; i < 8; i++) {
      String n = "blocks." + i;
      Variable before = x;
      x = in("backbone." + n, () -> fanBlock(w, n, before, grid));
    }
    Variable c3 = Functional.tokensToMap(x, grid, grid);
    for (int j = 0; j < 2; j++) {
      String n = "cls_attn_blocks." + j;
      Variable y = layerNorm(w, n + ".norm1", x, 1e-6, false);
      x = Functional.residual(x, y, w.get(n + ".gamma1", C), null);
      x = Functional.scale(layerNorm(w, n + ".norm2", x, 1e-6, false), 2);
      x = Functional.attachIdle(x, List.of(w.get(n + ".gamma2", C)));
    }
    return List.of(c1, c2, c3, Functional.tokensToMap(x, grid, grid));
  }

  private static Variable convReluNormConv(Weights w, String n, Variable x, int out) {
    Variable y =
        Functional.conv2dRelu(
            x, w.get(n + ".0.weight", out, x.dim(3), 3, 3), w.get(n + ".0.bias", out), 1, 1);
    return conv(w, n + ".3", batchNorm(w, n + ".2", y), out, 3, 1, 1);
  }

  private static Variable upsample(Weights w, String n, Variable x) {
    x =
        Functional.convTranspose2d(
            x, w.get(n + ".weight", E, E, 4, 4), w.get(n + ".bias", E), 2, 1);
    Variable y =
        Functional.conv2dRelu(x, w.get(n + ".c1.w", E, E, 3, 3), w.get(n + ".c1.b", E), 1, 1);
    return Functional.add(x, conv(w, n + ".c2", y, E, 3, 1, 1), 0.1f);
  }

  private static List<Variable> network(Weights w, List<Variable> images) {
    List<Variable> a = backbone(w, images.get(0));
    List<Variable> b = backbone(w, images.get(1));
    Variable[] d = new Variable[4];
    List<Variable> outputs = new ArrayList<>();
    for (int k = 3; k >= 0; k--) {
      String n = "decoder." + (k + 1);
      Variable pair =
          Functional.concat(
              3, linear(w, n + ".proj", a.get(k), E), linear(w, n + ".proj", b.get(k), E));
      Variable diff = Functional.relu(convReluNormConv(w, n + ".diff", pair, E));
      if (k == 3) {
        d[k] = diff;
      } else {
        Variable up = k == 2 ? d[3] : Functional.interpolateBilinear(d[k + 1], 2, false);
        d[k] = Functional.add(diff, up);
      }
      outputs.add(convReluNormConv(w, n + ".pred", d[k], 2));
    }
    Variable fused =
        Functional.concat(
            3,
            Functional.interpolateBilinear(d[3], 4, false),
            Functional.interpolateBilinear(d[2], 4, false),
            Functional.interpolateBilinear(d[1], 2, false),
            d[0]);
    fused = batchNorm(w, "linear_fuse.1", linear(w, "linear_fuse.0", fused, E));
    fused = upsample(w, "dense_1x", upsample(w, "dense_2x", fused));
    outputs.add(conv(w, "change_probability", fused, 2, 3, 1, 1));
    return outputs;
  }

  private static final LoweringCase NETWORK =
      new LoweringCase(
          "network", List.of(new int[] {64, 64, 3}, new int[] {64, 64, 3}), FanGraphTest::network);

  @ParameterizedTest
  @ValueSource(ints = {12, 13, 16, 17, 18, 20, 22, 24})
  void wholeNetworkComputesWhatTheEngineComputes(int opset) {
    OnnxModel model = NETWORK.verify(new LoweringOptions(opset, true, true, Map.of()), 1, 1, 3);
    assertThat(model.graph().nodes())
        .as("nodes by operator: %s", histogram(model))
        .hasSizeLessThan(opset >= 17 ? REFERENCE_NODES / 2 : REFERENCE_NODES);
  }

  @Test
  void tokenNormsAreSingleNodesAndBatchNormsAreFolded() {
    OnnxModel model =
        NETWORK.export(new Weights(), new LoweringOptions(17, true, true, Map.of()), 1);
    // Two images, eight blocks with three token norms each and two class blocks with two.
    assertThat(histogram(model).get("LayerNormalization")).isEqualTo(2 * (8 * 3 + 2 * 2));
    assertThat(histogram(model).get("Resize")).isEqualTo(5);
    assertThat(histogram(model)).doesNotContainKeys("BatchNormalization", "Shape", "Expand");
  }

  @Test
  void mapsAndTokensAreExchangedTwicePerBlockOnly() {
    OnnxModel model =
        NETWORK.export(new Weights(), new LoweringOptions(17, true, true, Map.of()), 1);
    // Per block: q, k, v, heads back; norm2 to a map, fc2's result to tokens. Per image: patches to
    // tokens, c3 and c4 to maps.
    assertThat(histogram(model).get("Transpose")).isEqualTo(2 * (8 * 6 + 3));
  }

  @Test
  void nodesAreNamedAfterTheirModules() {
    OnnxModel model =
        NETWORK.export(new Weights(), new LoweringOptions(17, true, true, Map.of()), 1);
    assertThat(model.graph().nodes())
        .extracting(OnnxNode::name)
        .contains(
            "backbone.patch_embed.backbone.stem/Conv",
            "backbone.patch_embed.backbone.stem/Conv_1",
            "backbone.blocks.0/Softmax");
  }

  private static Map<String, Integer> histogram(OnnxModel model) {
    Map<String, Integer> counts = new TreeMap<>();
    model.graph().nodes().forEach(n -> counts.merge(n.operator(), 1, Integer::sum));
    return counts;
  }
}
