package dev.changenet.train;

import dev.changenet.model.ChangeNet;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
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
    List<String> names = new ArrayList<>();
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter p : net.parameters()) {
      Tensor t = which.apply(p);
      if (t != null) {
        names.add(p.name());
        tensors.add(t);
      }
    }
    double[] sums = Backends.of(net.device()).optimize().sumsOfSquares(tensors);
    Map<String, Double> squares = new LinkedHashMap<>();
    squares.put(TOTAL, 0.0);
    for (int i = 0; i < sums.length; i++) {
      squares.merge(TOTAL, sums[i], Double::sum);
      squares.merge(part(names.get(i)), sums[i], Double::sum);
    }
    squares.replaceAll((_, sum) -> Math.sqrt(sum));
    return squares;
  }

  /** The first two parts of a parameter's name. */
  private static String part(String name) {
    int second = name.indexOf('.', name.indexOf('.') + 1);
    return second < 0 ? name : name.substring(0, second);
  }
}
