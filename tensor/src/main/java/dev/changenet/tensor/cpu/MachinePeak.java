package dev.changenet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Measures what this machine can do at best: float32 multiply-adds from registers, and copying of
 * memory. Benchmarks state their results as fractions of these.
 */
public final class MachinePeak {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int ACCUMULATORS = 12;
  private static final int INNER = 100_000;
  private static final long NANOS = 300_000_000;

  private MachinePeak() {}

  /** Floating-point operations per second of all {@link Parallel#threads()} together. */
  public static double flops() {
    double best = 0;
    for (int round = 0; round < 6; round++) {
      int threads = Parallel.threads();
      double[] sinks = new double[threads];
      long[] loops = new long[threads];
      long began = System.nanoTime();
      Parallel.forEach(
          threads,
          t -> {
            while (System.nanoTime() - began < NANOS) {
              sinks[t] += multiplyAdds();
              loops[t]++;
            }
          });
      double seconds = (System.nanoTime() - began) * 1e-9;
      long all = 0;
      for (int t = 0; t < threads; t++) {
        all += loops[t];
        if (Double.isNaN(sinks[t])) {
          throw new IllegalStateException("the peak loop overflowed");
        }
      }
      best = Math.max(best, 2.0 * all * INNER * ACCUMULATORS * SPECIES.length() / seconds);
    }
    return best;
  }

  private static float multiplyAdds() {
    FloatVector m = FloatVector.broadcast(SPECIES, 0.999f);
    FloatVector c = FloatVector.broadcast(SPECIES, 0.001f);
    FloatVector a0 = m;
    FloatVector a1 = m;
    FloatVector a2 = m;
    FloatVector a3 = m;
    FloatVector a4 = m;
    FloatVector a5 = m;
    FloatVector a6 = m;
    FloatVector a7 = m;
    FloatVector a8 = m;
    FloatVector a9 = m;
    FloatVector a10 = m;
    FloatVector a11 = m;
    for (int i = 0; i < INNER; i++) {
      a0 = a0.fma(m, c);
      a1 = a1.fma(m, c);
      a2 = a2.fma(m, c);
      a3 = a3.fma(m, c);
      a4 = a4.fma(m, c);
      a5 = a5.fma(m, c);
      a6 = a6.fma(m, c);
      a7 = a7.fma(m, c);
      a8 = a8.fma(m, c);
      a9 = a9.fma(m, c);
      a10 = a10.fma(m, c);
      a11 = a11.fma(m, c);
    }
    FloatVector s = a0.add(a1).add(a2.add(a3)).add(a4.add(a5)).add(a6.add(a7));
    return s.add(a8.add(a9)).add(a10.add(a11)).lane(0);
  }

  /** Bytes per second read plus written by a copy that doesn't fit the caches. */
  public static double copyBandwidth() {
    int n = 32 << 20;
    float[] from = new float[n];
    float[] to = new float[n];
    int block = 1 << 20;
    double best = 0;
    for (int round = 0; round < 6; round++) {
      long began = System.nanoTime();
      Parallel.forBlocks(n, block, (a, b) -> System.arraycopy(from, a, to, a, b - a));
      best = Math.max(best, 8.0 * n / ((System.nanoTime() - began) * 1e-9));
    }
    return best;
  }
}
