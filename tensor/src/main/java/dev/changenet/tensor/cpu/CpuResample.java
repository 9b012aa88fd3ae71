package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Resample;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.reference.ReferenceResample;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Resizing of channels-last maps, separable: rows are blended first, then pixels of the blended
 * row. The backward pass does the same in reverse and reads each output gradient about once.
 */
final class CpuResample implements Resample {
  /** Input rows of one task of the backward pass; its neighbours recompute the shared edge rows. */
  private static final int GRADIENT_ROWS = 8;

  private final Resample reference = new ReferenceResample();

  private static ResizeAxis axis(Tensor in, Tensor out, int dim, ResizeGeometry geometry) {
    return new ResizeAxis(
        in.dim(dim),
        out.dim(dim),
        geometry.mode(),
        geometry.alignCorners(),
        dim == 1 ? geometry.scaleH() : geometry.scaleW());
  }

  @Override
  public void resize(Tensor x, ResizeGeometry geometry, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.resize(x, geometry, out);
      return;
    }
    if (geometry.mode() == ResizeGeometry.Mode.BICUBIC) {
      CubicResize.forward(x, geometry, out);
      return;
    }
    ResizeAxis rows = axis(x, out, 1, geometry);
    ResizeAxis cols = axis(x, out, 2, geometry);
    int c = x.dim(3);
    int tasks = out.dim(0) * rows.outputs;
    if (x.dtype() == DType.INT32) {
      int[] in = x.ints();
      int[] result = out.ints();
      Parallel.forEach(tasks, task -> pick(in, result, task, rows, cols, c));
    } else if (geometry.mode() == ResizeGeometry.Mode.NEAREST) {
      float[] in = x.floats();
      float[] result = out.floats();
      Parallel.forEach(tasks, task -> pick(in, result, task, rows, cols, c));
    } else {
      float[] in = x.floats();
      float[] result = out.floats();
      Parallel.forEach(tasks, task -> blendRow(in, result, task, rows, cols, c));
    }
  }

  /** Copies the pixels of output row {@code task} (counted over the batch). */
  private static void pick(
      Object in, Object out, int task, ResizeAxis rows, ResizeAxis cols, int c) {
    int sample = task / rows.outputs;
    int from = (sample * rows.inputs + rows.low[task % rows.outputs]) * cols.inputs * c;
    int to = task * cols.outputs * c;
    if (c == 1 && in instanceof int[] a && out instanceof int[] b) {
      for (int x = 0; x < cols.outputs; x++) {
        b[to + x] = a[from + cols.low[x]];
      }
      return;
    }
    for (int x = 0; x < cols.outputs; x++) {
      System.arraycopy(in, from + cols.low[x] * c, out, to + x * c, c);
    }
  }

  /** Bilinear output row {@code task}, counted over the batch. */
  private static void blendRow(
      float[] in, float[] out, int task, ResizeAxis rows, ResizeAxis cols, int c) {
    int width = cols.inputs * c;
    int y = task % rows.outputs;
    int sample = task / rows.outputs * rows.inputs * width;
    float[] row = Scratch.floats(Scratch.Slot.ROWS, width);
    blend(
        in,
        sample + rows.low[y] * width,
        sample + rows.high[y] * width,
        rows.fraction[y],
        row,
        0,
        width);
    int to = task * cols.outputs * c;
    for (int x = 0; x < cols.outputs; x++) {
      blend(row, cols.low[x] * c, cols.high[x] * c, cols.fraction[x], out, to + x * c, c);
    }
  }

  /** out = (1 − f)·x[a …] + f·x[b …]. */
  private static void blend(float[] x, int a, int b, float f, float[] out, int at, int n) {
    FloatVector right = FloatVector.broadcast(SPECIES, f);
    FloatVector left = FloatVector.broadcast(SPECIES, 1f - f);
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, x, a + i)
          .fma(left, FloatVector.fromArray(SPECIES, x, b + i).mul(right))
          .intoArray(out, at + i);
    }
    for (; i < n; i++) {
      out[at + i] = Math.fma(x[a + i], 1f - f, x[b + i] * f);
    }
  }

  @Override
  public void resizeBackward(Tensor gradOut, ResizeGeometry geometry, Tensor gradX) {
    if (gradOut.dtype() == DType.FLOAT64) {
      reference.resizeBackward(gradOut, geometry, gradX);
      return;
    }
    if (geometry.mode() == ResizeGeometry.Mode.BICUBIC) {
      CubicResize.backward(gradOut, geometry, gradX);
      return;
    }
    ResizeAxis rows = axis(gradX, gradOut, 1, geometry);
    ResizeAxis cols = axis(gradX, gradOut, 2, geometry);
    float[] g = gradOut.floats();
    float[] gx = gradX.floats();
    int c = gradX.dim(3);
    int groups = (rows.inputs + GRADIENT_ROWS - 1) / GRADIENT_ROWS;
    Parallel.forEach(
        gradX.dim(0) * groups,
        task -> {
          int first = task % groups * GRADIENT_ROWS;
          int end = Math.min(rows.inputs, first + GRADIENT_ROWS);
          gatherRows(g, gx, task / groups, first, end, rows, cols, c);
        });
  }

  /** Gradients of the input rows first … end − 1 of a sample. */
  private static void gatherRows(
      float[] g,
      float[] gx,
      int sample,
      int first,
      int end,
      ResizeAxis rows,
      ResizeAxis cols,
      int c) {
    int width = cols.inputs * c;
    int to = sample * rows.inputs * width;
    Arrays.fill(gx, to + first * width, to + end * width, 0f);
    float[] row = Scratch.floats(Scratch.Slot.ROWS, width);
    for (int y = firstReader(rows, first); y < rows.outputs && rows.low[y] < end; y++) {
      int from = (sample * rows.outputs + y) * cols.outputs * c;
      gatherColumns(g, from, cols, c, row);
      int low = rows.low[y];
      int high = rows.high[y];
      float f = high == low ? 0f : rows.fraction[y];
      if (low >= first) {
        addScaled(row, 1f - f, gx, to + low * width, width);
      }
      if (f != 0 && high >= first && high < end) {
        addScaled(row, f, gx, to + high * width, width);
      }
    }
  }

  /** The first output that reads input {@code i} or a later one. */
  private static int firstReader(ResizeAxis axis, int i) {
    return axis.start[i] < axis.output.length ? axis.output[axis.start[i]] : axis.outputs;
  }

  /** row[i] = Σ weight·g over the outputs that read input pixel i. */
  private static void gatherColumns(float[] g, int from, ResizeAxis cols, int c, float[] row) {
    for (int i = 0; i < cols.inputs; i++) {
      gatherPixel(
          g, from, cols.output, cols.weight, cols.start[i], cols.start[i + 1], c, row, i * c);
    }
  }

  private static void gatherPixel(
      float[] g,
      int from,
      int[] output,
      float[] weight,
      int first,
      int end,
      int c,
      float[] row,
      int at) {
    int j = 0;
    for (; j <= c - LANES; j += LANES) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int k = first; k < end; k++) {
        FloatVector v = FloatVector.fromArray(SPECIES, g, from + output[k] * c + j);
        sum = v.fma(FloatVector.broadcast(SPECIES, weight[k]), sum);
      }
      sum.intoArray(row, at + j);
    }
    for (; j < c; j++) {
      float sum = 0;
      for (int k = first; k < end; k++) {
        sum = Math.fma(g[from + output[k] * c + j], weight[k], sum);
      }
      row[at + j] = sum;
    }
  }

  @Override
  public void maxPool2d(Tensor x, int kernel, int stride, int padding, Tensor out, Tensor argmax) {
    if (x.dtype() == DType.FLOAT64) {
      reference.maxPool2d(x, kernel, stride, padding, out, argmax);
      return;
    }
    MaxPool.forward(x, kernel, stride, padding, out, argmax);
  }

  @Override
  public void maxPool2dBackward(
      Tensor gradOut, Tensor argmax, int kernel, int stride, int padding, Tensor gradX) {
    if (gradOut.dtype() == DType.FLOAT64) {
      reference.maxPool2dBackward(gradOut, argmax, kernel, stride, padding, gradX);
      return;
    }
    MaxPool.backward(gradOut, argmax, kernel, stride, padding, gradX);
  }

  private static void addScaled(float[] row, float f, float[] gx, int at, int n) {
    FloatVector factor = FloatVector.broadcast(SPECIES, f);
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, row, i)
          .fma(factor, FloatVector.fromArray(SPECIES, gx, at + i))
          .intoArray(gx, at + i);
    }
    for (; i < n; i++) {
      gx[at + i] = Math.fma(row[i], f, gx[at + i]);
    }
  }
}
