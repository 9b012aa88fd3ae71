package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.Elementwise;
import java.util.Locale;

/**
 * Elementwise ops, one pass over memory each. Activations are float32, bfloat16 or float16;
 * parameters and their gradients may be float32 beside them.
 */
final class CudaElementwise implements Elementwise {
  private static final String FAMILY = "elementwise";
  private static final int THREADS = CudaCut.THREADS;

  /** Up to this many rows or columns a transposition needs no tiles. */
  private static final int NARROW = 16;

  private final CudaDevice device;

  CudaElementwise(CudaDevice device) {
    this.device = device;
  }

  private CudaLaunch launch(String kernel, DType dtype) {
    return device.launch(FAMILY, kernel + "_" + CudaDevice.suffix(dtype));
  }

  /** Blocks for a loop over packs of {@code pack} elements. */
  static int blocks(CudaDevice device, long elements, int pack) {
    long packs = (elements + pack - 1) / pack;
    return (int) Math.clamp((packs + THREADS - 1) / THREADS, 1, 32L * device.multiprocessors());
  }

  private void flat(CudaLaunch launch, long elements, int pack) {
    launch.i64(elements).run(blocks(device, elements, pack), 1, 1, THREADS, 0);
  }

  private void flat(CudaLaunch launch, Tensor out) {
    flat(launch, out.elements(), CudaCut.pack(out.dtype()));
  }

  private static boolean empty(Tensor t) {
    return t.elements() == 0;
  }

  @Override
  public void fill(Tensor x, double value) {
    if (empty(x)) {
      return;
    }
    flat(
        device.launch(FAMILY, "fill_b" + x.dtype().bytes()).tensor(x).i64(bits(x.dtype(), value)),
        x);
  }

  /** Fills {@code x}, which may be null, with zeros. */
  static void zero(CudaDevice device, Tensor x) {
    if (x != null && !empty(x)) {
      device
          .launch(FAMILY, "fill_b" + x.dtype().bytes())
          .tensor(x)
          .i64(0)
          .i64(x.elements())
          .run(blocks(device, x.elements(), CudaCut.pack(x.dtype())), 1, 1, THREADS, 0);
    }
  }

  private static long bits(DType dtype, double value) {
    return switch (dtype) {
      case FLOAT32 -> Float.floatToRawIntBits((float) value);
      case FLOAT64 -> Double.doubleToRawLongBits(value);
      case INT32 -> (int) value;
      case INT64 -> (long) value;
      case FLOAT16 -> Float.floatToFloat16((float) value);
      case BFLOAT16 -> bfloat16((float) value);
    };
  }

  private static int bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return 0x7fff;
    }
    return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }

  @Override
  public void copy(Tensor x, Tensor out) {
    if (x.dtype() != out.dtype()) {
      cast(x, out);
    } else if (!empty(x)) {
      flat(device.launch(FAMILY, "copy_bytes").tensor(x).tensor(out), x.storage().bytes(), 16);
    }
  }

  @Override
  public void cast(Tensor x, Tensor out) {
    if (x.dtype() == out.dtype()) {
      copy(x, out);
    } else if (!empty(x)) {
      String kernel = "cast_" + CudaDevice.suffix(x.dtype());
      flat(launch(kernel, out.dtype()).tensor(x).tensor(out), x.elements(), 8);
    }
  }

  @Override
  public void add(Tensor a, Tensor b, float alpha, Tensor out) {
    if (!empty(out)) {
      flat(launch("add", out.dtype()).tensor(a).tensor(b).f32(alpha).tensor(out), out);
    }
  }

  @Override
  public void addRepeated(Tensor a, Tensor b, Tensor out) {
    if (empty(out)) {
      return;
    }
    int n = Math.toIntExact(b.elements());
    CudaCut cut = CudaCut.pass(Math.toIntExact(a.elements() / n), n, a.dtype());
    String kernel = "add_repeated_" + CudaDevice.suffix(a.dtype());
    cut.run(launch(kernel, b.dtype()).tensor(a).tensor(b).tensor(out), 1);
  }

  /**
   * out[r, c] = x[r, c] + b[c], or the ReLU of it; out may be x.
   *
   * @param x [M…, C]
   * @param b [C], float32; null for a ReLU alone
   */
  void biasRows(Tensor x, Tensor b, boolean relu, Tensor out) {
    if (b == null) {
      activation(Activation.RELU, x, out);
    } else if (!empty(out)) {
      CudaCut cut = CudaCut.pass(x.rows(), x.dim(-1), x.dtype());
      cut.run(launch("bias_rows", x.dtype()).tensor(x).tensor(b).i32(relu ? 1 : 0).tensor(out), 1);
    }
  }

  @Override
  public void sumLeading(Tensor x, Tensor out) {
    sum(x, 1, Math.toIntExact(out.elements()), out);
  }

  /** out [batch, columns] = sums over the rows of x [batch, rows, columns]. */
  private void sum(Tensor x, int batch, int columns, Tensor out) {
    if (empty(out)) {
      return;
    }
    int rows = Math.toIntExact(x.elements() / columns / batch);
    CudaCut cut = CudaCut.sums(batch, Math.max(1, rows), columns, x.dtype());
    if (rows == 0) {
      fill(out, 0);
    } else if (cut.direct(out)) {
      cut.run(launch("column_sums", x.dtype()).tensor(x).tensor(out), batch);
    } else {
      try (Tensor partial = device.scratch((long) batch * cut.chunks() * columns)) {
        cut.run(launch("column_sums", x.dtype()).tensor(x).tensor(partial), batch);
        CudaCut.finish(device, partial, batch, cut.chunks(), columns, columns, out, null);
      }
    }
  }

  @Override
  public void scale(Tensor x, float alpha, Tensor out) {
    if (!empty(out)) {
      flat(launch("scale", x.dtype()).tensor(x).f32(alpha).tensor(out), out);
    }
  }

  @Override
  public void scaleBy(Tensor x, Tensor factor, Tensor out) {
    if (!empty(out)) {
      flat(launch("scale_by", x.dtype()).tensor(x).tensor(factor).tensor(out), out);
    }
  }

  private static String name(Activation f) {
    return f.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public void activation(Activation f, Tensor x, Tensor out) {
    if (f == Activation.NONE) {
      copy(x, out);
    } else if (!empty(out)) {
      flat(launch("activation_" + name(f), x.dtype()).tensor(x).tensor(out), out);
    }
  }

  @Override
  public void activationBackward(Activation f, Tensor x, Tensor gradOut, Tensor gradX) {
    if (f == Activation.NONE) {
      copy(gradOut, gradX);
    } else if (!empty(gradX)) {
      String kernel = "activation_backward_" + name(f);
      flat(launch(kernel, x.dtype()).tensor(x).tensor(gradOut).tensor(gradX), gradX);
    }
  }

  @Override
  public void swiglu(Tensor x, Tensor out) {
    if (!empty(out)) {
      CudaCut cut = CudaCut.pass(out.rows(), out.dim(-1), out.dtype());
      cut.run(launch("swiglu", x.dtype()).tensor(x).tensor(out), 1);
    }
  }

  @Override
  public void swigluBackward(Tensor x, Tensor gradOut, Tensor gradX) {
    if (!empty(gradOut)) {
      CudaCut cut = CudaCut.pass(gradOut.rows(), gradOut.dim(-1), gradOut.dtype());
      cut.run(launch("swiglu_backward", x.dtype()).tensor(x).tensor(gradOut).tensor(gradX), 1);
    }
  }

  @Override
  public void addPerSample(Tensor x, Tensor y, Tensor out) {
    if (!empty(out)) {
      CudaCut cut = CudaCut.pass(x.rows(), x.dim(-1), x.dtype());
      int perSample = x.rows() / x.dim(0);
      cut.run(
          launch("add_per_sample", x.dtype()).tensor(x).tensor(y).i32(perSample).tensor(out), 1);
    }
  }

  @Override
  public void sumPerSample(Tensor x, Tensor out) {
    sum(x, x.dim(0), x.dim(-1), out);
  }

  /** The factors on the device, or null. */
  private Tensor factors(float[] sampleScale) {
    return sampleScale == null ? null : device.temporary(sampleScale);
  }

  @Override
  public void residual(Tensor x, Tensor y, Tensor gamma, float[] sampleScale, Tensor out) {
    if (empty(out)) {
      return;
    }
    CudaCut cut = CudaCut.pass(x.rows(), x.dim(-1), x.dtype());
    try (Tensor factors = factors(sampleScale)) {
      cut.run(
          launch("residual", x.dtype())
              .tensor(x)
              .tensor(y)
              .tensor(gamma)
              .tensor(factors)
              .i32(x.rows() / x.dim(0))
              .tensor(out),
          1);
    }
  }

  @Override
  public void residualBackward(
      Tensor gradOut, Tensor y, Tensor gamma, float[] sampleScale, Tensor gradY, Tensor gradGamma) {
    if (empty(gradOut)) {
      zero(device, gradGamma);
      return;
    }
    int rows = gradOut.rows();
    int c = gradOut.dim(-1);
    DType dtype = gradOut.dtype();
    CudaCut cut =
        gradGamma == null ? CudaCut.pass(rows, c, dtype) : CudaCut.sums(1, rows, c, dtype);
    boolean direct = gradGamma == null || cut.direct(gradGamma);
    try (Tensor factors = factors(sampleScale);
        Tensor partial = direct ? null : device.scratch((long) cut.chunks() * c)) {
      cut.run(
          launch("residual_backward", dtype)
              .tensor(gradOut)
              .tensor(y)
              .tensor(gamma)
              .tensor(factors)
              .i32(rows / gradOut.dim(0))
              .tensor(gradY)
              .tensor(direct ? gradGamma : partial),
          1);
      if (!direct) {
        CudaCut.finish(device, partial, 1, cut.chunks(), c, c, gradGamma, null);
      }
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
    if (src.dtype() != dst.dtype()) {
      throw new IllegalArgumentException(
          "copy: source is "
              + src.dtype()
              + ", destination "
              + dst.dtype()
              + "; both must have one type");
    }
    if (length == 0 || blocks == 0) {
      return;
    }
    int size = src.dtype().bytes();
    long strides = blocks == 1 ? 0 : srcStride | dstStride;
    // The largest unit that all offsets are multiples of.
    long odd = (srcStart | dstStart | strides | length) * size | 16;
    int unit = (int) Long.lowestOneBit(odd);
    int units = unit / size;
    int unitLength = length / units;
    device
        .launch(FAMILY, "copy_blocks_b" + unit)
        .tensor(src)
        .i64(srcStart / units)
        .i64(srcStride / units)
        .tensor(dst)
        .i64(dstStart / units)
        .i64(dstStride / units)
        .i32(unitLength)
        .i32(blocks)
        .run(blocks(device, (long) unitLength * blocks, 1), 1, 1, THREADS, 0);
  }

  @Override
  public void transpose(Tensor x, int batch, int rows, int cols, Tensor out) {
    if (empty(x)) {
      return;
    }
    if (rows == 1 || cols == 1) {
      copy(x, out);
      return;
    }
    int size = x.dtype().bytes();
    if (Math.min(rows, cols) <= NARROW) {
      long threads = (long) batch * Math.max(rows, cols);
      device
          .launch(FAMILY, "transpose_narrow_b" + size)
          .tensor(x)
          .i32(rows)
          .i32(cols)
          .tensor(out)
          .i64(threads)
          .run(blocks(device, threads, 1), 1, 1, THREADS, 0);
      return;
    }
    int side = 128 / size;
    int tiles = Math.multiplyExact(CudaCut.ceilDiv(rows, side), CudaCut.ceilDiv(cols, side));
    device
        .launch(FAMILY, "transpose_b" + size)
        .tensor(x)
        .i32(rows)
        .i32(cols)
        .tensor(out)
        .run(Math.multiplyExact(batch, tiles), 1, 1, THREADS, 0);
  }

  /**
   * out [O, kh, kw, I] from float32 weights [O, I, kh, kw], in out's type.
   *
   * @param w of rank 4
   */
  void weightsToKhwi(Tensor w, Tensor out) {
    weights(
        device.launch(FAMILY, "weights_to_khwi_f32_" + CudaDevice.suffix(out.dtype())), w, w, out);
  }

  /** Float32 out [O, I, kh, kw] from w [O, kh, kw, I] of any type: the way back, for gradients. */
  void weightsFromKhwi(Tensor w, Tensor out) {
    String kernel = "weights_from_khwi_" + CudaDevice.suffix(w.dtype()) + "_f32";
    weights(device.launch(FAMILY, kernel), out, w, out);
  }

  private static void weights(CudaLaunch launch, Tensor oihw, Tensor w, Tensor out) {
    int inputs = oihw.dim(1);
    launch
        .tensor(w)
        .i32(inputs)
        .i32(oihw.dim(2) * oihw.dim(3))
        .tensor(out)
        .run(Math.multiplyExact(oihw.dim(0), CudaCut.ceilDiv(inputs, THREADS)), 1, 1, THREADS, 0);
  }
}
