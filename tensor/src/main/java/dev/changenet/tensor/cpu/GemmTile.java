package dev.changenet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Writes a finished tile of sums into the result: adds bias or what was there, applies ReLU. */
final class GemmTile {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = GemmKernels.LANES;
  private static final int NR = GemmKernels.NR;

  private GemmTile() {}

  /**
   * What happens to a sum on its way into the result.
   *
   * @param accumulate add it to what the result holds
   * @param bias one value per column, added; or null
   * @param relu negative values become 0
   */
  record Epilogue(boolean accumulate, float[] bias, boolean relu) {
    static final Epilogue OVERWRITE = new Epilogue(false, null, false);
    static final Epilogue ACCUMULATE = new Epilogue(true, null, false);

    /** This epilogue for one piece of a longer product: bias at the first, ReLU at the last. */
    Epilogue piece(boolean first, boolean last) {
      if (first && last) {
        return this;
      }
      return new Epilogue(accumulate || !first, first ? bias : null, relu && last);
    }
  }

  /**
   * Writes {@code rows} × {@code cols} of the tile at tp to c[cp], whose first column is number
   * {@code column} of the bias.
   */
  static void store(
      float[] t, int tp, int rows, int cols, float[] c, int cp, int ldc, int column, Epilogue e) {
    if (cols == NR) {
      for (int i = 0; i < rows; i++) {
        storeRow(t, tp + i * NR, c, cp + i * ldc, column, e.accumulate, e.bias, e.relu);
      }
    } else {
      for (int i = 0; i < rows; i++) {
        storePart(t, tp + i * NR, cols, c, cp + i * ldc, column, e);
      }
    }
  }

  private static void storeRow(
      float[] t,
      int tp,
      float[] c,
      int cp,
      int column,
      boolean accumulate,
      float[] bias,
      boolean relu) {
    FloatVector x = FloatVector.fromArray(S, t, tp);
    FloatVector y = FloatVector.fromArray(S, t, tp + LANES);
    if (accumulate) {
      x = x.add(FloatVector.fromArray(S, c, cp));
      y = y.add(FloatVector.fromArray(S, c, cp + LANES));
    }
    if (bias != null) {
      x = x.add(FloatVector.fromArray(S, bias, column));
      y = y.add(FloatVector.fromArray(S, bias, column + LANES));
    }
    if (relu) {
      x = x.max(0f);
      y = y.max(0f);
    }
    x.intoArray(c, cp);
    y.intoArray(c, cp + LANES);
  }

  private static void storePart(
      float[] t, int tp, int cols, float[] c, int cp, int column, Epilogue e) {
    for (int j = 0; j < cols; j++) {
      float v = t[tp + j];
      if (e.accumulate) {
        v += c[cp + j];
      }
      if (e.bias != null) {
        v += e.bias[column + j];
      }
      c[cp + j] = e.relu ? Math.max(v, 0f) : v;
    }
  }

  /** Writes what the epilogue makes of a sum of no terms. */
  static void storeEmpty(int rows, int cols, float[] c, int cp, int ldc, Epilogue e) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < cols; j++) {
        float v = e.accumulate ? c[cp + i * ldc + j] : 0f;
        if (e.bias != null) {
          v += e.bias[j];
        }
        c[cp + i * ldc + j] = e.relu ? Math.max(v, 0f) : v;
      }
    }
  }
}
