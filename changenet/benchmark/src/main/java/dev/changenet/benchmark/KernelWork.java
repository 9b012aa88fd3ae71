package dev.changenet.benchmark;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;

/**
 * What a kernel call has to do at least.
 *
 * @param flops operations (two per multiply-add) that matrix units can do; 0 for all other kernels
 * @param bytes size of the tensors it reads and writes, each once
 */
record KernelWork(double flops, double bytes) {

  /** The work of a call, from its name in its op family and its arguments. */
  static KernelWork of(String kernel, Object... arguments) {
    Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    double bytes = 0;
    for (Object a : arguments) {
      // Queries, keys and values may be thirds of one tensor; they are read once all together.
      Tensor t = a instanceof Attention.Heads heads ? heads.tensor() : tensor(a);
      if (t != null && seen.add(t.storage())) {
        bytes += (double) t.elements() * t.dtype().bytes();
      }
    }
    return new KernelWork(2 * multiplyAdds(kernel, arguments), bytes);
  }

  private static double multiplyAdds(String kernel, Object[] a) {
    return switch (kernel) {
      case "linear" -> elements(a[3]) * tensor(a[1]).dim(1);
      case "linearBackwardInput" -> elements(a[0]) * tensor(a[1]).dim(1);
      case "linearBackwardWeight" -> elements(a[0]) * tensor(a[1]).dim(-1);
      case "matmul" -> {
        Tensor left = tensor(a[0]);
        yield elements(a[4]) * left.dim((boolean) a[1] ? -2 : -1);
      }
      // Weights [O, I / groups, kh, kw].
      case "conv2d" -> elements(a[5]) * perOutput(a[1]);
      case "conv2dBackwardInput" -> elements(a[0]) * perOutput(a[1]);
      case "conv2dBackwardWeight" -> elements(a[0]) * perOutput(a[3]);
      // Weights [I, O / groups, kh, kw].
      case "convTranspose2d" -> elements(a[0]) * perOutput(a[1]);
      case "convTranspose2dBackwardInput" -> elements(a[3]) * perOutput(a[1]);
      case "convTranspose2dBackwardWeight" -> elements(a[1]) * perOutput(a[3]);
      // Two 3×3 kernels composed to one of 5×5; the composition itself is small.
      case "conv2dPair" -> 25.0 * elements(a[4]) * tensor(a[0]).dim(3);
      case "conv2dPairBackward" -> 2 * 25.0 * elements(a[0]) * tensor(a[1]).dim(3);
      case "attention" -> 2 * elements(a[5]) * heads(a[1]).dim(1);
      // Five products: scores again, and the gradients of weights, values, queries and keys.
      case "attentionBackward" -> 5 * elements(a[0]) * heads(a[2]).dim(1);
      default -> 0;
    };
  }

  private static Tensor tensor(Object a) {
    return a instanceof Tensor t ? t : null;
  }

  private static Tensor heads(Object a) {
    return ((Attention.Heads) a).tensor();
  }

  private static double elements(Object a) {
    return tensor(a).elements();
  }

  private static double perOutput(Object weight) {
    Tensor w = tensor(weight);
    return (double) w.elements() / w.dim(0);
  }

  /** Adds up the shares of kernels. */
  static void add(Map<String, double[]> sums, String kernel, double... values) {
    double[] sum = sums.computeIfAbsent(kernel, _ -> new double[values.length]);
    for (int i = 0; i < values.length; i++) {
      sum[i] += values[i];
    }
  }
}
