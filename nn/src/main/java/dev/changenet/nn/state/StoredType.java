package dev.changenet.nn.state;

/** Element types of stored tensors, with their names in PyTorch and safetensors. */
public enum StoredType {
  FLOAT64(8, "float64", "DoubleStorage", "F64"),
  FLOAT32(4, "float32", "FloatStorage", "F32"),
  FLOAT16(2, "float16", "HalfStorage", "F16"),
  BFLOAT16(2, "bfloat16", "BFloat16Storage", "BF16"),
  INT64(8, "int64", "LongStorage", "I64"),
  INT32(4, "int32", "IntStorage", "I32"),
  INT16(2, "int16", "ShortStorage", "I16"),
  INT8(1, "int8", "CharStorage", "I8"),
  UINT8(1, "uint8", "ByteStorage", "U8"),
  BOOL(1, "bool", "BoolStorage", "BOOL");

  private final int bytes;
  private final String torchName;
  private final String storageClass;
  private final String safetensorsName;

  StoredType(int bytes, String torchName, String storageClass, String safetensorsName) {
    this.bytes = bytes;
    this.torchName = torchName;
    this.storageClass = storageClass;
    this.safetensorsName = safetensorsName;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Returns true for the types that hold whole numbers or truth values. */
  public boolean isIntegral() {
    return ordinal() >= INT64.ordinal();
  }

  /** Returns PyTorch's name without "torch.", for instance "float32". */
  public String torchName() {
    return torchName;
  }

  /** Returns the name of PyTorch's storage class, for instance "FloatStorage". */
  String storageClass() {
    return storageClass;
  }

  /** Returns the type of PyTorch's storage class {@code name}, or null if there is none. */
  static StoredType ofStorageClass(String name) {
    for (StoredType type : values()) {
      if (type.storageClass.equals(name)) {
        return type;
      }
    }
    return null;
  }

  /** Returns the type safetensors calls {@code name}, or null if there is none. */
  static StoredType ofSafetensors(String name) {
    for (StoredType type : values()) {
      if (type.safetensorsName.equals(name)) {
        return type;
      }
    }
    return null;
  }
}
