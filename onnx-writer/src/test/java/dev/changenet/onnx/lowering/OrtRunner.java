package dev.changenet.onnx.lowering;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.changenet.tensor.Shape;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Runs a model in ONNX Runtime; maps are given and returned channels-last, as the engine has them.
 */
public final class OrtRunner implements AutoCloseable {
  private final OrtEnvironment environment =
      OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, "test");
  private final OrtSession session;

  /** A tensor's content in the engine's layout. */
  public record Data(Shape shape, float[] values) {}

  public OrtRunner(byte[] model) {
    try (OrtSession.SessionOptions options = options()) {
      session = environment.createSession(model, options);
    } catch (OrtException e) {
      throw new AssertionError("ONNX Runtime refuses the model: " + e.getMessage(), e);
    }
  }

  public OrtRunner(Path model) {
    try (OrtSession.SessionOptions options = options()) {
      session = environment.createSession(model.toString(), options);
    } catch (OrtException e) {
      throw new AssertionError("ONNX Runtime refuses " + model + ": " + e.getMessage(), e);
    }
  }

  private static OrtSession.SessionOptions options() throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(1);
    return options;
  }

  public Map<String, Data> run(Map<String, Data> inputs) {
    Map<String, OnnxTensor> tensors = new HashMap<>();
    try {
      for (Map.Entry<String, Data> e : inputs.entrySet()) {
        int[] s = e.getValue().shape().toArray();
        float[] v = e.getValue().values();
        if (s.length == 4) {
          v = Constants.transpose(v, s[0], s[1] * s[2], s[3]);
          s = new int[] {s[0], s[3], s[1], s[2]};
        }
        tensors.put(
            e.getKey(), OnnxTensor.createTensor(environment, FloatBuffer.wrap(v), Values.longs(s)));
      }
      Map<String, Data> out = new LinkedHashMap<>();
      try (OrtSession.Result result = session.run(tensors)) {
        for (Map.Entry<String, ai.onnxruntime.OnnxValue> e : result) {
          out.put(e.getKey(), data((OnnxTensor) e.getValue()));
        }
      }
      return out;
    } catch (OrtException e) {
      throw new AssertionError("ONNX Runtime fails: " + e.getMessage(), e);
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  private static Data data(OnnxTensor tensor) {
    long[] s = tensor.getInfo().getShape();
    int[] dims = new int[s.length];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = (int) s[i];
    }
    FloatBuffer buffer = tensor.getFloatBuffer();
    float[] v = new float[buffer.remaining()];
    buffer.get(v);
    if (dims.length == 4) {
      v = Constants.transpose(v, dims[0], dims[1], dims[2] * dims[3]);
      dims = new int[] {dims[0], dims[2], dims[3], dims[1]};
    }
    return new Data(Shape.of(dims), v);
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }
}
