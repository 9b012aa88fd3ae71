package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Normalization;

/** Layer norm with the row in registers, batch norm in passes over columns. */
final class CudaNormalization implements Normalization {
  private static final String FAMILY = "normalization";
  private static final int THREADS = CudaCut.THREADS;
  private static final int FINISH_THREADS = 512;

  /** Blocks of a backward pass of layer norm, whatever the GPU: sums depend on it. */
  private static final int BACKWARD_BLOCKS = 528;

  /** Packs per lane that layer norm's kernels hold. */
  private static final int[] PACKS = {1, 2, 3, 4, 8};

  private final CudaDevice device;

  CudaNormalization(CudaDevice device) {
    this.device = device;
  }

  private CudaLaunch launch(String kernel, DType dtype) {
    return device.launch(FAMILY, kernel + "_" + CudaDevice.suffix(dtype));
  }

  /**
   * How a row lies in the registers of a warp: 2^laneBits lanes with up to {@code packs} packs
   * each; 0 packs when it doesn't fit.
   */
  private record RowPacks(int laneBits, int packs) {
    static RowPacks of(int columns, DType dtype, int most) {
      int pack = CudaCut.pack(dtype);
      int all = columns / pack;
      int laneBits = Math.min(5, CudaCut.log2(Math.max(1, all)));
      int perLane = CudaCut.ceilDiv(all, 1 << laneBits);
      if (columns % pack == 0) {
        for (int packs : PACKS) {
          if (perLane <= packs && packs <= most) {
            return new RowPacks(laneBits, packs);
          }
        }
      }
      return new RowPacks(5, 0);
    }

    boolean fits() {
      return packs > 0;
    }

    int rowsPerBlock() {
      return THREADS >> laneBits;
    }
  }

  @Override
  public void layerNorm(
      Tensor x,
      Tensor w,
      Tensor b,
      double eps,
      boolean unbiased,
      Tensor out,
      Tensor mean,
      Tensor rstd) {
    int c = x.dim(-1);
    int rows = x.rows();
    if (rows == 0) {
      return;
    }
    RowPacks packs = RowPacks.of(c, x.dtype(), 8);
    CudaLaunch launch =
        launch(packs.fits() ? "layer_norm_p" + packs.packs : "layer_norm_any", x.dtype())
            .tensor(x)
            .tensor(w)
            .tensor(b)
            .f32((float) eps)
            .i32(unbiased ? c - 1 : c)
            .i32(rows)
            .i32(c);
    if (packs.fits()) {
      launch.i32(packs.laneBits);
    }
    launch
        .tensor(out)
        .tensor(mean)
        .tensor(rstd)
        .run(CudaCut.ceilDiv(rows, packs.rowsPerBlock()), 1, 1, THREADS, 0);
  }

  @Override
  public void layerNormBackward(
      Tensor gradOut,
      Tensor x,
      Tensor w,
      Tensor mean,
      Tensor rstd,
      boolean unbiased,
      Tensor gradX,
      Tensor gradW,
      Tensor gradB) {
    int c = x.dim(-1);
    int rows = x.rows();
    int divisor = unbiased ? c - 1 : c;
    boolean sums = gradW != null || gradB != null;
    if (rows == 0) {
      CudaElementwise.zero(device, gradW);
      CudaElementwise.zero(device, gradB);
    }
    if (rows == 0 || (!sums && gradX == null)) {
      return;
    }
    RowPacks packs = RowPacks.of(c, x.dtype(), x.dtype() == DType.FLOAT32 ? 8 : 4);
    if (!packs.fits()) {
      layerNormBackwardInParts(gradOut, x, w, mean, rstd, divisor, gradX, gradW, gradB);
      return;
    }
    int group = packs.rowsPerBlock();
    int least = Math.max(CudaCut.ceilDiv(rows, BACKWARD_BLOCKS), 4 * group);
    int chunkRows = CudaCut.ceilDiv(least, group) * group;
    int chunks = CudaCut.ceilDiv(rows, chunkRows);
    try (Tensor partial = sums ? device.scratch((long) chunks * 2 * c) : null) {
      launch("layer_norm_backward_p" + packs.packs, x.dtype())
          .tensor(gradOut)
          .tensor(x)
          .tensor(w)
          .tensor(mean)
          .tensor(rstd)
          .i32(divisor)
          .i32(rows)
          .i32(c)
          .i32(packs.laneBits)
          .i32(chunkRows)
          .tensor(gradX)
          .tensor(partial)
          .run(chunks, 1, 1, THREADS, 0);
      if (sums) {
        CudaCut.finish(device, partial, 1, chunks, 2 * c, c, gradW, gradB);
      }
    }
  }

  /** Rows that don't fit into registers or packs: one pass for gradX, one for the sums. */
  private void layerNormBackwardInParts(
      Tensor gradOut,
      Tensor x,
      Tensor w,
      Tensor mean,
      Tensor rstd,
      int divisor,
      Tensor gradX,
      Tensor gradW,
      Tensor gradB) {
    int c = x.dim(-1);
    int rows = x.rows();
    if (gradX != null) {
      launch("layer_norm_backward_any", x.dtype())
          .tensor(gradOut)
          .tensor(x)
          .tensor(w)
          .tensor(mean)
          .tensor(rstd)
          .i32(divisor)
          .i32(rows)
          .i32(c)
          .tensor(gradX)
          .run(CudaCut.ceilDiv(rows, THREADS / 32), 1, 1, THREADS, 0);
    }
    if (gradW != null || gradB != null) {
      CudaCut cut = CudaCut.sums(1, rows, c, x.dtype());
      try (Tensor partial = device.scratch((long) cut.chunks() * 2 * c)) {
        cut.run(
            launch("layer_norm_columns", x.dtype())
                .tensor(gradOut)
                .tensor(x)
                .tensor(mean)
                .tensor(rstd)
                .tensor(partial),
            1);
        CudaCut.finish(device, partial, 1, cut.chunks(), 2 * c, c, gradW, gradB);
      }
    }
  }

  private static int groups(Tensor x, Tensor statistics) {
    return Math.toIntExact(statistics.elements()) / x.dim(-1);
  }

  @Override
  public void batchStatistics(Tensor x, Tensor mean, Tensor var) {
    int c = x.dim(-1);
    int groups = groups(x, mean);
    CudaCut cut = CudaCut.sums(groups, x.rows() / groups, c, x.dtype());
    try (Tensor partial = device.scratch((long) groups * cut.chunks() * 2 * c)) {
      cut.run(launch("batch_statistics", x.dtype()).tensor(x).tensor(partial), groups);
      device
          .launch(FAMILY, "batch_statistics_finish")
          .tensor(partial)
          .i32(cut.rows())
          .i32(c)
          .i32(cut.chunkRows())
          .i32(cut.chunks())
          .tensor(mean)
          .tensor(var)
          .run(groups * CudaCut.ceilDiv(c, 32), 1, 1, FINISH_THREADS, 0);
    }
  }

  @Override
  public void batchNorm(
      Tensor x, Tensor mean, Tensor var, Tensor w, Tensor b, double eps, Tensor out) {
    if (x.elements() == 0) {
      return;
    }
    int groups = groups(x, mean);
    CudaCut.pass(x.rows() / groups, x.dim(-1), x.dtype())
        .run(
            launch("batch_norm", x.dtype())
                .tensor(x)
                .tensor(mean)
                .tensor(var)
                .tensor(w)
                .tensor(b)
                .f32((float) eps)
                .tensor(out),
            groups);
  }

  @Override
  public void batchNormBackward(
      Tensor gradOut,
      Tensor x,
      Tensor mean,
      Tensor var,
      Tensor w,
      double eps,
      boolean batchStats,
      Tensor gradX,
      Tensor gradW,
      Tensor gradB) {
    int c = x.dim(-1);
    int groups = groups(x, mean);
    boolean through = batchStats && gradX != null;
    // Sums of each group; with one group they are the gradients.
    try (Tensor sumW = groupSums(through, groups, c, gradW);
        Tensor sumB = groupSums(through, groups, c, gradB)) {
      if (sumW != null || sumB != null) {
        batchNormSums(gradOut, x, mean, var, eps, sumW, sumB);
      }
      if (gradX != null) {
        CudaCut.pass(x.rows() / groups, c, x.dtype())
            .run(
                launch("batch_norm_backward", x.dtype())
                    .tensor(gradOut)
                    .tensor(x)
                    .tensor(mean)
                    .tensor(var)
                    .tensor(w)
                    .f32((float) eps)
                    .tensor(through ? sumW : null)
                    .tensor(through ? sumB : null)
                    .tensor(gradX),
                groups);
      }
      if (groups > 1) {
        addGroups(sumW, groups, gradW);
        addGroups(sumB, groups, gradB);
      }
    }
  }

  private Tensor groupSums(boolean through, int groups, int c, Tensor gradient) {
    if (gradient != null && groups == 1) {
      return gradient.share();
    }
    return gradient != null || through ? device.scratch((long) groups * c) : null;
  }

  private void addGroups(Tensor sums, int groups, Tensor gradient) {
    if (gradient != null) {
      int c = Math.toIntExact(gradient.elements());
      CudaCut.finish(device, sums, 1, groups, c, c, gradient, null);
    }
  }

  private void batchNormSums(
      Tensor gradOut, Tensor x, Tensor mean, Tensor var, double eps, Tensor sumW, Tensor sumB) {
    int c = x.dim(-1);
    int groups = groups(x, mean);
    CudaCut cut = CudaCut.sums(groups, x.rows() / groups, c, x.dtype());
    try (Tensor partial = device.scratch((long) groups * cut.chunks() * 2 * c)) {
      cut.run(
          launch("batch_norm_columns", x.dtype())
              .tensor(gradOut)
              .tensor(x)
              .tensor(mean)
              .tensor(var)
              .f32((float) eps)
              .tensor(partial),
          groups);
      CudaCut.finish(device, partial, groups, cut.chunks(), 2 * c, c, sumW, sumB);
    }
  }

  @Override
  public void updateRunning(
      Tensor mean, Tensor var, long n, double momentum, Tensor runningMean, Tensor runningVar) {
    if (n < 2) {
      throw new IllegalArgumentException(
          "batch norm: running variance needs at least 2 values per channel, got "
              + n
              + "; train with a larger batch or image");
    }
    int c = Math.toIntExact(runningMean.elements());
    device
        .launch(FAMILY, "update_running")
        .tensor(mean)
        .tensor(var)
        .i32(Math.toIntExact(mean.elements()) / c)
        .i32(c)
        .f32((float) (1 - momentum))
        .f32((float) momentum)
        .f32((float) ((double) n / (n - 1)))
        .tensor(runningMean)
        .tensor(runningVar)
        .run(CudaCut.ceilDiv(c, THREADS), 1, 1, THREADS, 0);
    runningMean.storage().changed();
    runningVar.storage().changed();
  }
}
