package dev.changenet.nn.random;

import java.nio.charset.StandardCharsets;

/**
 * A counter-based stream of random numbers: draw {@code n} of a stream depends only on the stream's
 * key and on {@code n}, never on what was drawn elsewhere.
 *
 * <p>Keys are built from the run's seed, a purpose ("shuffle", "augment", "drop_path" …) and
 * indices (epoch, step, sample …), so results don't depend on the number of threads or loader
 * workers, and a resumed run draws what the uninterrupted one would have drawn.
 *
 * <p>Source: SplitMix64 output function (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", OOPSLA 2014) over a hashed key.
 */
public final class RandomStream {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private final long key;
  private long counter;

  private RandomStream(long key) {
    this.key = key;
  }

  /** Returns the stream for {@code seed}, {@code purpose} and any number of indices. */
  public static RandomStream of(long seed, String purpose, long... indices) {
    long h = mix(seed + GAMMA);
    for (byte b : purpose.getBytes(StandardCharsets.UTF_8)) {
      h = mix(h ^ (b & 0xFF)) + GAMMA;
    }
    for (long index : indices) {
      h = mix(h ^ mix(index + GAMMA)) + GAMMA;
    }
    return new RandomStream(h);
  }

  /** Returns this stream as it will be after {@code draws} more; this one stays where it is. */
  public RandomStream ahead(long draws) {
    RandomStream later = new RandomStream(key);
    later.counter = counter + draws;
    return later;
  }

  /** Leaves out {@code draws} numbers. */
  public void skip(long draws) {
    counter += draws;
  }

  /** Returns the next 64 uniformly distributed bits. */
  public long nextLong() {
    counter++;
    return mix(key + counter * GAMMA);
  }

  /** Returns a double uniform in [0, 1). */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1.0p-53;
  }

  /** Returns a double uniform in [{@code low}, {@code high}). */
  public double uniform(double low, double high) {
    return low + nextDouble() * (high - low);
  }

  /** Returns an integer uniform in 0 … {@code bound} − 1. */
  public int nextInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("nextInt: bound must be positive, got " + bound);
    }
    // Multiply-shift on the upper 32 bits; the bias is below bound / 2^32.
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }

  /** Returns a standard normal number (Box-Muller, two draws each). */
  public double nextGaussian() {
    double u = 1.0 - nextDouble();
    double v = nextDouble();
    return StrictMath.sqrt(-2.0 * StrictMath.log(u)) * StrictMath.cos(2.0 * Math.PI * v);
  }

  /** Returns a uniformly random permutation of 0 … {@code n} − 1 (Fisher-Yates). */
  public int[] permutation(int n) {
    int[] p = new int[n];
    for (int i = 0; i < n; i++) {
      p[i] = i;
    }
    for (int i = n - 1; i > 0; i--) {
      int j = nextInt(i + 1);
      int t = p[i];
      p[i] = p[j];
      p[j] = t;
    }
    return p;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
