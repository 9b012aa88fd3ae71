package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling;

/**
 * Bilinear reads. Gradients by what was read are gathered: a block holds some cells' sums and walks
 * over all readers of a chunk in order, so no atomics are needed.
 */
final class CudaSampling implements Sampling {
  private static final String FAMILY = "sampling";
  private static final int THREADS = 256;

  // Limits of the kernels, as in the source.
  private static final int MAX_LEVELS = 8;
  private static final int MAX_SIZE = 32767;
  private static final int GATHER_CELLS = 8192;
  private static final int GATHER_ROWS = 2048;
  private static final int GATHER_POINTS = 128;
  private static final int TABLE_CELLS = 32;

  /** Blocks that keep a GPU busy; with fewer, the queries are cut into chunks. */
  private static final int ENOUGH_BLOCKS = 1024;

  private final CudaDevice device;

  CudaSampling(CudaDevice device) {
    this.device = device;
  }

  private static void requireFloat32(Tensor t, String what) {
    if (t.dtype() != DType.FLOAT32) {
      throw new IllegalArgumentException(what + " is " + t.dtype() + ", expected FLOAT32");
    }
  }

  private static void requireLimits(Levels levels, Tensor reference, int width, int points) {
    requireFloat32(reference, "deformableAttention: reference");
    boolean sizes = levels.count() <= MAX_LEVELS;
    for (int l = 0; sizes && l < levels.count(); l++) {
      sizes = levels.heights()[l] <= MAX_SIZE && levels.widths()[l] <= MAX_SIZE;
    }
    if (!sizes || width > GATHER_ROWS || points > GATHER_POINTS) {
      throw new IllegalArgumentException(
          "deformableAttention: "
              + levels.count()
              + " levels, heads of width "
              + width
              + ", "
              + points
              + " points; the GPU takes at most "
              + MAX_LEVELS
              + " levels of "
              + MAX_SIZE
              + " pixels a side, width "
              + GATHER_ROWS
              + " and "
              + GATHER_POINTS
              + " points");
    }
  }

  private static CudaLaunch sizes(CudaLaunch launch, Levels levels) {
    for (int l = 0; l < MAX_LEVELS; l++) {
      launch.i32(l < levels.count() ? levels.heights()[l] << 16 | levels.widths()[l] : 0);
    }
    return launch;
  }

  private static int vector(int width) {
    return width % 4 == 0 ? 4 : 1;
  }

  private CudaLaunch launch(String kernel, Tensor t) {
    return device.launch(FAMILY, kernel + "_" + CudaDevice.suffix(t.dtype()));
  }

  @Override
  public void deformableAttention(
      Tensor value,
      Levels levels,
      Tensor reference,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points,
      Tensor out) {
    int width = out.dim(2) / heads;
    requireLimits(levels, reference, width, points);
    int vector = vector(width);
    long count = out.elements() / vector;
    CudaLaunch launch =
        launch("deformable_v" + vector, out)
            .tensor(value)
            .tensor(reference)
            .tensor(offsets)
            .tensor(weights)
            .tensor(out)
            .i32(value.dim(1))
            .i32(out.dim(1))
            .i32(heads)
            .i32(width)
            .i32(levels.count())
            .i32(points);
    sizes(launch, levels).i64(count).run(CudaGrid.blocks(device, count, THREADS), 1, 1, THREADS, 0);
  }

  @Override
  public void deformableAttentionBackward(
      Tensor gradOut,
      Tensor value,
      Levels levels,
      Tensor reference,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points,
      Tensor gradValue,
      Tensor gradOffsets,
      Tensor gradWeights) {
    int width = gradOut.dim(2) / heads;
    requireLimits(levels, reference, width, points);
    if (gradOffsets != null || gradWeights != null) {
      long count = (long) gradOut.dim(0) * gradOut.dim(1) * heads;
      CudaLaunch launch =
          launch("deformable_backward_points_v" + vector(width), gradOut)
              .tensor(gradOut)
              .tensor(value)
              .tensor(reference)
              .tensor(offsets)
              .tensor(weights)
              .tensor(gradOffsets)
              .tensor(gradWeights)
              .i32(value.dim(1))
              .i32(gradOut.dim(1))
              .i32(heads)
              .i32(width)
              .i32(levels.count())
              .i32(points);
      sizes(launch, levels)
          .i64(count)
          .run(CudaGrid.blocks(device, 8 * count, THREADS), 1, 1, THREADS, 0);
    }
    if (gradValue != null) {
      gradValue(gradOut, levels, reference, offsets, weights, heads, points, gradValue);
    }
  }

  private void gradValue(
      Tensor gradOut,
      Levels levels,
      Tensor reference,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points,
      Tensor gradValue) {
    int width = gradOut.dim(2) / heads;
    int perBlock = GATHER_CELLS / width;
    int atOnce = Math.min(GATHER_POINTS / points, GATHER_ROWS / width);
    int ranges = 0;
    for (int l = 0; l < levels.count(); l++) {
      ranges += (levels.heights()[l] * levels.widths()[l] + perBlock - 1) / perBlock;
    }
    int queries = gradOut.dim(1);
    int samples = gradOut.dim(0);
    int most = (queries + atOnce - 1) / atOnce;
    int wanted = (ENOUGH_BLOCKS + ranges * heads * samples - 1) / (ranges * heads * samples);
    int perChunk = (most + Math.min(most, wanted) - 1) / Math.min(most, wanted) * atOnce;
    int chunks = (queries + perChunk - 1) / perChunk;
    boolean parts = chunks > 1;
    try (Tensor partial = parts ? device.scratch(chunks * gradValue.elements()) : null) {
      CudaLaunch launch =
          launch("deformable_backward_value" + (parts ? "_part" : ""), gradOut)
              .tensor(gradOut)
              .tensor(reference)
              .tensor(offsets)
              .tensor(weights)
              .tensor(parts ? partial : gradValue)
              .i32(gradValue.dim(1))
              .i32(queries)
              .i32(width)
              .i32(levels.count())
              .i32(points)
              .i32(perBlock)
              .i32(atOnce)
              .i32(samples)
              .i32(perChunk);
      sizes(launch, levels).run(ranges, heads, samples * chunks, THREADS, 0);
      if (parts) {
        launch("deformable_value_sum", gradValue)
            .tensor(partial)
            .tensor(gradValue)
            .i32(chunks)
            .i64(gradValue.elements())
            .run(CudaGrid.blocks(device, gradValue.elements(), THREADS), 1, 1, THREADS, 0);
      }
    }
  }

  @Override
  public void sampleTable(Tensor table, Tensor positions, Tensor keep, Tensor out) {
    requireFloat32(table, "sampleTable: table");
    requireFloat32(positions, "sampleTable: positions");
    requireFloat32(keep, "sampleTable: keep");
    launch("sample_table", out)
        .tensor(table)
        .tensor(positions)
        .tensor(keep)
        .tensor(out)
        .i32(table.dim(0))
        .i32(table.dim(1))
        .i32(table.dim(2))
        .i32(positions.dim(1))
        .i64(out.elements())
        .run(CudaGrid.blocks(device, out.elements(), THREADS), 1, 1, THREADS, 0);
  }

  @Override
  public void sampleTableBackward(Tensor gradOut, Tensor positions, Tensor keep, Tensor gradTable) {
    requireFloat32(gradTable, "sampleTable: gradTable");
    requireFloat32(positions, "sampleTable: positions");
    requireFloat32(keep, "sampleTable: keep");
    int cells = gradTable.dim(0) * gradTable.dim(1);
    launch("sample_table_backward", gradOut)
        .tensor(gradOut)
        .tensor(positions)
        .tensor(keep)
        .tensor(gradTable)
        .i32(gradTable.dim(0))
        .i32(gradTable.dim(1))
        .i32(gradTable.dim(2))
        .i32(positions.dim(0))
        .i32(positions.dim(1))
        .run((cells + TABLE_CELLS - 1) / TABLE_CELLS, 1, 1, THREADS, 0);
  }
}
