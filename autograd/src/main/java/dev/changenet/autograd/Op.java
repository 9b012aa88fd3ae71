package dev.changenet.autograd;

/**
 * Every primitive operation that can appear in a graph. Code that handles operations switches over
 * this enum without a default branch, so the compiler lists each place a new one must be added.
 */
public enum Op {
  LINEAR,
  CONV2D,
  /** Two 3×3 convolutions with nothing in between. */
  CONV2D_PAIR,
  CONV_TRANSPOSE2D,
  LAYER_NORM,
  BATCH_NORM,
  ACTIVATION,
  /** Gated activation: silu(first half)·second half. */
  SWIGLU,
  ADD,
  ADD_REPEATED,
  /** One vector per sample, added to every row of it. */
  ADD_PER_SAMPLE,
  SCALE,
  /** The same values in another floating type. */
  CAST,
  RESIDUAL,
  CONCAT,
  NARROW,
  /** Map [B, H, W, C] seen as tokens [B, H·W, C]. */
  MAP_TO_TOKENS,
  /** Tokens [B, H·W, C] seen as a map [B, H, W, C]. */
  TOKENS_TO_MAP,
  /** The same elements under another shape. */
  RESHAPE,
  REPEAT_BATCH,
  SOFTMAX,
  ATTENTION,
  /** Bilinear reads at learned offsets from several maps, weighted. */
  DEFORMABLE_ATTENTION,
  CHANNEL_GATE,
  RESIZE,
  MAX_POOL2D,
  /** Bilinear reads of a table at drawn positions; training only. */
  SAMPLE_TABLE,
  CROSS_ENTROPY,
  FOCAL,
  DICE,
  MM_IOU,
  WEIGHTED_SUM,
  /** Identity that gives idle parameters a zero gradient. */
  ATTACH_IDLE,
  /** A part that backward computes again instead of keeping its activations; training only. */
  CHECKPOINT
}
