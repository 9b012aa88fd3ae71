package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.autograd.function.ResizeFunction;
import dev.changenet.onnx.Attribute;
import dev.changenet.onnx.OnnxException;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;
import java.util.ArrayList;
import java.util.List;

/** Resizing of maps. */
final class ResizeLowering {
  private final Emitter emitter;
  private final Values values;
  private final OpenSizes sizes;

  ResizeLowering(Emitter emitter, Values values, OpenSizes sizes) {
    this.emitter = emitter;
    this.values = values;
    this.sizes = sizes;
  }

  void resize(Trace.Node node) {
    ResizeFunction f = (ResizeFunction) node.function();
    ResizeGeometry g = f.geometry();
    Variable x = node.inputs().get(0);
    boolean sameSize = x.dim(1) == f.height() && x.dim(2) == f.width();
    if (sameSize && (g.alignCorners() || (g.scaleH() == 1 && g.scaleW() == 1))) {
      values.put(node.output(), values.of(x));
      return;
    }
    String in = values.name(x, Form.MAP);
    Float factorH = factor(x.dim(1), f.height(), g.scaleH(), g.alignCorners());
    Float factorW = factor(x.dim(2), f.width(), g.scaleW(), g.alignCorners());
    boolean byFactors = factorH != null && factorW != null;
    if (!byFactors) {
      sizes.refuse(node);
    }
    boolean nearest = g.mode() == Mode.NEAREST;
    String out;
    if (nearest && !byFactors) {
      // Runtimes round the ratio to float32, which can pick a neighbour: name the pixels instead.
      out = gather(in, 2, x.dim(1), f.height(), g.scaleH());
      out = gather(out, 3, x.dim(2), f.width(), g.scaleW());
    } else {
      List<Attribute> attributes = new ArrayList<>();
      attributes.add(
          Attribute.of(
              "coordinate_transformation_mode",
              nearest ? "asymmetric" : g.alignCorners() ? "align_corners" : "half_pixel"));
      attributes.add(Attribute.of("mode", mode(g.mode())));
      if (g.mode() == Mode.BICUBIC) {
        attributes.add(Attribute.of("cubic_coeff_a", -0.75f));
      }
      if (nearest) {
        attributes.add(Attribute.of("nearest_mode", "floor"));
      }
      // Operator set 12 knows no absent inputs here; an unused one is an empty list.
      String absent =
          emitter.opset() >= 13 ? "" : emitter.constants().floats("empty", new float[0], 0);
      if (byFactors) {
        String scales =
            emitter
                .constants()
                .floats("scales_" + factorH + "_" + factorW, scales(factorH, factorW), 4);
        out = emitter.node("Resize", attributes, in, absent, scales);
      } else {
        requireSizeRatio(node, x, f);
        String sizes = sizes(x, in, f, attributes);
        out = emitter.node("Resize", attributes, in, absent, absent, sizes);
      }
    }
    values.put(node.output(), Form.MAP, out);
  }

  private static String mode(Mode mode) {
    return switch (mode) {
      case BILINEAR -> "linear";
      case NEAREST -> "nearest";
      case BICUBIC -> "cubic";
    };
  }

  private String gather(String x, int axis, int in, int out, double inputPerOutput) {
    long[] source = new long[out];
    for (int i = 0; i < out; i++) {
      source[i] = Math.min((long) Math.floor(i * inputPerOutput), in - 1);
    }
    String indices = emitter.constants().ints(source);
    return emitter.node("Gather", List.of(Attribute.of("axis", axis)), x, indices);
  }

  private static float[] scales(float h, float w) {
    return new float[] {1, 1, h, w};
  }

  /**
   * The factor of one axis if it describes the resize exactly: representable in float32, leading to
   * the right size and, unless corners are aligned, to the right coordinates; null otherwise.
   */
  private static Float factor(int in, int out, double inputPerOutput, boolean alignCorners) {
    double exact = alignCorners ? (double) out / in : 1 / inputPerOutput;
    float rounded = (float) exact;
    boolean representable = rounded == exact && 1 / (double) rounded == inputPerOutput;
    boolean usable = alignCorners ? rounded == exact : representable;
    return usable && Math.floor((double) rounded * in) == out ? rounded : null;
  }

  /** Sizes imply the ratio in/out, so a differing factor can't be expressed by them. */
  private static void requireSizeRatio(Trace.Node node, Variable x, ResizeFunction f) {
    ResizeGeometry g = f.geometry();
    double ratioH = (double) x.dim(1) / f.height();
    double ratioW = (double) x.dim(2) / f.width();
    if (!g.alignCorners()
        && (Math.abs(ratioH - g.scaleH()) > 1e-9 || Math.abs(ratioW - g.scaleW()) > 1e-9)) {
      throw new OnnxException(
          "export: "
              + GraphLowering.describe(node)
              + " resizes "
              + x.shape()
              + " to "
              + f.height()
              + " x "
              + f.width()
              + " by factors "
              + 1 / g.scaleH()
              + " and "
              + 1 / g.scaleW()
              + ", which float32 can't represent: use sizes or factors such as 2");
    }
  }

  private String sizes(Variable x, String in, ResizeFunction f, List<Attribute> attributes) {
    Constants constants = emitter.constants();
    if (emitter.opset() >= 18) {
      attributes.add(Attribute.of("axes", 2, 3));
      return constants.ints(f.height(), f.width());
    }
    if (!values.dynamicBatch()) {
      return constants.ints(x.dim(0), x.dim(3), f.height(), f.width());
    }
    return emitter.concat(
        0, emitter.batchSize(in), constants.ints(x.dim(3), f.height(), f.width()));
  }
}
