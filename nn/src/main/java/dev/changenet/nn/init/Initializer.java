package dev.changenet.nn.init;

import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensor.cpu.Parallel;
import java.util.function.ToDoubleFunction;

/** Fills a new parameter. */
@FunctionalInterface
public interface Initializer {
  /** Writes the first {@code n} elements of {@code values}. */
  void fill(float[] values, int n, RandomStream random);

  /** Every element {@code value}. */
  static Initializer constant(double value) {
    return (v, n, r) -> java.util.Arrays.fill(v, 0, n, (float) value);
  }

  /**
   * Normal with mean 0. PyTorch's truncated normal with its absolute bounds ±2 is the same at the
   * deviations used here (the bounds are a hundred deviations away).
   */
  static Initializer normal(double std) {
    return (v, n, r) -> draw(v, n, r, 2, stream -> std * stream.nextGaussian());
  }

  /** Uniform in ±{@code bound}. */
  static Initializer uniform(double bound) {
    return (v, n, r) -> draw(v, n, r, 1, stream -> stream.uniform(-bound, bound));
  }

  /** PyTorch's default of Linear and Conv layers: uniform in ±1/√fanIn, weight and bias alike. */
  static Initializer fanIn(int fanIn) {
    return uniform(1 / Math.sqrt(fanIn));
  }

  /** PyTorch's xavier_uniform: uniform in ±√(6/(fanIn + fanOut)). */
  static Initializer xavier(int fanIn, int fanOut) {
    return uniform(Math.sqrt(6.0 / (fanIn + fanOut)));
  }

  /** One rule for the first half of the elements, another for the second. */
  static Initializer halves(Initializer first, Initializer second) {
    return (v, n, r) -> {
      first.fill(v, n / 2, r);
      float[] rest = new float[n - n / 2];
      second.fill(rest, rest.length, r);
      System.arraycopy(rest, 0, v, n / 2, rest.length);
    };
  }

  /** Normal with deviation √(2/fanOut), fanOut = kernel area · out channels / groups. */
  static Initializer heFanOut(int fanOut) {
    return normal(Math.sqrt(2.0 / fanOut));
  }

  /**
   * Fills {@code values} on all threads with what one thread would draw.
   *
   * @param draws numbers of the stream that one value takes
   */
  private static void draw(
      float[] values, int n, RandomStream random, int draws, ToDoubleFunction<RandomStream> value) {
    Parallel.forBlocks(
        n,
        1 << 14,
        (from, to) -> {
          RandomStream stream = random.ahead((long) from * draws);
          for (int i = from; i < to; i++) {
            values[i] = (float) value.applyAsDouble(stream);
          }
        });
    random.skip((long) n * draws);
  }
}
