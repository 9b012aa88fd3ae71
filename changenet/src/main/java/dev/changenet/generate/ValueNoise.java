package dev.changenet.generate;

/** Smooth random functions of the plane: lattice values, smoothly interpolated, several octaves. */
final class ValueNoise {
  private final long seed;

  ValueNoise(long seed) {
    this.seed = seed;
  }

  /** Returns a value in [−1, 1] that varies over distances of about 1. */
  double at(double x, double y) {
    double fx = Math.floor(x);
    double fy = Math.floor(y);
    long ix = (long) fx;
    long iy = (long) fy;
    double u = smooth(x - fx);
    double v = smooth(y - fy);
    double top = mix(lattice(ix, iy), lattice(ix + 1, iy), u);
    double bottom = mix(lattice(ix, iy + 1), lattice(ix + 1, iy + 1), u);
    return mix(top, bottom, v);
  }

  /** Returns a sum of {@code octaves} layers, each twice as fine and half as strong; [−1, 1]. */
  double octaves(double x, double y, int octaves) {
    double sum = 0;
    double amplitude = 1;
    double total = 0;
    for (int i = 0; i < octaves; i++) {
      // The offset keeps the lattices of the layers apart.
      sum += amplitude * at(x + 17.3 * i, y - 9.1 * i);
      total += amplitude;
      amplitude *= 0.5;
      x *= 2;
      y *= 2;
    }
    return sum / total;
  }

  /** Returns a value in [−1, 1] for a cell of the integer lattice. */
  double lattice(long x, long y) {
    long z = seed + x * 0x9E3779B97F4A7C15L + y * 0xC2B2AE3D27D4EB4FL;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return ((z ^ (z >>> 31)) >>> 11) * 0x1.0p-52 - 1;
  }

  private static double smooth(double t) {
    return t * t * (3 - 2 * t);
  }

  private static double mix(double a, double b, double t) {
    return a + (b - a) * t;
  }
}
