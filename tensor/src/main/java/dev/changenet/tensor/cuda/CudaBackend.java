package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Storage;
import dev.changenet.tensor.backend.Attention;
import dev.changenet.tensor.backend.Backend;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.backend.Dense;
import dev.changenet.tensor.backend.Elementwise;
import dev.changenet.tensor.backend.Loss;
import dev.changenet.tensor.backend.Normalization;
import dev.changenet.tensor.backend.Optimize;
import dev.changenet.tensor.backend.Resample;
import dev.changenet.tensor.backend.Sampling;
import java.util.HashMap;
import java.util.Map;

/** The kernels of one GPU. */
public final class CudaBackend implements Backend {
  private static final Map<Integer, CudaBackend> BACKENDS = new HashMap<>();

  private final CudaDevice device;
  private final CudnnConvolution cudnn;
  private final Elementwise elementwise;
  private final Dense dense;
  private final Convolution convolution;
  private final Normalization normalization;
  private final Attention attention;
  private final Resample resample;
  private final Sampling sampling;
  private final Loss loss;
  private final Optimize optimize;

  private CudaBackend(CudaDevice device) {
    this.device = device;
    CudaElementwise pointwise = new CudaElementwise(device);
    CudaWeights weights = new CudaWeights(device, pointwise);
    CudaDense products = new CudaDense(device, pointwise, weights);
    GemmConvolution gemm = new GemmConvolution(device, weights, pointwise, new CudaIm2col(device));
    cudnn = CudnnConvolution.orNull(device, weights, pointwise, gemm);
    elementwise = pointwise;
    dense = products;
    convolution =
        new CudaConvolution(
            pointwise,
            products,
            new CudaDepthwise(device),
            gemm,
            new FewOutputsConvolution(device, pointwise, products),
            cudnn);
    normalization = new CudaNormalization(device);
    attention = new CudaAttention(device);
    resample = new CudaResample(device);
    sampling = new CudaSampling(device);
    loss = new CudaLoss(device);
    optimize = new CudaOptimize(device);
  }

  /**
   * Returns the backend of GPU {@code index}, started at first use.
   *
   * @throws CudaException with one line that says why there is none
   */
  public static synchronized CudaBackend of(int index) {
    return BACKENDS.computeIfAbsent(index, i -> new CudaBackend(new CudaDevice(i)));
  }

  /**
   * Number of GPUs of this machine that can be used: the driver and cuBLAS are there.
   *
   * @throws CudaException with a clause that says why there is none
   */
  public static int count() {
    int devices = CudaDriver.initialize();
    String tooOld = CudaDevice.whyAllTooOld(devices);
    if (tooOld != null) {
      throw new CudaException(tooOld);
    }
    CudaLibraries.requireCublas();
    if (!CudaModules.areCompiled()) {
      throw new CudaException(
          "this build has no GPU kernels; build it with 'mvn package -DskipTests' where nvcc is on"
              + " the PATH");
    }
    return devices;
  }

  /** Name of the GPU. */
  public String deviceName() {
    return device.name();
  }

  /** What differs from plain float32 with cuDNN, for messages; starts with a comma or is empty. */
  public String settings() {
    return (device.tf32() ? ", TF32" : "") + (cudnn == null ? ", without cuDNN" : "");
  }

  /** Total bytes of the GPU's memory. */
  public long totalMemory() {
    return device.totalMemory();
  }

  /** Largest number of bytes in use at a time since the last {@link #resetPeak}. */
  public long peakBytes() {
    return device.peakBytes();
  }

  public void resetPeak() {
    device.resetPeak();
  }

  /** Gives unused memory back to the driver. */
  public void trim() {
    device.allocator().trim();
  }

  /** Lets float32 products use the matrix units' 19-bit floats (TF32): faster, less exact. */
  public void allowTf32(boolean allowed) {
    device.setTf32(allowed);
  }

  /**
   * Sets how convolution algorithms are chosen.
   *
   * @param benchmark time them at first use instead of asking cuDNN for its prediction; two runs
   *     may then choose differently
   * @param deterministic use only those that give the same bits at every run
   */
  public void chooseAlgorithms(boolean benchmark, boolean deterministic) {
    if (cudnn != null) {
      cudnn.chooseAlgorithms(benchmark, deterministic);
    }
  }

  /** Waits until all work of the device is done. */
  public void synchronize() {
    device.synchronize();
  }

  /**
   * Does {@code work} once, records it in doing so, and returns it for replays. The tensors that
   * are made in it and still open at its end keep their memory; a replay computes them anew. It
   * must not read from the device. What it needs to be done once (choice of algorithms, optimizer
   * state) must have been done before.
   *
   * @param fixedWeights the parameters don't change as long as the graph is used, so copies of them
   *     in other types and layouts need not be made at each replay
   * @throws CudaException when the work waits for or reads from the device
   */
  public CudaGraph capture(boolean fixedWeights, Runnable work) {
    return CudaGraph.record(device, fixedWeights, work);
  }

  /** cuDNN's convolutions, or null. */
  CudnnConvolution cudnn() {
    return cudnn;
  }

  CudaDevice device() {
    return device;
  }

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public Storage allocate(DType dtype, long elements) {
    return new CudaStorage(device, dtype, elements);
  }

  @Override
  public void upload(Object array, Storage to) {
    device.upload(array, to);
  }

  @Override
  public void download(Storage from, Object array) {
    device.download(from, array);
  }

  @Override
  public Elementwise elementwise() {
    return elementwise;
  }

  @Override
  public Dense dense() {
    return dense;
  }

  @Override
  public Convolution convolution() {
    return convolution;
  }

  @Override
  public Normalization normalization() {
    return normalization;
  }

  @Override
  public Attention attention() {
    return attention;
  }

  @Override
  public Resample resample() {
    return resample;
  }

  @Override
  public Sampling sampling() {
    return sampling;
  }

  @Override
  public Loss loss() {
    return loss;
  }

  @Override
  public Optimize optimize() {
    return optimize;
  }
}
