package dev.changenet.inspect;

import dev.changenet.nn.state.StoredTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Two files of weights, tensor by tensor. Both are read once, block by block.
 *
 * @param prefixA what was taken off the names of the first file
 * @param prefixB the same of the second
 * @param onlyA names that only the first file has
 * @param onlyB names that only the second file has
 * @param shapes names of tensors whose shapes differ, with both
 * @param tensors the others: largest relative difference first, counters and other integers last
 * @param together all floating-point tensors of {@code tensors} as one
 */
public record WeightComparison(
    String prefixA,
    String prefixB,
    List<String> onlyA,
    List<String> onlyB,
    Map<String, String> shapes,
    List<Difference> tensors,
    Difference together) {
  private static final String AND = " and ";

  /** Wrappers put these before a network's names; those that fit best are taken off. */
  private static final List<String> PREFIXES =
      List.of("model.", "module.", "", "model.backbone.", "backbone.");

  /**
   * How a tensor differs.
   *
   * @param name name without the file's prefix
   * @param dtypes both element types, one when they are the same
   * @param integral whether the values are integers, such as counters
   * @param elements number of values
   * @param different values that are not the same
   * @param maxAbs largest absolute difference of finite values
   * @param relativeL2 ‖a − b‖₂ / ‖a‖₂ over finite values; infinite when only a is 0
   * @param cosine cosine of the angle between both; 1 when both are 0
   * @param nonFiniteA NaN and infinities in the first
   * @param nonFiniteB NaN and infinities in the second
   */
  public record Difference(
      String name,
      String dtypes,
      boolean integral,
      long elements,
      long different,
      double maxAbs,
      double relativeL2,
      double cosine,
      long nonFiniteA,
      long nonFiniteB) {
    /** True when all values are the same. */
    public boolean isEqual() {
      return different == 0 && !typesDiffer();
    }

    /** True when the files hold it in different element types. */
    public boolean typesDiffer() {
      return dtypes.contains(AND);
    }
  }

  /** Compares two files. */
  public static WeightComparison of(WeightSource a, WeightSource b) {
    String[] prefixes = prefixes(a.tensors(), b.tensors());
    Map<String, StoredTensor> first = WeightSource.withoutPrefix(a.tensors(), prefixes[0]);
    Map<String, StoredTensor> second = WeightSource.withoutPrefix(b.tensors(), prefixes[1]);
    return of(prefixes[0], prefixes[1], first, second);
  }

  /**
   * Compares the states of both files' optimizers, {@link WeightSource#optimizerTensors}; empty
   * when neither has one.
   */
  public static Optional<WeightComparison> ofOptimizers(WeightSource a, WeightSource b) {
    Map<String, StoredTensor> first = a.optimizerTensors();
    Map<String, StoredTensor> second = b.optimizerTensors();
    return first.isEmpty() && second.isEmpty()
        ? Optional.empty()
        : Optional.of(of("", "", first, second));
  }

  private static WeightComparison of(
      String prefixA,
      String prefixB,
      Map<String, StoredTensor> first,
      Map<String, StoredTensor> second) {
    List<String> onlyA = first.keySet().stream().filter(n -> !second.containsKey(n)).toList();
    List<String> onlyB = second.keySet().stream().filter(n -> !first.containsKey(n)).toList();
    Map<String, String> shapes = new LinkedHashMap<>();
    List<Difference> tensors = new ArrayList<>();
    Sums together = new Sums();
    double[] left = new double[TensorStatistics.BLOCK];
    double[] right = new double[TensorStatistics.BLOCK];
    first.forEach(
        (name, x) -> {
          StoredTensor y = second.get(name);
          if (y != null && !Arrays.equals(x.shape(), y.shape())) {
            shapes.put(name, Arrays.toString(x.shape()) + " and " + Arrays.toString(y.shape()));
          } else if (y != null) {
            Sums sums = sums(x, y, left, right);
            boolean integral = x.type().isIntegral() && y.type().isIntegral();
            tensors.add(sums.difference(name, dtypes(x, y), integral));
            if (!integral) {
              together.add(sums);
            }
          }
        });
    tensors.sort(
        Comparator.comparing(
                (Difference d) -> d.nonFiniteA() + d.nonFiniteB() > 0 && !d.isEqual(),
                Comparator.reverseOrder())
            .thenComparing(Difference::integral)
            .thenComparing(Difference::relativeL2, Comparator.reverseOrder()));
    return new WeightComparison(
        prefixA, prefixB, onlyA, onlyB, shapes, tensors, together.difference("", "", false));
  }

  /** The prefixes without which most names agree. */
  private static String[] prefixes(Map<String, StoredTensor> a, Map<String, StoredTensor> b) {
    String[] best = {"", ""};
    long most = -1;
    for (String x : PREFIXES) {
      for (String y : PREFIXES) {
        if (has(a, x) && has(b, y)) {
          Map<String, StoredTensor> second = WeightSource.withoutPrefix(b, y);
          long common =
              WeightSource.withoutPrefix(a, x).keySet().stream()
                  .filter(second::containsKey)
                  .count();
          if (common > most) {
            most = common;
            best = new String[] {x, y};
          }
        }
      }
    }
    return best;
  }

  private static boolean has(Map<String, StoredTensor> tensors, String prefix) {
    return tensors.keySet().stream().anyMatch(n -> n.startsWith(prefix));
  }

  private static String dtypes(StoredTensor a, StoredTensor b) {
    String first = a.type().torchName();
    return a.type() == b.type() ? first : first + AND + b.type().torchName();
  }

  private static Sums sums(StoredTensor a, StoredTensor b, double[] left, double[] right) {
    StoredTensor.Values x = a.values();
    StoredTensor.Values y = b.values();
    Sums sums = new Sums();
    for (int n = x.read(left); n > 0; n = x.read(left)) {
      int same = y.read(right);
      if (same != n) {
        throw new IllegalStateException("tensors of one shape with " + n + " and " + same);
      }
      for (int i = 0; i < n; i++) {
        sums.add(left[i], right[i]);
      }
    }
    return sums;
  }

  /** Sums over pairs of values. */
  private static final class Sums {
    private long elements;
    private long different;
    private long nonFiniteA;
    private long nonFiniteB;
    private double maxAbs;
    private double squares;
    private double squaresA;
    private double squaresB;
    private double product;

    void add(Sums o) {
      elements += o.elements;
      different += o.different;
      nonFiniteA += o.nonFiniteA;
      nonFiniteB += o.nonFiniteB;
      maxAbs = Math.max(maxAbs, o.maxAbs);
      squares += o.squares;
      squaresA += o.squaresA;
      squaresB += o.squaresB;
      product += o.product;
    }

    void add(double a, double b) {
      elements++;
      boolean finiteA = Double.isFinite(a);
      boolean finiteB = Double.isFinite(b);
      if (finiteA && finiteB) {
        double d = Math.abs(a - b);
        if (d > 0) {
          different++;
          maxAbs = Math.max(maxAbs, d);
          squares += d * d;
        }
        squaresA += a * a;
        squaresB += b * b;
        product += a * b;
        return;
      }
      nonFiniteA += finiteA ? 0 : 1;
      nonFiniteB += finiteB ? 0 : 1;
      // Two NaN are the same here, unlike in arithmetic.
      different += Double.compare(a, b) == 0 ? 0 : 1;
    }

    Difference difference(String name, String dtypes, boolean integral) {
      double relative = squares == 0 ? 0 : Math.sqrt(squares / squaresA);
      double norms = Math.sqrt(squaresA) * Math.sqrt(squaresB);
      double cosine = squares == 0 ? 1 : norms == 0 ? 0 : product / norms;
      return new Difference(
          name,
          dtypes,
          integral,
          elements,
          different,
          maxAbs,
          relative,
          cosine,
          nonFiniteA,
          nonFiniteB);
    }
  }

  /** True when both files hold the same tensors with the same types and values. */
  public boolean isEqual() {
    return onlyA.isEmpty()
        && onlyB.isEmpty()
        && shapes.isEmpty()
        && tensors.stream().allMatch(Difference::isEqual);
  }

  /** Tensors with another value or another element type. */
  public List<Difference> different() {
    return tensors.stream().filter(d -> !d.isEqual()).toList();
  }

  /** The comparison for JSON. */
  public Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("equal", isEqual());
    json.put("prefix_a", prefixA);
    json.put("prefix_b", prefixB);
    json.put("only_a", onlyA);
    json.put("only_b", onlyB);
    json.put("shapes", shapes);
    json.put("together", toJson(together));
    json.put("tensors", tensors.stream().map(WeightComparison::toJson).toList());
    return json;
  }

  private static Map<String, Object> toJson(Difference d) {
    Map<String, Object> json = new LinkedHashMap<>();
    if (!d.name().isEmpty()) {
      json.put("name", d.name());
      json.put("dtypes", d.dtypes());
    }
    json.put("elements", d.elements());
    json.put("different", d.different());
    json.put("max_abs", d.maxAbs());
    json.put("relative_l2", Json.number(d.relativeL2()));
    json.put("cosine", Json.number(d.cosine()));
    json.put("non_finite_a", d.nonFiniteA());
    json.put("non_finite_b", d.nonFiniteB());
    return json;
  }
}
