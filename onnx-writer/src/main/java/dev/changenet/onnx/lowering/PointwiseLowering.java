package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.autograd.function.ActivationFunction;
import dev.changenet.autograd.function.AddFunction;
import dev.changenet.autograd.function.ResidualFunction;
import dev.changenet.onnx.OnnxException;

/** Operations that treat every element alike, in whichever form their operands are. */
final class PointwiseLowering {
  private final Emitter emitter;
  private final Values values;

  PointwiseLowering(Emitter emitter, Values values) {
    this.emitter = emitter;
    this.values = values;
  }

  private void put(Trace.Node node, Form form, String name) {
    values.put(node.output(), form, name).gridOf(values.of(node.inputs().get(0)));
  }

  void activation(Trace.Node node) {
    Variable v = node.inputs().get(0);
    Form form = values.cheapest(v);
    String x = values.name(v, form);
    switch (((ActivationFunction) node.function()).activation()) {
      case NONE -> values.put(node.output(), values.of(v));
      case RELU -> put(node, form, emitter.node("Relu", x));
      case GELU -> put(node, form, emitter.gelu(x));
      case SIGMOID -> put(node, form, emitter.node("Sigmoid", x));
      case SILU -> put(node, form, emitter.node("Mul", x, emitter.node("Sigmoid", x)));
    }
  }

  void swiglu(Trace.Node node) {
    Variable v = node.inputs().get(0);
    Form form = values.cheapest(v);
    String x = values.name(v, form);
    int axis = GraphLowering.axis(v, v.shape().rank() - 1, form);
    int f = v.dim(-1) / 2;
    String gate = emitter.slice(x, axis, 0, f);
    String silu = emitter.node("Mul", gate, emitter.node("Sigmoid", gate));
    put(node, form, emitter.node("Mul", silu, emitter.slice(x, axis, f, 2L * f)));
  }

  /** x [B, …, C] + y [B, C]. */
  void addPerSample(Trace.Node node) {
    Variable x = node.inputs().get(0);
    Variable y = node.inputs().get(1);
    Form form = values.cheapest(x);
    String vector = values.name(y, Form.ROWS);
    if (form == Form.MAP) {
      vector = emitter.reshape(vector, 0, y.dim(1), 1, 1);
    } else if (x.shape().rank() > 2) {
      vector = emitter.reshape(vector, 0, 1, y.dim(1));
    }
    put(node, form, emitter.node("Add", values.name(x, form), vector));
  }

  void scale(Trace.Node node, float alpha) {
    Variable v = node.inputs().get(0);
    Form form = values.cheapest(v);
    put(node, form, scaled(values.name(v, form), alpha));
  }

  private String scaled(String x, float alpha) {
    return alpha == 1f ? x : emitter.node("Mul", x, emitter.constants().scalar(alpha));
  }

  void add(Trace.Node node) {
    float alpha = ((AddFunction) node.function()).alpha();
    Variable a = node.inputs().get(0);
    Variable b = node.inputs().get(1);
    Form form = values.cheapest(a, b);
    String left = values.name(a, form);
    String right = values.name(b, form);
    put(
        node,
        form,
        alpha == -1f
            ? emitter.node("Sub", left, right)
            : emitter.node("Add", left, scaled(right, alpha)));
  }

  void residual(Trace.Node node) {
    if (((ResidualFunction) node.function()).hasSampleScale()) {
      throw new OnnxException(
          "export: "
              + GraphLowering.describe(node)
              + " applied drop path: put the network into evaluation mode before tracing");
    }
    Variable x = node.inputs().get(0);
    Variable y = node.inputs().get(1);
    Form form = values.cheapest(x, y);
    String branch = values.name(y, form);
    if (node.inputs().get(2) != null) {
      branch = emitter.node("Mul", branch, values.vector(node, 2, form));
    }
    put(node, form, emitter.node("Add", values.name(x, form), branch));
  }

  /** a + b with b repeated over the leading dimensions: a vector per channel, or one sample. */
  void addRepeated(Trace.Node node) {
    Variable a = node.inputs().get(0);
    Variable b = node.inputs().get(1);
    long n = b.shape().elements();
    if (n == a.dim(-1) && values.isConstant(b)) {
      Form form = values.cheapest(a);
      put(node, form, emitter.node("Add", values.name(a, form), values.vector(node, 1, form)));
    } else if (n == a.shape().elements() / a.dim(0)) {
      Form form = values.isConstant(b) ? values.cheapest(a) : values.cheapest(a, b);
      put(node, form, emitter.node("Add", values.name(a, form), sample(node, a, b, form)));
    } else {
      throw new OnnxException(
          "export: "
              + GraphLowering.describe(node)
              + " repeats "
              + b.shape()
              + " over "
              + a.shape()
              + "; only one value per channel or one per element of a sample can be"
              + " exported");
    }
  }

  /** {@code b}, as large as one sample of {@code a}, with a leading dimension of 1. */
  private String sample(Trace.Node node, Variable a, Variable b, Form form) {
    LoweredValue value = values.of(b);
    if (value.isConstant()) {
      int[] shape = a.shape().toArray();
      shape[0] = 1;
      return values.constant(shape, value, values.of(a), form);
    }
    boolean sameView =
        b.shape().rank() == a.shape().rank() && b.dim(0) == 1 && b.dim(1) == a.dim(1);
    if (!sameView) {
      throw new OnnxException(
          "export: "
              + GraphLowering.describe(node)
              + " repeats a computed value of shape "
              + b.shape()
              + " over "
              + a.shape());
    }
    return values.name(b, form);
  }
}
