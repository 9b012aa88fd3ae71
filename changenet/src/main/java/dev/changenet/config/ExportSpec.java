package dev.changenet.config;

import java.nio.file.Path;

/**
 * Section {@code export}.
 *
 * @param checkpoint model to export; null when the spec was loaded for another task and names none
 * @param onnxFile output file (.onnx or .etlt), derived from the checkpoint's name if the spec says
 *     null; null when the spec was loaded for another task and names none
 * @param gpuId GPU index
 * @param onCpu build and trace on the CPU
 * @param inputChannel 3
 * @param inputWidth width in pixels of the exported network
 * @param inputHeight height in pixels of the exported network
 * @param opsetVersion ONNX operator set as requested
 * @param batchSize batch size, -1 for an open one
 * @param verbose print the graph
 * @param format {@code onnx}
 */
public record ExportSpec(
    Path checkpoint,
    Path onnxFile,
    int gpuId,
    boolean onCpu,
    int inputChannel,
    int inputWidth,
    int inputHeight,
    int opsetVersion,
    int batchSize,
    boolean verbose,
    String format) {

  static ExportSpec from(SpecReading reading) {
    String onnxFile = FileChecks.onnxFile(reading);
    return new ExportSpec(
        reading.path("export.checkpoint").orElse(null),
        onnxFile == null ? null : Path.of(onnxFile),
        reading.integer("export.gpu_id"),
        reading.flag("export.on_cpu"),
        reading.integer("export.input_channel"),
        reading.integer("export.input_width"),
        reading.integer("export.input_height"),
        reading.integer("export.opset_version"),
        reading.integer("export.batch_size"),
        reading.flag("export.verbose"),
        reading.text("export.format"));
  }
}
