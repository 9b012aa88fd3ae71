package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Op;
import dev.changenet.autograd.Variable;
import dev.changenet.autograd.function.CastFunction;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;
import dev.changenet.tensor.backend.Sampling.Levels;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** Networks of one or few operations; every exportable {@link Op} has at least one. */
public final class LoweringCases {
  private static final int[] MAP = {6, 5, 8};
  private static final int[] TOKENS = {12, 8};

  private LoweringCases() {}

  private static final Map<Op, List<LoweringCase>> CASES = new EnumMap<>(Op.class);

  /** One network of one input and one output. */
  private interface Network extends BiFunction<LoweringCase.Weights, Variable, Variable> {}

  private static void add(Op op, String name, int[] input, Network network) {
    LoweringCase c =
        new LoweringCase(name, List.of(input), (w, in) -> List.of(network.apply(w, in.get(0))));
    CASES.computeIfAbsent(op, k -> new ArrayList<>()).add(c);
  }

  public static Map<Op, List<LoweringCase>> byOp() {
    return CASES;
  }

  static Variable batchNorm(LoweringCase.Weights w, String name, Variable x) {
    int c = x.dim(-1);
    return Functional.batchNorm(
        x,
        w.get(name + ".weight", c),
        w.get(name + ".bias", c),
        w.statistic(name + ".running_mean", c),
        w.statistic(name + ".running_var", c),
        1e-5,
        0.1,
        false);
  }

  static Variable layerNorm(
      LoweringCase.Weights w, String name, Variable x, double eps, boolean unbiased) {
    int c = x.dim(-1);
    return Functional.layerNorm(
        x, w.get(name + ".weight", c), w.get(name + ".bias", c), eps, unbiased);
  }

  static Variable linear(LoweringCase.Weights w, String name, Variable x, int out) {
    return Functional.linear(
        x, w.get(name + ".weight", out, x.dim(-1)), w.get(name + ".bias", out));
  }

  static Variable conv(
      LoweringCase.Weights w, String name, Variable x, int out, int k, int s, int p) {
    return Functional.conv2d(
        x, w.get(name + ".weight", out, x.dim(-1), k, k), w.get(name + ".bias", out), s, p, 1);
  }

  static Variable depthwise(LoweringCase.Weights w, String name, Variable x, int k) {
    int c = x.dim(-1);
    return Functional.conv2d(
        x, w.get(name + ".weight", c, 1, k, k), w.get(name + ".bias", c), 1, k / 2, c);
  }

  private static Variable tokens(Variable map) {
    return Functional.mapToTokens(map);
  }

  /** A vector of 8 per sample, computed from the map's first two pixels. */
  private static Variable summary(LoweringCase.Weights w, Variable map) {
    Variable first = Functional.narrow(tokens(map), 1, 0, 2);
    return linear(w, "summary", Functional.reshape(first, map.dim(0), 16), 8);
  }

  /** Two heads and three points; queries are all pixels, the offsets reach beyond the border. */
  private static Variable oneLevel(LoweringCase.Weights w, Variable x) {
    Levels levels = new Levels(new int[] {6}, new int[] {5});
    Variable t = tokens(x);
    return Functional.deformableAttention(
        linear(w, "value", t, 4),
        levels,
        w.get("points", 30, 2),
        linear(w, "offsets", t, 12),
        Functional.softmax(linear(w, "weights", t, 6), 3),
        2,
        3);
  }

  private static Variable threeLevels(LoweringCase.Weights w, Variable t) {
    Levels levels = new Levels(new int[] {5, 3, 1}, new int[] {4, 2, 3});
    Variable q = Functional.narrow(t, 1, 3, 7);
    return Functional.deformableAttention(
        t,
        levels,
        w.get("points", 7, 2),
        linear(w, "offsets", q, 4 * 3 * 2 * 2),
        Functional.softmax(linear(w, "weights", q, 4 * 3 * 2), 6),
        4,
        2);
  }

  static {
    add(Op.LINEAR, "linear on tokens", TOKENS, (w, x) -> linear(w, "fc", x, 5));
    add(Op.LINEAR, "linear on a map", MAP, (w, x) -> linear(w, "fc", x, 5));
    add(Op.LINEAR, "linear on vectors", new int[] {7}, (w, x) -> linear(w, "fc", x, 5));
    add(
        Op.LINEAR,
        "linear without bias, 1x1 kernel weight",
        MAP,
        (w, x) -> Functional.linear(x, w.get("fc.weight", 3, 8, 1, 1), null));
    add(
        Op.LINEAR,
        "tokens widened and used as a map",
        TOKENS,
        (w, x) -> {
          Variable u = linear(w, "fc1", x, 16);
          Variable z = depthwise(w, "dw", Functional.tokensToMap(u, 3, 4), 3);
          Variable sum =
              Functional.residual(u, Functional.mapToTokens(z), w.get("gamma", 16), null);
          return linear(w, "fc2", sum, 8);
        });
    add(Op.CONV2D, "conv 3x3 padded", MAP, (w, x) -> conv(w, "conv", x, 4, 3, 1, 1));
    add(Op.CONV2D, "conv 2x2 stride 2", MAP, (w, x) -> conv(w, "conv", x, 4, 2, 2, 0));
    add(Op.CONV2D, "depthwise 7x7", MAP, (w, x) -> depthwise(w, "conv_dw", x, 7));
    add(
        Op.CONV2D,
        "conv without bias, ReLU",
        MAP,
        (w, x) -> Functional.conv2dRelu(x, w.get("c.weight", 4, 8, 3, 3), null, 1, 1));
    add(
        Op.CONV2D_PAIR,
        "two convs to few channels",
        MAP,
        (w, x) ->
            Functional.conv2dPair(
                x,
                w.get("a.weight", 32, 8, 3, 3),
                w.get("a.bias", 32),
                w.get("b.weight", 2, 32, 3, 3)));
    add(
        Op.CONV_TRANSPOSE2D,
        "transposed conv k4 s2 p1",
        MAP,
        (w, x) ->
            Functional.convTranspose2d(
                x, w.get("up.weight", 8, 5, 4, 4), w.get("up.bias", 5), 2, 1));
    add(
        Op.CONV_TRANSPOSE2D,
        "transposed conv k2 s2 without bias",
        MAP,
        (w, x) -> Functional.convTranspose2d(x, w.get("up.weight", 8, 5, 2, 2), null, 2, 0));
    for (boolean unbiased : new boolean[] {false, true}) {
      String form = unbiased ? " (C - 1)" : " (C)";
      add(
          Op.LAYER_NORM,
          "layer norm of tokens" + form,
          TOKENS,
          (w, x) -> layerNorm(w, "norm", x, 1e-5, unbiased));
      add(
          Op.LAYER_NORM,
          "layer norm of a map" + form,
          MAP,
          (w, x) -> layerNorm(w, "norm", x, 1e-6, unbiased));
    }
    add(Op.BATCH_NORM, "batch norm of a map", MAP, (w, x) -> batchNorm(w, "bn", x));
    add(Op.BATCH_NORM, "batch norm of tokens", TOKENS, (w, x) -> batchNorm(w, "bn", x));
    add(Op.BATCH_NORM, "batch norm of vectors", new int[] {9}, (w, x) -> batchNorm(w, "bn", x));
    add(
        Op.BATCH_NORM,
        "batch norm behind a conv",
        MAP,
        (w, x) -> batchNorm(w, "bn", conv(w, "conv", x, 4, 3, 1, 1)));
    add(
        Op.BATCH_NORM,
        "batch norm behind a conv without bias",
        MAP,
        (w, x) ->
            batchNorm(w, "bn", Functional.conv2d(x, w.get("c.weight", 4, 8, 3, 3), null, 1, 1, 1)));
    add(
        Op.BATCH_NORM,
        "batch norm behind a linear layer",
        TOKENS,
        (w, x) -> batchNorm(w, "bn", linear(w, "fc", x, 4)));
    add(
        Op.BATCH_NORM,
        "batch norm behind a linear layer on vectors",
        new int[] {7},
        (w, x) -> batchNorm(w, "bn", linear(w, "fc", x, 4)));
    add(
        Op.BATCH_NORM,
        "batch norm behind ReLU, in front of a padded conv",
        MAP,
        (w, x) -> conv(w, "conv", batchNorm(w, "bn", Functional.relu(x)), 4, 3, 1, 1));
    add(
        Op.BATCH_NORM,
        "batch norm behind a conv that is used twice",
        MAP,
        (w, x) -> {
          Variable c = conv(w, "conv", x, 4, 3, 1, 1);
          return Functional.add(c, batchNorm(w, "bn", c));
        });
    add(Op.ACTIVATION, "ReLU", MAP, (w, x) -> Functional.relu(x));
    add(Op.ACTIVATION, "GELU of a map", MAP, (w, x) -> Functional.gelu(x));
    add(Op.ACTIVATION, "GELU of tokens", TOKENS, (w, x) -> Functional.gelu(x));
    for (float alpha : new float[] {1f, -1f, 0.1f}) {
      add(
          Op.ADD,
          "a + " + alpha + " b",
          MAP,
          (w, x) -> Functional.add(x, Functional.relu(x), alpha));
    }
    add(
        Op.ADD,
        "map plus constant sample",
        MAP,
        (w, x) -> Functional.add(x, Functional.repeatBatch(w.get("table", 1, 6, 5, 8), x)));
    add(
        Op.ADD_REPEATED,
        "tokens plus a projected table",
        TOKENS,
        (w, x) -> {
          Variable table = linear(w, "token_projection", w.get("table", 1, 3, 4, 6), 8);
          return Functional.addRepeated(x, Functional.mapToTokens(table));
        });
    add(
        Op.ADD_REPEATED,
        "map seen as tokens plus a table",
        MAP,
        (w, x) -> {
          Variable sum = Functional.addRepeated(Functional.mapToTokens(x), w.get("pos", 30, 8));
          return Functional.tokensToMap(sum, 6, 5);
        });
    add(
        Op.ADD_REPEATED,
        "map plus a vector",
        MAP,
        (w, x) -> Functional.addRepeated(x, w.get("b", 8)));
    add(
        Op.ADD_REPEATED,
        "tokens plus a vector",
        TOKENS,
        (w, x) -> Functional.addRepeated(x, w.get("b", 8)));
    add(Op.SCALE, "scale", TOKENS, (w, x) -> Functional.scale(x, 2.5f));
    add(
        Op.RESIDUAL,
        "residual with gamma on a map",
        MAP,
        (w, x) -> Functional.residual(x, Functional.gelu(x), w.get("gamma", 8), null));
    add(
        Op.RESIDUAL,
        "residual with gamma on tokens",
        TOKENS,
        (w, x) -> Functional.residual(x, Functional.gelu(x), w.get("gamma", 8), null));
    add(
        Op.RESIDUAL,
        "residual without gamma",
        TOKENS,
        (w, x) -> Functional.residual(x, Functional.relu(x), null, null));
    add(
        Op.CONCAT,
        "channels of maps",
        MAP,
        (w, x) -> Functional.concat(3, x, linear(w, "fc", x, 3), Functional.relu(x)));
    add(
        Op.CONCAT,
        "rows and columns of maps",
        MAP,
        (w, x) ->
            Functional.concat(
                2,
                Functional.concat(1, x, Functional.relu(x)),
                Functional.repeatBatch(w.get("margin", 1, 12, 2, 8), x)));
    add(
        Op.CONCAT,
        "channels of tokens that are maps",
        MAP,
        (w, x) -> {
          Variable t = Functional.mapToTokens(x);
          return Functional.concat(2, t, Functional.mapToTokens(Functional.relu(x)));
        });
    for (int dim = 1; dim < 4; dim++) {
      int d = dim;
      add(Op.NARROW, "narrow a map along " + d, MAP, (w, x) -> Functional.narrow(x, d, 1, 3));
    }
    add(Op.NARROW, "narrow tokens", TOKENS, (w, x) -> Functional.narrow(x, 1, 1, 11));
    add(Op.NARROW, "narrow channels of tokens", TOKENS, (w, x) -> Functional.narrow(x, 2, 2, 4));
    add(
        Op.NARROW,
        "narrow a map known as tokens",
        TOKENS,
        (w, x) -> Functional.narrow(Functional.tokensToMap(x, 4, 3), 3, 2, 4));
    add(Op.MAP_TO_TOKENS, "map to tokens", MAP, (w, x) -> Functional.mapToTokens(x));
    add(Op.TOKENS_TO_MAP, "tokens to map", TOKENS, (w, x) -> Functional.tokensToMap(x, 3, 4));
    add(
        Op.TOKENS_TO_MAP,
        "map to tokens to a map of another size",
        MAP,
        (w, x) ->
            Functional.relu(
                Functional.tokensToMap(Functional.mapToTokens(Functional.relu(x)), 5, 6)));
    add(
        Op.REPEAT_BATCH,
        "class token in front of tokens",
        TOKENS,
        (w, x) -> {
          Variable cls = Functional.repeatBatch(w.get("cls_token", 1, 1, 8), x);
          return Functional.narrow(Functional.gelu(Functional.concat(1, cls, x)), 1, 0, 12);
        });
    add(
        Op.ATTENTION,
        "attention with separate projections",
        TOKENS,
        (w, x) ->
            Functional.attention(
                linear(w, "q", x, 8), linear(w, "k", x, 8), linear(w, "v", x, 8), 2));
    add(
        Op.ATTENTION,
        "attention with packed k and v",
        TOKENS,
        (w, x) ->
            linear(
                w,
                "proj",
                Functional.attention(linear(w, "q", x, 8), linear(w, "kv", x, 16), 4),
                8));
    add(
        Op.ATTENTION,
        "attention with packed k and v that something else uses",
        TOKENS,
        (w, x) -> {
          Variable kv = linear(w, "kv", x, 16);
          Variable out = Functional.attention(x, kv, 2);
          return Functional.add(out, Functional.narrow(kv, 2, 0, 8));
        });
    add(
        Op.CHANNEL_GATE,
        "channel gate",
        TOKENS,
        (w, x) ->
            Functional.channelGate(
                linear(w, "q", x, 8), x, Functional.gelu(x), w.get("temperature", 2, 1, 1), 2));
    for (boolean align : new boolean[] {false, true}) {
      String corners = align ? ", corners aligned" : "";
      add(
          Op.RESIZE,
          "bilinear by 2" + corners,
          MAP,
          (w, x) -> Functional.interpolateBilinear(x, 2, align));
      add(
          Op.RESIZE,
          "bilinear by 0.5" + corners,
          new int[] {6, 8, 3},
          (w, x) -> Functional.interpolateBilinear(x, 0.5, align));
      add(
          Op.RESIZE,
          "bilinear to a size" + corners,
          MAP,
          (w, x) -> Functional.interpolate(x, Mode.BILINEAR, 9, 7, align));
    }
    add(
        Op.RESIZE,
        "bilinear to one row",
        MAP,
        (w, x) -> Functional.interpolate(x, Mode.BILINEAR, 1, 7, false));
    add(
        Op.RESIZE,
        "same size",
        MAP,
        (w, x) -> Functional.relu(Functional.interpolateBilinear(x, 1, false)));
    add(
        Op.RESIZE,
        "nearest by 4",
        MAP,
        (w, x) -> Functional.interpolate(x, Mode.NEAREST, 24, 20, false));
    add(
        Op.RESIZE,
        "nearest to odd sizes",
        MAP,
        (w, x) -> Functional.interpolate(x, Mode.NEAREST, 4, 7, false));
    for (boolean align : new boolean[] {false, true}) {
      add(
          Op.RESIZE,
          "bicubic to a size" + (align ? ", corners aligned" : ""),
          MAP,
          (w, x) -> Functional.interpolate(x, Mode.BICUBIC, 9, 7, align));
    }
    add(Op.ACTIVATION, "silu", TOKENS, (w, x) -> Functional.silu(x));
    add(Op.SWIGLU, "swiglu of tokens", TOKENS, (w, x) -> Functional.swiglu(x));
    add(Op.SWIGLU, "swiglu of a map", MAP, (w, x) -> Functional.swiglu(x));
    add(
        Op.ADD_PER_SAMPLE,
        "one vector per sample of a map",
        MAP,
        (w, x) -> Functional.addPerSample(x, summary(w, x)));
    add(
        Op.ADD_PER_SAMPLE,
        "one vector per sample of tokens",
        MAP,
        (w, x) -> Functional.addPerSample(Functional.narrow(tokens(x), 1, 2, 4), summary(w, x)));
    add(
        Op.RESHAPE,
        "tokens in a row",
        TOKENS,
        (w, x) -> linear(w, "fc", Functional.reshape(x, x.dim(0), 96), 5));
    add(Op.SOFTMAX, "softmax of runs", TOKENS, (w, x) -> Functional.softmax(x, 4));
    add(Op.SOFTMAX, "softmax of whole rows", TOKENS, (w, x) -> Functional.softmax(x, 8));
    add(
        Op.SOFTMAX,
        "softmax of vectors in runs",
        new int[] {12},
        (w, x) -> Functional.softmax(x, 4));
    add(Op.MAX_POOL2D, "max pool 3x3", MAP, (w, x) -> Functional.maxPool2d(x, 3, 2, 1));
    add(Op.MAX_POOL2D, "max pool 2x2", MAP, (w, x) -> Functional.maxPool2d(x, 2, 2, 0));
    add(
        Op.ATTENTION,
        "attention packed in one projection",
        TOKENS,
        (w, x) -> Functional.selfAttention(linear(w, "qkv", x, 24), 2));
    add(
        Op.ATTENTION,
        "attention packed in an input",
        new int[] {12, 24},
        (w, x) -> Functional.selfAttention(x, 2));
    add(Op.DEFORMABLE_ATTENTION, "deformable attention, one level", MAP, LoweringCases::oneLevel);
    add(
        Op.DEFORMABLE_ATTENTION,
        "deformable attention, three levels",
        new int[] {29, 8},
        LoweringCases::threeLevels);
    CASES.get(Op.DEFORMABLE_ATTENTION).forEach(c -> c.from(16));
    add(
        Op.CAST,
        "to the same type",
        TOKENS,
        (w, x) -> new CastFunction(DType.FLOAT32).apply(Functional.gelu(x)));
    add(
        Op.ATTACH_IDLE,
        "idle parameters",
        TOKENS,
        (w, x) ->
            Functional.attachIdle(
                Functional.gelu(x), List.of(w.get("idle.weight", 3), w.get("idle.bias", 2))));
  }
}
