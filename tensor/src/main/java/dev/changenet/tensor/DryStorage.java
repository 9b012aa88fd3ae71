package dev.changenet.tensor;

/** Storage of a {@link DryRun}: a type and a length without memory. */
public final class DryStorage extends Storage {
  private final DryRun run = DryRun.current();

  /** Made inside a dry run only. */
  public DryStorage(DType dtype, long length) {
    super(dtype, length);
    run.taken(dtype, length);
  }

  /** An array of zeros in place of the content, made anew at each call. */
  Object zeros() {
    int n = Math.toIntExact(length());
    return switch (dtype()) {
      case FLOAT32 -> new float[n];
      case FLOAT64 -> new double[n];
      case BFLOAT16, FLOAT16 -> new short[n];
      case INT32 -> new int[n];
      case INT64 -> new long[n];
    };
  }

  @Override
  protected void free() {
    run.given(dtype(), length());
  }
}
