package dev.changenet.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Section {@code export}.
 *
 * @param checkpoint model to export; null when the spec was loaded for another task and names none
 * @param onnxFile output file (.onnx or .etlt), derived from the checkpoint's name if the spec says
 *     null; null when the spec was loaded for another task and names none
 * @param inputWidth width in pixels of the exported network
 * @param inputHeight height in pixels of the exported network
 * @param opsetVersion ONNX operator set as requested
 * @param batchSize batch size, -1 for an open one
 * @param dynamicSize height and width are open; FAN encoders only
 * @param threshold recorded in the file; empty for none
 * @param proof how the written file is checked
 * @param verbose print the graph
 */
public record ExportSpec(
    Path checkpoint,
    Path onnxFile,
    int inputWidth,
    int inputHeight,
    int opsetVersion,
    int batchSize,
    boolean dynamicSize,
    Optional<ThresholdSpec> threshold,
    Proof proof,
    boolean verbose) {

  /**
   * Section {@code export.proof}.
   *
   * @param enabled run the written file and compare
   * @param pairs pairs to compare
   * @param tolerance largest difference allowed, as a share of an output's largest value
   * @param engine what runs the file: {@code auto}, {@code interpreter} or {@code onnxruntime}
   */
  public record Proof(boolean enabled, int pairs, double tolerance, String engine) {}

  static ExportSpec from(SpecReading reading) {
    String onnxFile = FileChecks.onnxFile(reading);
    return new ExportSpec(
        reading.path("export.checkpoint").orElse(null),
        onnxFile == null ? null : Path.of(onnxFile),
        reading.integer("export.input_width"),
        reading.integer("export.input_height"),
        reading.integer("export.opset_version"),
        reading.integer("export.batch_size"),
        reading.flag("export.dynamic_size"),
        ThresholdSpec.from(reading, ThresholdSpec.EXPORT),
        new Proof(
            reading.flag("export.proof.enabled"),
            reading.integer("export.proof.pairs"),
            reading.number("export.proof.tolerance"),
            reading.text("export.proof.engine")),
        reading.flag("export.verbose"));
  }
}
