package dev.changenet.export;

import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.backbone.FanBackbone;
import dev.changenet.config.ExportSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.Parameter;
import dev.changenet.onnx.OnnxModel;
import dev.changenet.onnx.lowering.GraphLowering;
import dev.changenet.onnx.lowering.LoweringOptions;
import dev.changenet.onnx.lowering.SineTable;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Traces a network in evaluation mode and lowers the trace, with TAO's tensor names. */
public final class OnnxExport {
  /** Inputs: image A, image B, normalised, N×3×H×W. */
  public static final List<String> INPUTS = List.of("input0", "input1");

  /** Outputs: four auxiliary logit maps, coarsest first, then the full-resolution one. */
  public static final List<String> OUTPUTS =
      List.of("output0", "output1", "output2", "output3", "output_final");

  /** Height and width of FAN encoders are multiples of this. */
  static final int SIZE_STEP = 16;

  /**
   * Size traced for an open one. Height and width differ, and all maps have more than one pixel, so
   * that whatever depends on the size shows.
   */
  private static final int TRACED_HEIGHT = 4 * SIZE_STEP;

  private static final int TRACED_WIDTH = 6 * SIZE_STEP;

  private OnnxExport() {}

  /** Lowers {@code net} as {@code export} says, with operator set {@code opset}. */
  static OnnxModel lower(
      ChangeNet net, ExportSpec export, int opset, Map<String, String> metadata) {
    if (export.dynamicSize()) {
      return lowerOpen(net, export.batchSize(), opset, metadata);
    }
    return lower(
        net, export.batchSize(), export.inputHeight(), export.inputWidth(), opset, metadata);
  }

  /**
   * Lowers {@code net}, which is switched to evaluation mode.
   *
   * @param batch fixed batch size, or −1 for a dynamic one
   */
  public static OnnxModel lower(
      ChangeNet net, int batch, int height, int width, int opset, Map<String, String> metadata) {
    return lower(net, batch, height, width, opset, Optional.empty(), metadata);
  }

  /** Lowers a network with a FAN encoder to a graph of open height and width. */
  static OnnxModel lowerOpen(ChangeNet net, int batch, int opset, Map<String, String> metadata) {
    SineTable positions =
        new SineTable(
            FanBackbone.POSITION_CHANNELS,
            FanBackbone.POSITION_TEMPERATURE,
            FanBackbone.POSITION_EPS);
    return lower(
        net,
        batch,
        TRACED_HEIGHT,
        TRACED_WIDTH,
        opset,
        Optional.of(new LoweringOptions.OpenSize(positions)),
        metadata);
  }

  private static OnnxModel lower(
      ChangeNet net,
      int batch,
      int height,
      int width,
      int opset,
      Optional<LoweringOptions.OpenSize> openSize,
      Map<String, String> metadata) {
    net.eval();
    Map<Variable, String> names = new IdentityHashMap<>();
    for (Parameter p : net.parameters()) {
      names.put(p, p.name());
    }
    int traced = batch < 0 ? 1 : batch;
    try (Scope _ = Scope.open();
        NoGrad _ = NoGrad.open();
        Trace trace = Trace.open()) {
      Shape shape = Shape.of(traced, height, width, 3);
      Variable a = new Variable(Tensor.full(shape, DType.FLOAT32, net.device(), 1));
      Variable b = new Variable(Tensor.full(shape, DType.FLOAT32, net.device(), 1));
      List<Variable> outputs = net.forward(a, b);
      // The file's constants take as much memory as the packed weights did.
      net.forgetDerived();
      HeapStorage.trimPool();
      return GraphLowering.lower(
          trace,
          List.of(a, b),
          INPUTS,
          outputs,
          OUTPUTS,
          names,
          new LoweringOptions(opset, batch < 0, true, openSize, metadata));
    }
  }
}
