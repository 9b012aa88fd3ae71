package dev.changenet.testing;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backend;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One run of an {@linkplain OpTable op table} row: makes seeded inputs on the device and collects
 * outputs by name. The same row gets the same numbers on every device.
 */
public final class OpCall {
  private final String seed;
  private final Backend backend;
  private final Device device;
  private final DType dtype;
  private final OpTransfer transfer;
  private final Map<String, Tensor> outputs;
  private final Map<String, double[]> results;
  private final AtomicInteger made;

  OpCall(String seed, Backend backend, Device device, DType dtype, OpTransfer transfer) {
    this.seed = seed;
    this.backend = backend;
    this.device = device;
    this.dtype = dtype;
    this.transfer = transfer;
    outputs = new LinkedHashMap<>();
    results = new LinkedHashMap<>();
    made = new AtomicInteger();
  }

  private OpCall(OpCall run) {
    seed = run.seed;
    backend = run.backend;
    device = run.device;
    dtype = run.dtype.isHalf() ? DType.FLOAT32 : run.dtype;
    transfer = run.transfer;
    outputs = run.outputs;
    results = run.results;
    made = run.made;
  }

  Backend backend() {
    return backend;
  }

  /**
   * The same run for what is float32 beside two-byte activations: parameters, their gradients,
   * statistics, losses.
   */
  OpCall float32() {
    return new OpCall(this);
  }

  /** Returns a tensor of uniform values in [−1, 1). */
  Tensor random(int... shape) {
    return uniform(0, 1, shape);
  }

  /** Returns a tensor of uniform values in [centre − spread, centre + spread). */
  Tensor uniform(double centre, double spread, int... shape) {
    float[] f =
        GoldenFormula.fill(
            seed + "/" + made.getAndIncrement(), "affine", centre, spread, elements(shape));
    double[] values = new double[f.length];
    for (int i = 0; i < f.length; i++) {
      values[i] = f[i];
    }
    return transfer.upload(values, shape, dtype, device);
  }

  /** {@link #uniform} for what isn't an activation; see {@link #float32}. */
  Tensor parameter(double centre, double spread, int... shape) {
    return float32().uniform(centre, spread, shape);
  }

  /** {@link #output} for gradients of parameters and for statistics; see {@link #float32}. */
  Tensor parameterOutput(String name, int... shape) {
    return float32().output(name, shape);
  }

  /** Returns a tensor of the given values. */
  Tensor values(double[] values, int... shape) {
    return transfer.upload(values, shape, dtype, device);
  }

  /** Returns an int32 tensor of the given values. */
  Tensor ints(int[] values, int... shape) {
    double[] v = Arrays.stream(values).asDoubleStream().toArray();
    return transfer.upload(v, shape, DType.INT32, device);
  }

  /** Returns int32 labels 0 … classes − 1, a share {@code ignored} of them 255. */
  Tensor labels(int classes, double ignored, int... shape) {
    long s = GoldenFormula.seed(seed + "/" + made.getAndIncrement());
    double[] values = new double[elements(shape)];
    for (int i = 0; i < values.length; i++) {
      boolean ignore = GoldenFormula.u(s, 2L * i + 1) < ignored;
      values[i] = ignore ? 255 : Math.floor(GoldenFormula.u(s, 2L * i) * classes);
    }
    return transfer.upload(values, shape, DType.INT32, device);
  }

  /** Returns an output full of NaN, so that an element the kernel forgets is seen. */
  Tensor output(String name, int... shape) {
    double[] values = new double[elements(shape)];
    Arrays.fill(values, Double.NaN);
    return inOut(name, transfer.upload(values, shape, dtype, device));
  }

  /** Returns an int32 output full of −1. */
  Tensor intOutput(String name, int... shape) {
    double[] values = new double[elements(shape)];
    Arrays.fill(values, -1);
    return inOut(name, transfer.upload(values, shape, DType.INT32, device));
  }

  /** Makes {@code tensor}, which the op changes in place, an output. */
  Tensor inOut(String name, Tensor tensor) {
    outputs.put(name, tensor);
    return tensor;
  }

  /** Numbers that the op returns. */
  void result(String name, double[] values) {
    results.put(name, values);
  }

  Map<String, double[]> collect() {
    outputs.forEach((name, tensor) -> results.put(name, transfer.download(tensor)));
    return results;
  }

  private static int elements(int[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }
}
