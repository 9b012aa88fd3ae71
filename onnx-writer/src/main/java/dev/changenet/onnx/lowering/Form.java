package dev.changenet.onnx.lowering;

/** Memory order of a value in the exported graph. */
enum Form {
  /** [B, C, H, W]. */
  MAP,
  /** The engine's order, channels last: [B, N, C], or [B, C] and the like for other ranks. */
  ROWS
}
