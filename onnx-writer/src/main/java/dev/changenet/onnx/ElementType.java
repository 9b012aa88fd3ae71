package dev.changenet.onnx;

/** Element types that exported graphs use, with their ONNX codes. */
public enum ElementType {
  FLOAT(1, 4),
  INT64(7, 8);

  private final int code;
  private final int bytes;

  ElementType(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /** Value of {@code TensorProto.data_type}. */
  public int code() {
    return code;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }
}
