package dev.changenet.onnx.lowering;

import dev.changenet.onnx.OnnxModel;
import java.util.Map;

/**
 * How a graph is exported.
 *
 * @param opset version of the ONNX operator set, 12 to 24
 * @param dynamicBatch true to leave axis 0 open, named {@code batch_size}; false to fix the traced
 *     batch size
 * @param foldBatchNorm true to turn batch norms into constants (folded into the preceding
 *     convolution where that is exact, otherwise Mul and Add); false for BatchNormalization nodes
 * @param metadata properties written into the file
 */
public record LoweringOptions(
    int opset, boolean dynamicBatch, boolean foldBatchNorm, Map<String, String> metadata) {
  public LoweringOptions {
    OnnxModel.requireSupported(opset);
    metadata = Map.copyOf(metadata);
  }
}
