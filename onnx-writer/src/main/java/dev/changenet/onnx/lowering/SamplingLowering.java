package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.autograd.function.DeformableAttentionFunction;
import dev.changenet.autograd.function.MaxPool2dFunction;
import dev.changenet.onnx.Attribute;
import dev.changenet.onnx.OnnxException;
import dev.changenet.tensor.backend.Sampling.Levels;
import java.util.List;
import java.util.stream.LongStream;

/** Deformable attention in standard operators, and pooling. */
final class SamplingLowering {
  /** First operator set with GridSample. */
  private static final int GRID_SAMPLE = 16;

  private final Emitter emitter;
  private final Values values;

  SamplingLowering(Emitter emitter, Values values) {
    this.emitter = emitter;
    this.values = values;
  }

  void maxPool2d(Trace.Node node) {
    MaxPool2dFunction f = (MaxPool2dFunction) node.function();
    long p = f.padding();
    String out =
        emitter.node(
            "MaxPool",
            List.of(
                Attribute.of("ceil_mode", 0),
                Attribute.of("kernel_shape", f.kernel(), f.kernel()),
                Attribute.of("pads", LongStream.of(p, p, p, p).toArray()),
                Attribute.of("strides", f.stride(), f.stride())),
            values.name(node.inputs().get(0), Form.MAP));
    values.put(node.output(), Form.MAP, out);
  }

  /**
   * One GridSample per level over [B·heads, d, H, W], the samples weighted and summed. A point at
   * offset o from reference r of a level of n pixels is at 2·(r + o/n) − 1 of the grid.
   */
  void deformableAttention(Trace.Node node) {
    if (emitter.opset() < GRID_SAMPLE) {
      throw new OnnxException(
          "export: "
              + GraphLowering.describe(node)
              + " needs operator set "
              + GRID_SAMPLE
              + " or later, got "
              + emitter.opset());
    }
    DeformableAttentionFunction f = (DeformableAttentionFunction) node.function();
    Variable value = node.inputs().get(0);
    int heads = f.heads();
    int width = value.dim(2);
    int queries = node.output().dim(1);
    int each = f.levels().count() * f.points();
    String grid = grid(node, f, heads, queries, each);
    String perHead = emitter.reshape(values.name(value, Form.ROWS), 0, 0, heads, width / heads);
    perHead = emitter.transpose(perHead, 0, 2, 3, 1);
    String[] samples = new String[f.levels().count()];
    for (int l = 0; l < samples.length; l++) {
      samples[l] = sample(perHead, grid, f, l, width / heads);
    }
    String all = samples.length == 1 ? samples[0] : emitter.concat(3, samples);
    String weights =
        emitter.reshape(values.name(node.inputs().get(2), Form.ROWS), 0, 0, heads, each);
    weights = emitter.reshape(emitter.transpose(weights, 0, 2, 1, 3), -1, 1, queries, each);
    String sum = emitter.reduceSum(emitter.node("Mul", all, weights), 3);
    String channels = emitter.reshape(sum, -1, width, queries);
    values.put(node.output(), Form.ROWS, emitter.transpose(channels, 0, 2, 1));
  }

  /** [B·heads, queries, levels·points, 2]. */
  private String grid(
      Trace.Node node, DeformableAttentionFunction f, int heads, int queries, int each) {
    Levels levels = f.levels();
    float[] scale = new float[2 * each];
    for (int k = 0; k < each; k++) {
      scale[2 * k] = 2f / levels.widths()[k / f.points()];
      scale[2 * k + 1] = 2f / levels.heights()[k / f.points()];
    }
    float[] base = values.weight(node, 3).toFloatArray();
    for (int i = 0; i < base.length; i++) {
      base[i] = 2 * base[i] - 1;
    }
    String offsets =
        emitter.reshape(values.name(node.inputs().get(1), Form.ROWS), 0, 0, heads, 2L * each);
    offsets = emitter.transpose(offsets, 0, 2, 1, 3);
    offsets = emitter.reshape(offsets, -1, queries, each, 2);
    Constants constants = emitter.constants();
    String scaled = emitter.node("Mul", offsets, constants.floats("pixel_size", scale, each, 2));
    return emitter.node("Add", scaled, constants.floats("reference_points", base, queries, 1, 2));
  }

  /** [B·heads, d, queries, points] of level {@code l}. */
  private String sample(String perHead, String grid, DeformableAttentionFunction f, int l, int d) {
    Levels levels = f.levels();
    boolean one = levels.count() == 1;
    String tokens = one ? perHead : emitter.slice(perHead, 3, levels.start(l), levels.start(l + 1));
    String map = emitter.reshape(tokens, -1, d, levels.heights()[l], levels.widths()[l]);
    long first = (long) l * f.points();
    return emitter.node(
        "GridSample",
        List.of(
            Attribute.of("align_corners", 0),
            Attribute.of("mode", emitter.opset() >= 20 ? "linear" : "bilinear"),
            Attribute.of("padding_mode", "zeros")),
        map,
        one ? grid : emitter.slice(grid, 2, first, first + f.points()));
  }
}
