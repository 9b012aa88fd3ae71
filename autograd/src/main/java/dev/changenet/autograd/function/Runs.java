package dev.changenet.autograd.function;

import dev.changenet.tensor.DryRun;

/**
 * How the elements of a tensor lie along one of its dimensions: {@code outer} blocks, in each of
 * them {@code inner} elements for every index of the dimension.
 */
record Runs(int outer, long inner) {
  static Runs along(int dim, int... shape) {
    long outer = 1;
    for (int i = 0; i < dim; i++) {
      outer = Math.multiplyExact(outer, shape[i]);
    }
    long inner = 1;
    for (int i = dim + 1; i < shape.length; i++) {
      inner = Math.multiplyExact(inner, shape[i]);
    }
    return new Runs(count(outer), inner);
  }

  /** Elements of {@code indices} indices of the dimension. */
  long elements(int indices) {
    return Math.multiplyExact(inner, indices);
  }

  /**
   * The same as the length of a run that is copied.
   *
   * @throws ArithmeticException if it is 2³¹ or more
   */
  int length(int indices) {
    return count(elements(indices));
  }

  /** A dry run asks what memory larger tensors would need; it copies nothing. */
  private static int count(long n) {
    return DryRun.isOpen() ? (int) Math.min(n, Integer.MAX_VALUE) : Math.toIntExact(n);
  }
}
