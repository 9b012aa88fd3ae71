package dev.changenet.export;

import dev.changenet.config.BackboneType;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.ExportSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.onnx.EtltFile;
import dev.changenet.onnx.OnnxFile;
import dev.changenet.onnx.OnnxModel;
import dev.changenet.onnx.OnnxNode;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.train.Checkpoint;
import dev.changenet.train.RunContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The {@code export} task. */
public final class ExportRun {
  private static final int GRID_SAMPLE = 16;

  private final RunContext context;

  public ExportRun(RunContext context) {
    this.context = context;
  }

  public void run() {
    ExperimentSpec spec = context.spec();
    ExportSpec export = spec.export();
    Path target = export.onnxFile();
    boolean encrypt = target.toString().endsWith(".etlt");
    Path plain = encrypt ? Path.of(target.toString().replaceFirst("\\.etlt$", ".onnx")) : target;
    OnnxModel model;
    try (ChangeNet net = context.buildNetwork()) {
      Checkpoint.loadModel(Checkpoint.open(export.checkpoint()), export.checkpoint(), net);
      model =
          OnnxExport.lower(
              net,
              export.batchSize(),
              export.inputHeight(),
              export.inputWidth(),
              opset(),
              metadata(spec));
    }
    if (export.verbose()) {
      for (OnnxNode node : model.graph().nodes()) {
        context.reporter().info(node.toString());
      }
    }
    if (encrypt) {
      OnnxFile.requireSingleFile(model, target, OnnxFile.SINGLE_FILE_LIMIT);
    }
    OnnxFile.write(model, plain);
    if (encrypt) {
      encrypt(plain, target, spec.encryptionKey().orElse(""));
    }
    context
        .reporter()
        .info(
            "ONNX graph: opset "
                + model.opset()
                + ", "
                + model.graph().nodes().size()
                + " nodes, "
                + model.dataBytes() / (1 << 20)
                + " MiB of weights");
    context.reporter().info("ONNX file stored at " + target);
  }

  /** The requested operator set; deformable attention needs GridSample, which 16 introduced. */
  private int opset() {
    int requested = context.spec().export().opsetVersion();
    BackboneType type = context.spec().model().backbone().type();
    if (type.isFan() || requested >= GRID_SAMPLE) {
      return requested;
    }
    context
        .reporter()
        .info(
            "export.opset_version: "
                + requested
                + " raised to "
                + GRID_SAMPLE
                + ", which "
                + type.key()
                + " needs");
    return GRID_SAMPLE;
  }

  private static void encrypt(Path plain, Path target, String key) {
    try {
      EtltFile.write(target, plain, key);
    } finally {
      try {
        Files.deleteIfExists(plain);
      } catch (IOException e) {
        throw new ChangeNetException(
            plain + ": the unencrypted copy cannot be removed (" + e.getMessage() + ")", e);
      }
    }
  }

  private static Map<String, String> metadata(ExperimentSpec spec) {
    Map<String, String> m = new LinkedHashMap<>();
    m.put("backbone", spec.model().backbone().type().key());
    m.put("num_classes", Integer.toString(spec.segmentData().numClasses()));
    m.put("color_order", "RGB");
    m.put("mean", spec.segmentData().augmentation().mean().toString());
    m.put("std", spec.segmentData().augmentation().std().toString());
    return m;
  }
}
