package dev.changenet.onnx.lowering;

import dev.changenet.onnx.OnnxModel;
import java.util.Map;
import java.util.Optional;

/**
 * How a graph is exported.
 *
 * @param opset version of the ONNX operator set, 12 to 24
 * @param dynamicBatch true to leave axis 0 open, named {@code batch_size}; false to fix the traced
 *     batch size
 * @param foldBatchNorm true to turn batch norms into constants (folded into the preceding
 *     convolution where that is exact, otherwise Mul and Add); false for BatchNormalization nodes
 * @param openSize present to leave height and width of the maps open; empty to fix the traced ones
 * @param metadata properties written into the file
 */
public record LoweringOptions(
    int opset,
    boolean dynamicBatch,
    boolean foldBatchNorm,
    Optional<OpenSize> openSize,
    Map<String, String> metadata) {
  public LoweringOptions {
    OnnxModel.requireSupported(opset);
    metadata = Map.copyOf(metadata);
  }

  /** Options for graphs of the traced size. */
  public LoweringOptions(
      int opset, boolean dynamicBatch, boolean foldBatchNorm, Map<String, String> metadata) {
    this(opset, dynamicBatch, foldBatchNorm, Optional.empty(), metadata);
  }

  /**
   * An open size.
   *
   * @param positions the table of positions that the network makes for its size
   */
  public record OpenSize(SineTable positions) {}
}
