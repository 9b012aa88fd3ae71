package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.Elementwise;
import dev.changenet.tensor.reference.ReferenceElementwise;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** Elementwise ops in one pass over memory; float64 tensors go to the reference kernels. */
final class CpuElementwise implements Elementwise {
  /** Elements of one task of a flat loop: 128 KiB per array. */
  private static final int BLOCK = 1 << 15;

  /** Square tiles of the transposition: two of them fit into the first-level cache. */
  private static final int TILE = 32;

  private final Elementwise reference = new ReferenceElementwise();

  /** The backing array, whatever its type. */
  private static Object array(Tensor x) {
    return switch (x.dtype()) {
      case FLOAT32 -> x.floats();
      case FLOAT64 -> x.doubles();
      case INT32 -> x.ints();
      case INT64 -> x.longs();
      case BFLOAT16, FLOAT16 ->
          throw new IllegalArgumentException(x + ": the CPU has no kernels for two-byte floats");
    };
  }

  @Override
  public void fill(Tensor x, double value) {
    int n = (int) x.elements();
    switch (x.dtype()) {
      case FLOAT32 -> {
        float[] a = x.floats();
        Parallel.forBlocks(n, BLOCK, (from, to) -> Arrays.fill(a, from, to, (float) value));
      }
      case FLOAT64 -> Arrays.fill(x.doubles(), 0, n, value);
      case INT32 -> Arrays.fill(x.ints(), 0, n, (int) value);
      case INT64 -> Arrays.fill(x.longs(), 0, n, (long) value);
      case BFLOAT16, FLOAT16 ->
          throw new IllegalArgumentException(x + ": the CPU has no kernels for two-byte floats");
    }
  }

  @Override
  public void copy(Tensor x, Tensor out) {
    Object src = array(x);
    Object dst = array(out);
    Parallel.forBlocks(
        (int) x.elements(), BLOCK, (from, to) -> System.arraycopy(src, from, dst, from, to - from));
  }

  @Override
  public void add(Tensor a, Tensor b, float alpha, Tensor out) {
    if (a.dtype() == DType.FLOAT64) {
      reference.add(a, b, alpha, out);
      return;
    }
    float[] x = a.floats();
    float[] y = b.floats();
    float[] z = out.floats();
    Parallel.forBlocks(
        (int) out.elements(), BLOCK, (from, to) -> addScaled(x, from, y, from, alpha, z, from, to));
  }

  /** z[zAt …] = x[xAt …] + alpha·y[yAt …] up to z's index {@code to}. */
  private static void addScaled(
      float[] x, int xAt, float[] y, int yAt, float alpha, float[] z, int zAt, int to) {
    FloatVector factor = FloatVector.broadcast(SPECIES, alpha);
    int n = to - zAt;
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, y, yAt + i)
          .fma(factor, FloatVector.fromArray(SPECIES, x, xAt + i))
          .intoArray(z, zAt + i);
    }
    for (; i < n; i++) {
      z[zAt + i] = Math.fma(y[yAt + i], alpha, x[xAt + i]);
    }
  }

  @Override
  public void addRepeated(Tensor a, Tensor b, Tensor out) {
    if (a.dtype() == DType.FLOAT64) {
      reference.addRepeated(a, b, out);
      return;
    }
    float[] x = a.floats();
    float[] y = b.floats();
    float[] z = out.floats();
    int n = (int) b.elements();
    Parallel.forBlocks((int) a.elements(), BLOCK, (from, to) -> addRepeated(x, y, n, z, from, to));
  }

  private static void addRepeated(float[] x, float[] y, int n, float[] z, int from, int to) {
    int at = from;
    while (at < to) {
      int column = at % n;
      int end = Math.min(to, at + n - column);
      addScaled(x, at, y, column, 1f, z, at, end);
      at = end;
    }
  }

  @Override
  public void sumLeading(Tensor x, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.sumLeading(x, out);
      return;
    }
    float[] in = x.floats();
    float[] sums = out.floats();
    int n = (int) out.elements();
    if (n == 0) {
      return;
    }
    int rows = (int) (x.elements() / n);
    int blocks = RowBlocks.blocks(rows);
    if (blocks <= 1) {
      Parallel.forBlocks(n, 4096, (from, to) -> sumColumns(in, rows, n, sums, from, to));
      return;
    }
    float[] partial = Scratch.floats(Scratch.Slot.REDUCE, Math.multiplyExact(blocks, n));
    int block = RowBlocks.blockRows(rows);
    Parallel.forBlocks(
        rows, block, (from, to) -> RowBlocks.sumRows(in, from, to, n, partial, from / block * n));
    RowBlocks.combine(partial, blocks, n, 0, n, sums);
  }

  private static void sumColumns(float[] x, int rows, int n, float[] out, int from, int to) {
    Arrays.fill(out, from, to, 0f);
    for (int r = 0; r < rows; r++) {
      RowBlocks.addRow(x, r * n + from, to - from, out, from);
    }
  }

  @Override
  public void scale(Tensor x, float alpha, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.scale(x, alpha, out);
      return;
    }
    float[] in = x.floats();
    float[] result = out.floats();
    Parallel.forBlocks(
        (int) x.elements(),
        BLOCK,
        (from, to) -> RowKernels.scale(in, from, to - from, alpha, result, from));
  }

  @Override
  public void cast(Tensor x, Tensor out) {
    reference.cast(x, out);
  }

  @Override
  public void scaleBy(Tensor x, Tensor factor, Tensor out) {
    scale(x, (float) factor.item(), out);
  }

  @Override
  public void activation(Activation f, Tensor x, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.activation(f, x, out);
      return;
    }
    float[] in = x.floats();
    float[] result = out.floats();
    Parallel.forBlocks(
        (int) x.elements(),
        BLOCK,
        (from, to) -> ActivationKernels.forward(f, in, result, from, to));
  }

  @Override
  public void activationBackward(Activation f, Tensor x, Tensor gradOut, Tensor gradX) {
    if (x.dtype() == DType.FLOAT64) {
      reference.activationBackward(f, x, gradOut, gradX);
      return;
    }
    float[] in = x.floats();
    float[] g = gradOut.floats();
    float[] gx = gradX.floats();
    Parallel.forBlocks(
        (int) x.elements(),
        BLOCK,
        (from, to) -> ActivationKernels.backward(f, in, g, gx, from, to));
  }

  @Override
  public void swiglu(Tensor x, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.swiglu(x, out);
      return;
    }
    float[] in = x.floats();
    float[] result = out.floats();
    int f = out.dim(-1);
    Parallel.forBlocks(
        out.rows(),
        Math.max(1, BLOCK / f),
        (from, to) -> {
          for (int r = from; r < to; r++) {
            GatedKernels.swiglu(in, 2 * r * f, 2 * r * f + f, result, r * f, f);
          }
        });
  }

  @Override
  public void swigluBackward(Tensor x, Tensor gradOut, Tensor gradX) {
    if (x.dtype() == DType.FLOAT64) {
      reference.swigluBackward(x, gradOut, gradX);
      return;
    }
    float[] in = x.floats();
    float[] g = gradOut.floats();
    float[] gx = gradX.floats();
    int f = gradOut.dim(-1);
    Parallel.forBlocks(
        gradOut.rows(),
        Math.max(1, BLOCK / f),
        (from, to) -> {
          for (int r = from; r < to; r++) {
            GatedKernels.swigluBackward(in, 2 * r * f, 2 * r * f + f, g, r * f, gx, f);
          }
        });
  }

  @Override
  public void addPerSample(Tensor x, Tensor y, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.addPerSample(x, y, out);
      return;
    }
    float[] a = x.floats();
    float[] b = y.floats();
    float[] z = out.floats();
    int c = x.dim(-1);
    int perSample = x.rows() / Math.max(1, x.dim(0));
    Parallel.forBlocks(
        x.rows(),
        Math.max(1, BLOCK / c),
        (from, to) -> {
          for (int r = from; r < to; r++) {
            addScaled(a, r * c, b, r / perSample * c, 1f, z, r * c, r * c + c);
          }
        });
  }

  @Override
  public void sumPerSample(Tensor x, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.sumPerSample(x, out);
      return;
    }
    float[] in = x.floats();
    float[] sums = out.floats();
    int c = x.dim(-1);
    int rows = x.rows() / Math.max(1, x.dim(0));
    int block = RowBlocks.blockRows(rows);
    int blocks = RowBlocks.blocks(rows);
    float[] partial = new float[blocks * c * x.dim(0)];
    Parallel.forEach(
        x.dim(0) * blocks,
        task -> {
          int first = task / blocks * rows + task % blocks * block;
          int end = Math.min(first + block, task / blocks * rows + rows);
          RowBlocks.sumRows(in, first, end, c, partial, task * c);
        });
    for (int b = 0; b < x.dim(0); b++) {
      for (int i = 0; i < c; i++) {
        double sum = 0;
        for (int k = 0; k < blocks; k++) {
          sum += partial[(b * blocks + k) * c + i];
        }
        sums[b * c + i] = (float) sum;
      }
    }
  }

  @Override
  public void residual(Tensor x, Tensor y, Tensor gamma, float[] sampleScale, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.residual(x, y, gamma, sampleScale, out);
      return;
    }
    float[] a = x.floats();
    float[] b = y.floats();
    float[] w = gamma == null ? null : gamma.floats();
    float[] z = out.floats();
    int c = x.dim(-1);
    int rows = x.rows();
    int perSample = rows / Math.max(1, x.dim(0));
    Parallel.forBlocks(
        rows,
        Math.max(1, BLOCK / c),
        (from, to) -> {
          for (int r = from; r < to; r++) {
            float s = sampleScale == null ? 1f : sampleScale[r / perSample];
            if (w == null) {
              addScaled(a, r * c, b, r * c, s, z, r * c, r * c + c);
            } else {
              addScaledRow(a, b, w, s, z, r * c, c);
            }
          }
        });
  }

  private static void addScaledRow(
      float[] x, float[] y, float[] w, float s, float[] z, int at, int n) {
    FloatVector factor = FloatVector.broadcast(SPECIES, s);
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, y, at + i)
          .fma(
              FloatVector.fromArray(SPECIES, w, i).mul(factor),
              FloatVector.fromArray(SPECIES, x, at + i))
          .intoArray(z, at + i);
    }
    for (; i < n; i++) {
      z[at + i] = Math.fma(y[at + i], w[i] * s, x[at + i]);
    }
  }

  @Override
  public void residualBackward(
      Tensor gradOut, Tensor y, Tensor gamma, float[] sampleScale, Tensor gradY, Tensor gradGamma) {
    if (gradOut.dtype() == DType.FLOAT64) {
      reference.residualBackward(gradOut, y, gamma, sampleScale, gradY, gradGamma);
      return;
    }
    float[] g = gradOut.floats();
    float[] in = y.floats();
    float[] w = gamma == null ? null : gamma.floats();
    float[] gy = gradY == null ? null : gradY.floats();
    int c = y.dim(-1);
    int rows = y.rows();
    int perSample = rows / Math.max(1, y.dim(0));
    int block = RowBlocks.blockRows(rows);
    int blocks = RowBlocks.blocks(rows);
    float[] partial = gradGamma == null ? null : Scratch.floats(Scratch.Slot.REDUCE, blocks * c);
    Parallel.forBlocks(
        rows,
        block,
        (from, to) -> {
          int sums = from / block * c;
          if (partial != null) {
            Arrays.fill(partial, sums, sums + c, 0f);
          }
          for (int r = from; r < to; r++) {
            float s = sampleScale == null ? 1f : sampleScale[r / perSample];
            if (partial != null) {
              addScaledProduct(g, in, r * c, s, partial, sums, c);
            }
            if (gy != null && w == null) {
              RowKernels.scale(g, r * c, c, s, gy, r * c);
            } else if (gy != null) {
              scaleRow(g, w, s, gy, r * c, c);
            }
          }
        });
    if (partial != null) {
      RowBlocks.combine(partial, blocks, c, 0, c, gradGamma.floats());
    }
  }

  private static void scaleRow(float[] g, float[] w, float s, float[] out, int at, int n) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, w, i)
          .mul(s)
          .mul(FloatVector.fromArray(SPECIES, g, at + i))
          .intoArray(out, at + i);
    }
    for (; i < n; i++) {
      out[at + i] = w[i] * s * g[at + i];
    }
  }

  /** sums[sumsAt + i] += s·g[at + i]·y[at + i]. */
  private static void addScaledProduct(
      float[] g, float[] y, int at, float s, float[] sums, int sumsAt, int n) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, g, at + i)
          .mul(s)
          .fma(
              FloatVector.fromArray(SPECIES, y, at + i),
              FloatVector.fromArray(SPECIES, sums, sumsAt + i))
          .intoArray(sums, sumsAt + i);
    }
    for (; i < n; i++) {
      sums[sumsAt + i] = Math.fma(g[at + i] * s, y[at + i], sums[sumsAt + i]);
    }
  }

  @Override
  public void copyBlocks(
      Tensor src,
      long srcStart,
      long srcStride,
      Tensor dst,
      long dstStart,
      long dstStride,
      int length,
      int blocks) {
    Object from = array(src);
    Object to = array(dst);
    if (blocks == 1) {
      Parallel.forBlocks(
          length,
          BLOCK,
          (first, end) ->
              System.arraycopy(
                  from, (int) srcStart + first, to, (int) dstStart + first, end - first));
      return;
    }
    Parallel.forBlocks(
        blocks,
        Math.max(1, BLOCK / Math.max(1, length)),
        (first, end) -> {
          for (int i = first; i < end; i++) {
            System.arraycopy(
                from,
                (int) (srcStart + i * srcStride),
                to,
                (int) (dstStart + i * dstStride),
                length);
          }
        });
  }

  @Override
  public void transpose(Tensor x, int batch, int rows, int cols, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.transpose(x, batch, rows, cols, out);
      return;
    }
    float[] in = x.floats();
    float[] result = out.floats();
    int tileRows = (cols + TILE - 1) / TILE;
    Parallel.forEach(
        batch * tileRows,
        task -> {
          int sample = task / tileRows * rows * cols;
          int firstCol = task % tileRows * TILE;
          int endCol = Math.min(cols, firstCol + TILE);
          for (int i = 0; i < rows; i += TILE) {
            transposeTile(
                in, result, sample, rows, cols, i, Math.min(rows, i + TILE), firstCol, endCol);
          }
        });
  }

  private static void transposeTile(
      float[] in, float[] out, int at, int rows, int cols, int row, int endRow, int col, int end) {
    for (int j = col; j < end; j++) {
      int to = at + j * rows;
      for (int i = row; i < endRow; i++) {
        out[to + i] = in[at + i * cols + j];
      }
    }
  }
}
