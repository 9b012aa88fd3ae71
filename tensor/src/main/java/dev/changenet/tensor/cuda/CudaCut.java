package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;

/**
 * How the blocks of a launch cut a [batch, rows, columns] array; {@code Cut} of columns.cuh. A
 * block has a tile of 2^laneBits packs of columns and a chunk of rows. It depends on the shape
 * alone, so that sums do.
 *
 * @param laneBits log₂ of the packs that the threads of a block have side by side
 * @param tiles tiles of columns
 * @param chunkRows rows of a chunk
 * @param chunks chunks of one sample's rows
 */
record CudaCut(int rows, int columns, int laneBits, int tiles, int chunkRows, int chunks) {
  /** Threads of a block. */
  static final int THREADS = 256;

  private static final int FINISH_THREADS = 512;

  /** Blocks of a launch that adds up: eight for each of 132 multiprocessors. */
  private static final int SUM_BLOCKS = 1056;

  /** Elements of {@code dtype} in 16 bytes. */
  static int pack(DType dtype) {
    return 16 / dtype.bytes();
  }

  /** Cuts for a pass without sums: few rows to a block. */
  static CudaCut pass(int rows, int columns, DType dtype) {
    return of(rows, columns, dtype, 4, Integer.MAX_VALUE);
  }

  /** Cuts for sums over rows, in few chunks. */
  static CudaCut sums(int batch, int rows, int columns, DType dtype) {
    return of(rows, columns, dtype, 8, Math.max(1, SUM_BLOCKS / batch));
  }

  private static CudaCut of(int rows, int columns, DType dtype, int passes, int maxBlocks) {
    int pack = columns % pack(dtype) == 0 ? pack(dtype) : 1;
    int packs = columns / pack;
    int laneBits = Math.min(5, log2(packs));
    int tiles = ceilDiv(packs, 1 << laneBits);
    int step = THREADS >> laneBits;
    int least = ceilDiv(rows, Math.max(1, maxBlocks / tiles));
    int chunkRows = ceilDiv(Math.max(least, passes * step), step) * step;
    return new CudaCut(rows, columns, laneBits, tiles, chunkRows, ceilDiv(rows, chunkRows));
  }

  /** ⌈log₂ n⌉. */
  static int log2(int n) {
    return 32 - Integer.numberOfLeadingZeros(n - 1);
  }

  static int ceilDiv(int n, int d) {
    return (int) (((long) n + d - 1) / d);
  }

  /** Adds this cut to the arguments of a launch and starts it. */
  void run(CudaLaunch launch, int batch) {
    launch
        .i32(rows)
        .i32(columns)
        .i32(laneBits)
        .i32(tiles)
        .i32(chunkRows)
        .i32(chunks)
        .run(Math.multiplyExact(batch * tiles, chunks), 1, 1, THREADS, 0);
  }

  /**
   * Whether the partial sums of one chunk, one quantity and float32 results need no second pass.
   */
  boolean direct(Tensor out) {
    return chunks == 1 && out.dtype() == DType.FLOAT32;
  }

  /**
   * Adds up partial sums [batch, chunks, columns] over chunks. Columns below {@code split} go to
   * {@code first}, the others to {@code second}; either may be null.
   */
  static void finish(
      CudaDevice device,
      Tensor partial,
      int batch,
      int chunks,
      int columns,
      int split,
      Tensor first,
      Tensor second) {
    DType dtype = (first == null ? second : first).dtype();
    device
        .launch("elementwise", "column_finish_" + CudaDevice.suffix(dtype))
        .tensor(partial)
        .i32(chunks)
        .i32(columns)
        .i32(split)
        .tensor(first)
        .tensor(second)
        .run(Math.multiplyExact(batch, ceilDiv(columns, 32)), 1, 1, FINISH_THREADS, 0);
  }
}
