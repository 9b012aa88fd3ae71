package dev.changenet.onnx.interpreter;

import dev.changenet.onnx.OnnxException;
import java.lang.reflect.InvocationTargetException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * ONNX Runtime's Java interface, called by reflection: the program works without it and takes it
 * from the class path where the user has put it.
 */
final class OnnxRuntimeEngine implements OnnxEngine {
  private static final String PACKAGE = "ai.onnxruntime.";

  /** Bytes; native code that overruns a thread's usual stack ends the process without a word. */
  private static final long STACK = 64L << 20;

  private final Path file;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(task -> new Thread(null, task, "onnxruntime", STACK));
  private final Object environment;
  private final Object session;

  private OnnxRuntimeEngine(Path file) {
    this.file = file;
    try {
      environment = onThread(() -> call(type("OrtEnvironment"), null, "getEnvironment"));
      session =
          onThread(
              () ->
                  call(
                      type("OrtEnvironment"),
                      environment,
                      "createSession",
                      String.class,
                      file.toString()));
    } catch (RuntimeException e) {
      thread.shutdown();
      throw e;
    }
  }

  private <T> T onThread(Callable<T> work) {
    try {
      return thread.submit(work).get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof OnnxException known ? known : failure(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure(e);
    }
  }

  static boolean isPresent() {
    try {
      Class.forName(PACKAGE + "OrtEnvironment", false, OnnxRuntimeEngine.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      // The usual case: ONNX Runtime is no part of the program.
      return false;
    }
  }

  static OnnxRuntimeEngine open(Path file) {
    if (!isPresent()) {
      throw new OnnxException(
          "ONNX Runtime is not on the class path: add the jar com.microsoft.onnxruntime:onnxruntime"
              + " or use the built-in interpreter");
    }
    return new OnnxRuntimeEngine(file);
  }

  @Override
  public String name() {
    return "ONNX Runtime " + call(type("OrtEnvironment"), environment, "getVersion");
  }

  @Override
  public Map<String, NdArray> run(Map<String, NdArray> inputs) {
    return onThread(() -> compute(inputs));
  }

  private Map<String, NdArray> compute(Map<String, NdArray> inputs) {
    Map<String, Object> tensors = new LinkedHashMap<>();
    try {
      inputs.forEach(
          (name, x) ->
              tensors.put(
                  name,
                  call(
                      type("OnnxTensor"),
                      null,
                      "createTensor",
                      type("OrtEnvironment"),
                      environment,
                      FloatBuffer.class,
                      FloatBuffer.wrap(x.floats()),
                      long[].class,
                      Arrays.stream(x.dims()).asLongStream().toArray())));
      Object result = call(type("OrtSession"), session, "run", Map.class, tensors);
      try {
        Map<String, NdArray> outputs = new LinkedHashMap<>();
        for (Object entry : (Iterable<?>) result) {
          Map.Entry<?, ?> e = (Map.Entry<?, ?>) entry;
          outputs.put((String) e.getKey(), array(e.getValue()));
        }
        return outputs;
      } finally {
        close(result);
      }
    } finally {
      tensors.values().forEach(this::close);
    }
  }

  private NdArray array(Object tensor) {
    FloatBuffer buffer = (FloatBuffer) call(type("OnnxTensor"), tensor, "getFloatBuffer");
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    Object info = call(type("OnnxTensor"), tensor, "getInfo");
    return NdArray.of(values, Call.toInts((long[]) call(type("TensorInfo"), info, "getShape")));
  }

  private void close(Object closeable) {
    call(AutoCloseable.class, closeable, "close");
  }

  @Override
  public void close() {
    try {
      close(session);
    } finally {
      thread.shutdown();
    }
  }

  private Class<?> type(String name) {
    try {
      return Class.forName(PACKAGE + name);
    } catch (ClassNotFoundException | LinkageError e) {
      throw failure(e);
    }
  }

  /** Calls a public method; {@code typed} are parameter types, each followed by its value. */
  private Object call(Class<?> type, Object target, String method, Object... typed) {
    Class<?>[] types = new Class<?>[typed.length / 2];
    Object[] values = new Object[types.length];
    for (int i = 0; i < types.length; i++) {
      types[i] = (Class<?>) typed[2 * i];
      values[i] = typed[2 * i + 1];
    }
    try {
      return type.getMethod(method, types).invoke(target, values);
    } catch (InvocationTargetException e) {
      throw failure(e.getCause());
    } catch (ReflectiveOperationException | LinkageError e) {
      throw failure(e);
    }
  }

  private OnnxException failure(Throwable cause) {
    return new OnnxException("ONNX Runtime on " + file + ": " + cause, cause);
  }
}
