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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Euclidean norms of weights or gradients: of each block of the encoder, of its other parts and of
 * those of the decoder, and of all.
 */
final class ModuleNorms {
  /** Name of the norm over everything. */
  static final String TOTAL = "total";

  /** Blocks by depth, whose norms tell whether gradients vanish on the way. */
  private static final Pattern NUMBERED =
      Pattern.compile(".*?\\.(?:\\w*blocks|stages|interactions)\\.[0-9]+");

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

  /** The block of the encoder that a parameter belongs to, else the first two parts of its name. */
  private static String part(String name) {
    Matcher numbered = NUMBERED.matcher(name);
    if (numbered.lookingAt()) {
      return numbered.group();
    }
    int second = name.indexOf('.', name.indexOf('.') + 1);
    return second < 0 ? name : name.substring(0, second);
  }
}
