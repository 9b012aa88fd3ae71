package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntSupplier;
import jcuda.Pointer;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnConvolutionFwdAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionMode;
import jcuda.jcudnn.cudnnDataType;
import jcuda.jcudnn.cudnnDeterminism;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnMathType;
import jcuda.jcudnn.cudnnTensorDescriptor;
import jcuda.jcudnn.cudnnTensorFormat;
import jcuda.runtime.cudaStream_t;

/**
 * Convolutions by cuDNN, channels last.
 *
 * <p>Usually only deterministic algorithms are used, and cuDNN's own prediction chooses among them,
 * which is the same at every run; both can be changed by {@link CudaBackend#chooseAlgorithms}.
 */
final class CudnnConvolution implements ConvolutionKernels {
  /** Largest workspace of an algorithm. */
  private static final long MOST_WORKSPACE = 1L << 30;

  /** Elements of a tensor from which on cuDNN's descriptors refuse it. */
  private static final long TOO_MANY = 1L << 31;

  private static final int CANDIDATES = 10;

  /** A timed algorithm this many times slower than the fastest is worse than doing without. */
  private static final int WORTHWHILE = 3;

  /** Stands for an algorithm where none is deterministic and small enough. */
  private static final int NONE = -1;

  private enum Kind {
    FORWARD,
    BACKWARD_INPUT,
    BACKWARD_WEIGHT
  }

  private record Key(
      Kind kind,
      int batch,
      int inHeight,
      int inWidth,
      int in,
      int outHeight,
      int outWidth,
      int out,
      int kernelHeight,
      int kernelWidth,
      ConvGeometry geometry,
      DType type,
      boolean tf32) {}

  /**
   * @param time milliseconds when it was timed, negative otherwise
   */
  private record Candidate(
      int algorithm, int status, float time, long workspace, int determinism) {}

  /** Descriptors and algorithm of one convolution. */
  private final class Plan {
    final cudnnTensorDescriptor input;
    final cudnnTensorDescriptor output;
    final cudnnFilterDescriptor filter = new cudnnFilterDescriptor();
    final cudnnConvolutionDescriptor convolution = new cudnnConvolutionDescriptor();
    final int algorithm;
    final long workspace;

    Plan(Key k) {
      input = map(k.batch, k.inHeight, k.inWidth, k.in, k.type);
      output = map(k.batch, k.outHeight, k.outWidth, k.out, k.type);
      CudaCheck.cudnn(JCudnn.cudnnCreateFilterDescriptor(filter), "cudnnCreateFilterDescriptor");
      CudaCheck.cudnn(
          JCudnn.cudnnSetFilter4dDescriptor(
              filter,
              type(k.type),
              cudnnTensorFormat.CUDNN_TENSOR_NHWC,
              k.out,
              k.in,
              k.kernelHeight,
              k.kernelWidth),
          "cudnnSetFilter4dDescriptor");
      describe(k);
      Candidate chosen = choose(candidates(k), k.kind);
      algorithm = chosen.algorithm;
      workspace = chosen.workspace;
    }

    private cudnnTensorDescriptor map(int batch, int height, int width, int channels, DType type) {
      cudnnTensorDescriptor d = new cudnnTensorDescriptor();
      CudaCheck.cudnn(JCudnn.cudnnCreateTensorDescriptor(d), "cudnnCreateTensorDescriptor");
      CudaCheck.cudnn(
          JCudnn.cudnnSetTensor4dDescriptor(
              d, cudnnTensorFormat.CUDNN_TENSOR_NHWC, type(type), batch, channels, height, width),
          "cudnnSetTensor4dDescriptor");
      return d;
    }

    private void describe(Key k) {
      int s = k.geometry.stride();
      int p = k.geometry.padding();
      CudaCheck.cudnn(
          JCudnn.cudnnCreateConvolutionDescriptor(convolution), "cudnnCreateConvolutionDescriptor");
      CudaCheck.cudnn(
          JCudnn.cudnnSetConvolution2dDescriptor(
              convolution,
              p,
              p,
              s,
              s,
              1,
              1,
              cudnnConvolutionMode.CUDNN_CROSS_CORRELATION,
              cudnnDataType.CUDNN_DATA_FLOAT),
          "cudnnSetConvolution2dDescriptor");
      int math =
          k.type != DType.FLOAT32
              ? cudnnMathType.CUDNN_TENSOR_OP_MATH
              : k.tf32 ? cudnnMathType.CUDNN_DEFAULT_MATH : cudnnMathType.CUDNN_FMA_MATH;
      CudaCheck.cudnn(
          JCudnn.cudnnSetConvolutionMathType(convolution, math), "cudnnSetConvolutionMathType");
    }

    void destroy() {
      CudaCheck.cudnn(JCudnn.cudnnDestroyTensorDescriptor(input), "cudnnDestroyTensorDescriptor");
      CudaCheck.cudnn(JCudnn.cudnnDestroyTensorDescriptor(output), "cudnnDestroyTensorDescriptor");
      CudaCheck.cudnn(JCudnn.cudnnDestroyFilterDescriptor(filter), "cudnnDestroyFilterDescriptor");
      CudaCheck.cudnn(
          JCudnn.cudnnDestroyConvolutionDescriptor(convolution),
          "cudnnDestroyConvolutionDescriptor");
    }

    private Candidate[] candidates(Key k) {
      return switch (k.kind) {
        case FORWARD -> forwardCandidates();
        case BACKWARD_INPUT -> inputCandidates();
        case BACKWARD_WEIGHT -> weightCandidates();
      };
    }

    private Candidate[] forwardCandidates() {
      cudnnConvolutionFwdAlgoPerf[] found = new cudnnConvolutionFwdAlgoPerf[CANDIDATES];
      for (int i = 0; i < CANDIDATES; i++) {
        found[i] = new cudnnConvolutionFwdAlgoPerf();
      }
      int[] count = {0};
      choosing(
          "forward",
          () ->
              benchmark
                  ? JCudnn.cudnnFindConvolutionForwardAlgorithm(
                      handle, input, filter, convolution, output, CANDIDATES, count, found)
                  : JCudnn.cudnnGetConvolutionForwardAlgorithm_v7(
                      handle, input, filter, convolution, output, CANDIDATES, count, found));
      Candidate[] result = new Candidate[count[0]];
      for (int i = 0; i < result.length; i++) {
        cudnnConvolutionFwdAlgoPerf f = found[i];
        result[i] = new Candidate(f.algo, f.status, f.time, f.memory, f.determinism);
      }
      return result;
    }

    private Candidate[] inputCandidates() {
      cudnnConvolutionBwdDataAlgoPerf[] found = new cudnnConvolutionBwdDataAlgoPerf[CANDIDATES];
      for (int i = 0; i < CANDIDATES; i++) {
        found[i] = new cudnnConvolutionBwdDataAlgoPerf();
      }
      int[] count = {0};
      choosing(
          "input-gradient",
          () ->
              benchmark
                  ? JCudnn.cudnnFindConvolutionBackwardDataAlgorithm(
                      handle, filter, output, convolution, input, CANDIDATES, count, found)
                  : JCudnn.cudnnGetConvolutionBackwardDataAlgorithm_v7(
                      handle, filter, output, convolution, input, CANDIDATES, count, found));
      Candidate[] result = new Candidate[count[0]];
      for (int i = 0; i < result.length; i++) {
        cudnnConvolutionBwdDataAlgoPerf f = found[i];
        result[i] = new Candidate(f.algo, f.status, f.time, f.memory, f.determinism);
      }
      return result;
    }

    private Candidate[] weightCandidates() {
      cudnnConvolutionBwdFilterAlgoPerf[] found = new cudnnConvolutionBwdFilterAlgoPerf[CANDIDATES];
      for (int i = 0; i < CANDIDATES; i++) {
        found[i] = new cudnnConvolutionBwdFilterAlgoPerf();
      }
      int[] count = {0};
      choosing(
          "weight-gradient",
          () ->
              benchmark
                  ? JCudnn.cudnnFindConvolutionBackwardFilterAlgorithm(
                      handle, input, output, convolution, filter, CANDIDATES, count, found)
                  : JCudnn.cudnnGetConvolutionBackwardFilterAlgorithm_v7(
                      handle, input, output, convolution, filter, CANDIDATES, count, found));
      Candidate[] result = new Candidate[count[0]];
      for (int i = 0; i < result.length; i++) {
        cudnnConvolutionBwdFilterAlgoPerf f = found[i];
        result[i] = new Candidate(f.algo, f.status, f.time, f.memory, f.determinism);
      }
      return result;
    }

    private void choosing(String what, IntSupplier call) {
      int status;
      try {
        status = call.getAsInt();
      } catch (ArrayIndexOutOfBoundsException e) {
        // JCuda trusts the number of results even of a call that failed and gave none.
        throw new CudaException("choosing cuDNN's " + what + " algorithm failed.", e);
      }
      CudaCheck.cudnn(status, "choosing cuDNN's " + what + " algorithm");
    }

    private Candidate choose(Candidate[] candidates, Kind kind) {
      float fastest = Float.MAX_VALUE;
      for (Candidate c : candidates) {
        fastest = c.status == 0 ? Math.min(fastest, c.time) : fastest;
      }
      for (Candidate c : candidates) {
        if (c.status == 0
            && (c.time < 0 || c.time <= WORTHWHILE * fastest)
            && (!deterministic || c.determinism == cudnnDeterminism.CUDNN_DETERMINISTIC)) {
          // An algorithm may be listed for several kinds of arithmetic, with a size for each.
          long workspace = workspaceSize(kind, c.algorithm);
          if (workspace >= 0 && workspace <= MOST_WORKSPACE) {
            return new Candidate(c.algorithm, 0, c.time, workspace, c.determinism);
          }
        }
      }
      return new Candidate(NONE, 0, 0, 0, 0);
    }

    /** Bytes that the algorithm takes for these descriptors, or -1 where it doesn't do them. */
    private long workspaceSize(Kind kind, int algorithm) {
      long[] bytes = {0};
      int status =
          switch (kind) {
            case FORWARD ->
                JCudnn.cudnnGetConvolutionForwardWorkspaceSize(
                    handle, input, filter, convolution, output, algorithm, bytes);
            case BACKWARD_INPUT ->
                JCudnn.cudnnGetConvolutionBackwardDataWorkspaceSize(
                    handle, filter, output, convolution, input, algorithm, bytes);
            case BACKWARD_WEIGHT ->
                JCudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(
                    handle, input, output, convolution, filter, algorithm, bytes);
          };
      return status == 0 ? bytes[0] : -1;
    }
  }

  private final CudaDevice device;
  private final CudaWeights weights;
  private final CudaElementwise elementwise;
  private final ConvolutionKernels otherwise;
  private final cudnnHandle handle = new cudnnHandle();
  private final Map<Key, Plan> plans = new HashMap<>();
  private boolean benchmark;
  private boolean deterministic = true;
  private long tooMany = TOO_MANY;
  private final Pointer one;
  private final Pointer zero;

  private CudnnConvolution(
      CudaDevice device,
      CudaWeights weights,
      CudaElementwise elementwise,
      ConvolutionKernels otherwise) {
    this.otherwise = otherwise;
    this.device = device;
    this.weights = weights;
    this.elementwise = elementwise;
    JCudnn.setExceptionsEnabled(false);
    device.bind();
    CudaCheck.cudnn(JCudnn.cudnnCreate(handle), "cudnnCreate");
    CudaCheck.cudnn(
        JCudnn.cudnnSetStream(handle, new cudaStream_t(device.cudaStream())), "cudnnSetStream");
    MemorySegment constants = Arena.global().allocate(8, 8);
    constants.setAtIndex(ValueLayout.JAVA_FLOAT, 0, 1f);
    one = new RawPointer(constants.address());
    zero = new RawPointer(constants.address() + 4);
  }

  /**
   * Returns the kernels, or null when cuDNN isn't installed.
   *
   * @param otherwise computes what cuDNN has no usable algorithm for
   */
  static CudnnConvolution orNull(
      CudaDevice device,
      CudaWeights weights,
      CudaElementwise elementwise,
      ConvolutionKernels otherwise) {
    return CudaLibraries.loadCudnn()
        ? new CudnnConvolution(device, weights, elementwise, otherwise)
        : null;
  }

  /** Forgets the algorithms chosen so far. */
  void chooseAlgorithms(boolean timed, boolean onlyDeterministic) {
    if (timed != benchmark || onlyDeterministic != deterministic) {
      benchmark = timed;
      deterministic = onlyDeterministic;
      plans.values().forEach(Plan::destroy);
      plans.clear();
    }
  }

  /** For tests: as if cuDNN refused tensors of {@code elements} elements. */
  void refuse(long elements) {
    tooMany = elements;
  }

  private static int type(DType type) {
    return switch (type) {
      case FLOAT32 -> cudnnDataType.CUDNN_DATA_FLOAT;
      case BFLOAT16 -> cudnnDataType.CUDNN_DATA_BFLOAT16;
      case FLOAT16 -> cudnnDataType.CUDNN_DATA_HALF;
      default -> throw new IllegalArgumentException("cuDNN is not used for " + type);
    };
  }

  private Plan plan(Kind kind, int batch, Tensor in, Tensor w, ConvGeometry geometry, Tensor out) {
    return plans.computeIfAbsent(
        new Key(
            kind,
            batch,
            in.dim(1),
            in.dim(2),
            in.dim(3),
            out.dim(1),
            out.dim(2),
            out.dim(3),
            w.dim(2),
            w.dim(3),
            geometry,
            in.dtype(),
            device.tf32()),
        Plan::new);
  }

  /** Samples that cuDNN takes at once, 0 where it doesn't take one. */
  private int part(Tensor in, Tensor out) {
    long sample = Math.max(1, Math.max(in.elements(), out.elements()) / Math.max(1, in.dim(0)));
    return (int) Math.min(in.dim(0), (tooMany - 1) / sample);
  }

  private Pointer sample(Tensor t, int index) {
    return new RawPointer(
        device.address(t) + index * (t.elements() / t.dim(0)) * t.dtype().bytes());
  }

  /** One of cuDNN's convolutions of some samples; returns its status. */
  private interface Call {
    int run(Plan plan, Pointer workspace, int first);
  }

  /**
   * Convolves the samples, as many at once as cuDNN takes.
   *
   * @return false where it has no usable algorithm, so that someone else is to compute
   */
  private boolean convolve(
      Kind kind, Tensor in, Tensor w, ConvGeometry geometry, Tensor out, String name, Call call) {
    device.bind();
    int part = part(in, out);
    for (int first = 0, n = 0; first < in.dim(0); first += n) {
      n = Math.min(part, in.dim(0) - first);
      Plan plan = n == 0 ? null : plan(kind, n, in, w, geometry, out);
      if (plan == null || plan.algorithm == NONE) {
        return false;
      }
      try (Tensor workspace = device.scratch(Math.max(1, (plan.workspace + 3) / 4))) {
        CudaCheck.cudnn(call.run(plan, device.pointer(workspace), first), name);
      }
    }
    return true;
  }

  @Override
  public void forward(Tensor x, Tensor w, ConvGeometry geometry, Tensor out) {
    device.unlessRenewing(() -> forwardNow(x, w, geometry, out));
  }

  private void forwardNow(Tensor x, Tensor w, ConvGeometry geometry, Tensor out) {
    boolean done =
        convolve(
            Kind.FORWARD,
            x,
            w,
            geometry,
            out,
            "cudnnConvolutionForward",
            (plan, workspace, first) ->
                JCudnn.cudnnConvolutionForward(
                    handle,
                    one,
                    plan.input,
                    sample(x, first),
                    plan.filter,
                    new RawPointer(weights.channelsLast(w, x.dtype())),
                    plan.convolution,
                    plan.algorithm,
                    workspace,
                    plan.workspace,
                    zero,
                    plan.output,
                    sample(out, first)));
    if (!done) {
      otherwise.forward(x, w, geometry, out);
    }
  }

  @Override
  public void backwardInput(Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX) {
    device.unlessRenewing(() -> backwardInputNow(gradOut, w, geometry, gradX));
  }

  private void backwardInputNow(Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX) {
    boolean done =
        convolve(
            Kind.BACKWARD_INPUT,
            gradX,
            w,
            geometry,
            gradOut,
            "cudnnConvolutionBackwardData",
            (plan, workspace, first) ->
                JCudnn.cudnnConvolutionBackwardData(
                    handle,
                    one,
                    plan.filter,
                    new RawPointer(weights.channelsLast(w, gradOut.dtype())),
                    plan.output,
                    sample(gradOut, first),
                    plan.convolution,
                    plan.algorithm,
                    workspace,
                    plan.workspace,
                    zero,
                    plan.input,
                    sample(gradX, first)));
    if (!done) {
      otherwise.backwardInput(gradOut, w, geometry, gradX);
    }
  }

  @Override
  public void backwardWeight(Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW) {
    device.unlessRenewing(() -> backwardWeightNow(gradOut, x, geometry, gradW));
  }

  private void backwardWeightNow(Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW) {
    try (Tensor khwi = device.scratch(x.dtype(), gradW.elements())) {
      boolean done =
          convolve(
              Kind.BACKWARD_WEIGHT,
              x,
              gradW,
              geometry,
              gradOut,
              "cudnnConvolutionBackwardFilter",
              (plan, workspace, first) ->
                  JCudnn.cudnnConvolutionBackwardFilter(
                      handle,
                      one,
                      plan.input,
                      sample(x, first),
                      plan.output,
                      sample(gradOut, first),
                      plan.convolution,
                      plan.algorithm,
                      workspace,
                      plan.workspace,
                      first == 0 ? zero : one,
                      plan.filter,
                      device.pointer(khwi)));
      if (done) {
        elementwise.weightsFromKhwi(khwi, gradW);
        return;
      }
    }
    otherwise.backwardWeight(gradOut, x, geometry, gradW);
  }
}
