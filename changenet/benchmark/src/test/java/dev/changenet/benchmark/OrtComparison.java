package dev.changenet.benchmark;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Variable;
import dev.changenet.export.OnnxExport;
import dev.changenet.model.ChangeNet;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cpu.Parallel;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Runs whole inference in this engine and in ONNX Runtime on the file that it exports, in turns in
 * one process: {@code scripts/benchmark.sh ort [backbones=…] [sizes=128,256] [rounds=9]
 * [threads=N]}. Outputs are compared, too.
 */
public final class OrtComparison {
  private static final double LIMIT = 1e-4;

  private OrtComparison() {}

  /** The same pair of images for both engines; ONNX Runtime's tensors are made once. */
  private record Pair(Variable a, Variable b, Map<String, OnnxTensor> onnx) {
    static Pair of(OrtEnvironment environment, int px) throws OrtException {
      Variable[] images = new Variable[2];
      Map<String, OnnxTensor> onnx = new LinkedHashMap<>();
      for (int i = 0; i < 2; i++) {
        float[] nchw = CaseSpec.data(3 * px * px, 11 + i);
        Tensor map = Tensor.empty(Shape.of(1, px, px, 3), DType.FLOAT32, Device.CPU);
        Backends.of(Device.CPU)
            .elementwise()
            .transpose(Tensor.of(nchw, 1, 3, px, px), 1, 3, px * px, map);
        images[i] = new Variable(map);
        onnx.put(
            OnnxExport.INPUTS.get(i),
            OnnxTensor.createTensor(
                environment, FloatBuffer.wrap(nchw), new long[] {1, 3, px, px}));
      }
      return new Pair(images[0], images[1], onnx);
    }
  }

  public static void main(String[] args) throws OrtException {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("backbones", "fan_tiny_8_p4_hybrid,fan_small_12_p4_hybrid");
    options.put("sizes", "128,256");
    options.put("rounds", "9");
    options.put("threads", Integer.toString(Parallel.threads()));
    for (String arg : args) {
      int eq = arg.indexOf('=');
      if (eq < 0 || options.put(arg.substring(0, eq), arg.substring(eq + 1)) == null) {
        System.err.println("benchmark ort: unknown argument '" + arg + "'; known: " + options);
        System.exit(2);
      }
    }
    Parallel.setThreads(Integer.parseInt(options.get("threads")));
    System.out.printf(
        "%-23s %4s %12s %12s %22s %14s%n",
        "backbone", "px", "ours ms", "ORT ms", "ORT / ours (median)", "largest diff");
    for (String backbone : options.get("backbones").split(",")) {
      for (String px : options.get("sizes").split(",")) {
        compare(backbone, Integer.parseInt(px), Integer.parseInt(options.get("rounds")));
      }
    }
  }

  private static void compare(String backbone, int px, int rounds) throws OrtException {
    OrtEnvironment environment =
        OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, "benchmark");
    try (Scope _ = Scope.open();
        ChangeNet net = new ChangeNet(Device.CPU, ChangeNet.Config.of(backbone, 256, 2));
        OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      net.initialize(1);
      net.eval();
      options.setIntraOpNumThreads(Parallel.threads());
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      byte[] model = OnnxExport.lower(net, 1, px, px, 17, Map.of()).toProto().toByteArray();
      Pair pair = Pair.of(environment, px);
      try (OrtSession session = environment.createSession(model, options)) {
        Runnable ours = () -> ours(net, pair);
        Runnable theirs = () -> theirs(session, pair);
        double difference = difference(net, session, pair);
        warm(ours);
        warm(theirs);
        double[] our = new double[rounds];
        double[] their = new double[rounds];
        double[] ratio = new double[rounds];
        for (int i = 0; i < rounds; i++) {
          our[i] = seconds(ours);
          their[i] = seconds(theirs);
          ratio[i] = their[i] / our[i];
        }
        System.out.printf(
            Locale.ROOT,
            "%-23s %4d %12.1f %12.1f %21.2fx %14.1e%n",
            backbone,
            px,
            Timing.of(our).median() * 1e3,
            Timing.of(their).median() * 1e3,
            Timing.of(ratio).median(),
            difference);
        if (!(difference < LIMIT)) {
          throw new IllegalStateException(
              "outputs differ by " + difference + ", expected below " + LIMIT);
        }
      }
      pair.onnx.values().forEach(OnnxTensor::close);
    }
  }

  private static void warm(Runnable step) {
    long began = System.nanoTime();
    while (System.nanoTime() - began < 6_000_000_000L) {
      step.run();
    }
  }

  private static double seconds(Runnable step) {
    long began = System.nanoTime();
    int runs = 0;
    do {
      step.run();
      runs++;
    } while (System.nanoTime() - began < 700_000_000L);
    return (System.nanoTime() - began) * 1e-9 / runs;
  }

  private static void ours(ChangeNet net, Pair pair) {
    try (NoGrad _ = NoGrad.open();
        Scope _ = Scope.open()) {
      net.forward(pair.a, pair.b);
    }
  }

  private static void theirs(OrtSession session, Pair pair) {
    try (OrtSession.Result result = session.run(pair.onnx)) {
      if (result.size() != OnnxExport.OUTPUTS.size()) {
        throw new IllegalStateException("unexpected outputs");
      }
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Largest difference of the full-resolution logits, relative to their largest value. */
  private static double difference(ChangeNet net, OrtSession session, Pair pair)
      throws OrtException {
    try (NoGrad _ = NoGrad.open();
        Scope _ = Scope.open();
        OrtSession.Result result = session.run(pair.onnx)) {
      List<Variable> outputs = net.forward(pair.a, pair.b);
      Tensor logits = outputs.getLast().data();
      float[][][][] other =
          (float[][][][]) result.get(OnnxExport.OUTPUTS.getLast()).get().getValue();
      double largest = 0;
      double difference = 0;
      int at = 0;
      for (int y = 0; y < logits.dim(1); y++) {
        for (int x = 0; x < logits.dim(2); x++) {
          for (int k = 0; k < logits.dim(3); k++) {
            double v = logits.at(at++);
            largest = Math.max(largest, Math.abs(v));
            difference = Math.max(difference, Math.abs(v - other[0][k][y][x]));
          }
        }
      }
      return difference / largest;
    }
  }
}
