package dev.changenet.train;

import dev.changenet.model.ChangeNet;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** Euclidean norms of weights or gradients: of each part of backbone and decoder, and of all. */
final class ModuleNorms {
  /** Name of the norm over everything. */
  static final String TOTAL = "total";

  private ModuleNorms() {}

  /** Norms of the gradients that have arrived, by part such as {@code decoder.linear_fuse}. */
  static Map<String, Double> ofGradients(ChangeNet net) {
    return of(net, Parameter::grad);
  }

  /** Norms of the weights. */
  static Map<String, Double> ofWeights(ChangeNet net) {
    return of(net, Parameter::data);
  }

  private static Map<String, Double> of(ChangeNet net, Function<Parameter, Tensor> which) {
    Map<String, Double> squares = new LinkedHashMap<>();
    squares.put(TOTAL, 0.0);
    for (Parameter p : net.parameters()) {
      Tensor t = which.apply(p);
      if (t != null) {
        double sum = sumOfSquares(t);
        squares.merge(TOTAL, sum, Double::sum);
        squares.merge(part(p.name()), sum, Double::sum);
      }
    }
    squares.replaceAll((_, sum) -> Math.sqrt(sum));
    return squares;
  }

  /** The first two parts of a parameter's name. */
  private static String part(String name) {
    int second = name.indexOf('.', name.indexOf('.') + 1);
    return second < 0 ? name : name.substring(0, second);
  }

  private static double sumOfSquares(Tensor t) {
    boolean here = t.device().kind() == Device.Kind.CPU && t.dtype() == DType.FLOAT32;
    float[] v = here ? t.floats() : t.toFloatArray();
    int n = (int) t.elements();
    // Four sums: the additions of one would wait for each other.
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 3 < n; i += 4) {
      s0 += (double) v[i] * v[i];
      s1 += (double) v[i + 1] * v[i + 1];
      s2 += (double) v[i + 2] * v[i + 2];
      s3 += (double) v[i + 3] * v[i + 3];
    }
    for (; i < n; i++) {
      s0 += (double) v[i] * v[i];
    }
    return s0 + s1 + (s2 + s3);
  }
}
