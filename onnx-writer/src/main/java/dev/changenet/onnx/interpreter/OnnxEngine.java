package dev.changenet.onnx.interpreter;

import dev.changenet.onnx.OnnxException;
import java.nio.file.Path;
import java.util.Map;

/**
 * Something that runs ONNX files: our interpreter, or ONNX Runtime where it is on the class path.
 */
public interface OnnxEngine extends AutoCloseable {
  /** What computed, for the user. */
  String name();

  /** Computes all outputs from one float array for each input. */
  Map<String, NdArray> run(Map<String, NdArray> inputs);

  @Override
  void close();

  /** Which engine to use. */
  enum Choice {
    /** ONNX Runtime where it is on the class path, else the interpreter. */
    AUTO,
    INTERPRETER,
    ONNXRUNTIME
  }

  /**
   * Opens {@code file}.
   *
   * @throws OnnxException when the file can't be run, or ONNX Runtime is asked for and absent
   */
  static OnnxEngine open(Path file, Choice choice) {
    if (choice == Choice.ONNXRUNTIME || (choice == Choice.AUTO && OnnxRuntimeEngine.isPresent())) {
      return OnnxRuntimeEngine.open(file);
    }
    return OnnxInterpreter.open(file);
  }
}
