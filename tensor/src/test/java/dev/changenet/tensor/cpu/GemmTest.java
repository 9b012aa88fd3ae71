package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.KernelSamples.assertClose;
import static dev.changenet.tensor.cpu.KernelSamples.random;
import static dev.changenet.tensor.cpu.KernelSamples.sameForAnyThreads;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.cpu.Gemm.Operand;
import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GemmTest {
  private static final float UNTOUCHED = -77f;

  private static double[] naive(
      int m, int n, int k, Operand a, Operand b, float[] before, int cp, int ldc, Epilogue e) {
    double[] c = new double[before.length];
    for (int i = 0; i < c.length; i++) {
      c[i] = before[i];
    }
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = e.accumulate() ? before[cp + i * ldc + j] : 0;
        for (int p = 0; p < k; p++) {
          int ai = a.offset() + (a.transposed() ? p * a.stride() + i : i * a.stride() + p);
          int bi = b.offset() + (b.transposed() ? j * b.stride() + p : p * b.stride() + j);
          sum += (double) a.data()[ai] * b.data()[bi];
        }
        if (e.bias() != null) {
          sum += e.bias()[j];
        }
        c[cp + i * ldc + j] = e.relu() ? Math.max(sum, 0) : sum;
      }
    }
    return c;
  }

  private static void check(int m, int n, int k, boolean ta, boolean tb, boolean plain) {
    int lda = (ta ? m : k) + 3;
    int ldb = (tb ? k : n) + 2;
    int ldc = n + 1;
    Operand a = new Operand(random(1, (ta ? k : m) * lda + 5), 5, lda, ta);
    Operand b = new Operand(random(2, (tb ? n : k) * ldb + 4), 4, ldb, tb);
    float[] before = random(3, m * ldc + 7);
    Epilogue e = plain ? Epilogue.OVERWRITE : new Epilogue(true, random(4, n), true);
    if (plain) {
      java.util.Arrays.fill(before, UNTOUCHED);
    }
    float[] c =
        sameForAnyThreads(
            () -> {
              float[] out = before.clone();
              Gemm.multiply(m, n, k, a, b, out, 7, ldc, e);
              return out;
            });
    double[] expected = naive(m, n, k, a, b, before, 7, ldc, e);
    assertClose(c, expected, 1e-6 * (4 + Math.sqrt(k)));
    for (int i = 0; i < m; i++) {
      assertThat(c[7 + i * ldc + n - ldc])
          .as("before row %d", i)
          .isEqualTo(before[7 + i * ldc + n - ldc]);
    }
  }

  @ParameterizedTest(name = "{0} x {1} x {2}")
  @CsvSource({
    "1, 1, 1",
    "1, 33, 17",
    "2, 31, 5",
    "3, 64, 300",
    "4, 2, 19",
    "5, 7, 3",
    "13, 15, 16",
    "14, 32, 256",
    "15, 33, 257",
    "16, 31, 255",
    "17, 2, 1031",
    "29, 65, 31",
    "97, 101, 103",
    "131, 1, 40",
    "113, 17, 1025",
    "12, 96, 64",
    "1, 128, 65",
    "250, 3, 33",
    "61, 35, 2050",
    "40, 201, 1030",
    "345, 130, 300",
    "345, 70, 1030"
  })
  void equalsTheSumInDoublePrecisionForEveryTransposition(int m, int n, int k) {
    for (int form = 0; form < 8; form++) {
      check(m, n, k, (form & 1) != 0, (form & 2) != 0, (form & 4) != 0);
    }
  }

  @Test
  void cutsWideProductsIntoColumnBlocks() {
    check(3, 4100, 7, false, false, false);
    check(33, 4131, 9, true, true, false);
  }

  @Test
  void packedProductEqualsTheUnpackedOne() {
    int m = 57;
    int n = 75;
    int k = 1100;
    Operand a = Operand.of(random(1, m * k), k);
    Operand b = Operand.transposeOf(random(2, n * k), k);
    float[] packed = new float[Gemm.packedLength(n, k)];
    Gemm.packAll(b, n, k, packed);
    float[] c = new float[m * n];
    float[] d = new float[m * n];
    Gemm.multiplyPacked(m, n, k, a, packed, c, 0, n, Epilogue.OVERWRITE);
    Gemm.multiply(m, n, k, a, b, d, 0, n, Epilogue.OVERWRITE);
    assertThat(c).isEqualTo(d);
  }

  @Test
  void sumOfNoTermsIsTheBias() {
    float[] c = {5, 5, 5, 5};
    Operand none = Operand.of(new float[0], 0);
    Gemm.multiply(2, 2, 0, none, none, c, 0, 2, new Epilogue(false, new float[] {1, -2}, true));
    assertThat(c).containsExactly(1, 0, 1, 0);
  }

  @Test
  void roundingErrorStaysSmallOverLongSums() {
    int k = 65536;
    Operand a = Operand.transposeOf(random(1, k * 8), 8);
    Operand b = Operand.of(random(2, k * 32), 32);
    float[] c = new float[8 * 32];
    Gemm.multiply(8, 32, k, a, b, c, 0, 32, Epilogue.OVERWRITE);
    double[] expected = naive(8, 32, k, a, b, new float[8 * 32], 0, 32, Epilogue.OVERWRITE);
    assertThat(KernelSamples.relativeRms(c, expected)).isLessThan(1e-6);
  }
}
