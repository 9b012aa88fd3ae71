package dev.changenet.train;

import com.sun.management.OperatingSystemMXBean;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.ModelSpec;
import dev.changenet.config.SegmentDataSpec;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cpu.Parallel;
import dev.changenet.tensor.cuda.CudaBackend;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;

/**
 * Stops a training that wouldn't fit into memory before it has cost time.
 *
 * @param available bytes that the tensors of this process may take
 * @param machine bytes of memory of the machine or container, or of the GPU
 * @param gpu whether a GPU computes
 */
record MemoryCheck(long available, long machine, boolean gpu) {
  /** Share of the machine's memory that the Java heap gets at most, to leave some to the rest. */
  private static final double SHARE = 0.92;

  /** Heap for what is no tensor: the young generation, the shared buffers of kernels, classes. */
  private static final long OTHER = 224L << 20;

  /** Heap for a thread's own buffers. */
  private static final long OTHER_PER_THREAD = 16L << 20;

  /** Bytes per pixel of a pair in a batch: two images of three floats and a label. */
  private static final long PAIR_BYTES = 28;

  private static final double GIB = 1L << 30;

  /** Memory of a GPU that its driver, the libraries and their workspaces take, at most. */
  private static final long GPU_OTHER = 2L << 30;

  /** The limits of this process on {@code device}, less what {@code spec} needs besides tensors. */
  static MemoryCheck of(Device device, ExperimentSpec spec) {
    if (device.kind() == Device.Kind.CUDA) {
      long gpu = ((CudaBackend) Backends.of(device)).totalMemory();
      return new MemoryCheck(gpu - Math.min(GPU_OTHER, gpu / 4), gpu, true);
    }
    long machine =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    long heap = Math.min(Runtime.getRuntime().maxMemory(), (long) (machine * SHARE));
    return new MemoryCheck(Math.max(0, heap - other(spec)), machine, false);
  }

  private static long other(ExperimentSpec spec) {
    SegmentDataSpec data = spec.segmentData();
    long batch = (long) data.batchSize() * data.imgSize() * data.imgSize() * PAIR_BYTES;
    long ahead = 1L + Math.ceilDiv(data.workers(), data.batchSize());
    return OTHER + OTHER_PER_THREAD * Parallel.threads() + ahead * batch;
  }

  /** Makes plans. */
  @FunctionalInterface
  interface Planner {
    /** The plan for a step on a batch that is worked through in parts. */
    MemoryPlan plan(int batch, int parts);
  }

  /**
   * Tells the plan, or stops.
   *
   * @return parts of a batch: {@code train.accumulate}, or with auto the least number that fits
   * @throws ChangeNetException with predicted and available memory and what to change
   */
  int require(ExperimentSpec spec, Planner planner, Reporter reporter) {
    int batch = spec.segmentData().batchSize();
    int given = spec.train().accumulate();
    int parts = given > 0 ? given : Math.max(1, fewestParts(spec, planner, 1));
    MemoryPlan wanted = planner.plan(batch, parts);
    String need = gib(wanted.peak()) + " for the tensors of a training step" + breakdown(wanted);
    if (wanted.peak() > available) {
      throw tooMuch(need, remedies(spec, planner, parts, wanted));
    }
    tell(
        need,
        ProcessMemory.training(wanted.arrays(), spec.model().decodeHead().embedDim()),
        reporter);
    if (given == 0 || parts > 1) {
      reporter.info(
          "Gradient accumulation: "
              + (given == 0 ? "auto, " : "")
              + (parts == 1
                  ? "batches of " + batch + " fit as they are"
                  : "batches of " + batch + " in " + parts + " parts of " + sizes(batch, parts)));
    }
    return parts;
  }

  /**
   * The same for evaluation and inference.
   *
   * @param plan makes the plan for a batch size
   */
  void requireForPrediction(ExperimentSpec spec, IntFunction<MemoryPlan> plan, Reporter reporter) {
    int batch = spec.segmentData().batchSize();
    MemoryPlan wanted = plan.apply(batch);
    String need = gib(wanted.peak()) + " for the tensors of a forward pass" + breakdown(wanted);
    if (wanted.peak() > available) {
      List<String> ways = new ArrayList<>();
      int fitting = fitting(batch, plan, wanted);
      ways.add(lowerBatch(spec, fitting));
      if (fitting > 0) {
        ways.add("lower " + imageSize(spec));
      }
      ways.add(moreMemory(spec, wanted));
      throw tooMuch(need, ways);
    }
    tell(need, ProcessMemory.predict(wanted.arrays()), reporter);
  }

  private ChangeNetException tooMuch(String need, List<String> ways) {
    return new ChangeNetException(
        "not enough memory: predicted "
            + need
            + ", available "
            + gib(available)
            + "; "
            + String.join(", or ", ways));
  }

  private void tell(String need, long process, Reporter reporter) {
    reporter.info(
        "Predicted memory: "
            + need
            + ", available "
            + gib(available)
            + (gpu ? "" : "; the process as a whole about " + gib(process)));
  }

  private static String breakdown(MemoryPlan plan) {
    List<String> parts = new ArrayList<>();
    parts.add("weights " + gib(plan.weights()));
    if (plan.optimizer() > 0) {
      parts.add("optimizer state " + gib(plan.optimizer()));
    }
    if (plan.average() > 0) {
      parts.add("averaged weights " + gib(plan.average()));
    }
    parts.add("packed weights " + gib(plan.packed()));
    parts.add(
        plan.gradients() > 0
            ? "activations and gradients "
                + gib(plan.passing())
                + ", of which gradients up to "
                + gib(plan.gradients())
            : "activations " + gib(plan.passing()));
    return " (" + String.join(", ", parts) + ")";
  }

  private static String imageSize(ExperimentSpec spec) {
    return "dataset.segment.img_size (now " + spec.segmentData().imgSize() + ")";
  }

  /**
   * @param fitting largest batch that fits, or 0
   */
  private static String lowerBatch(ExperimentSpec spec, int fitting) {
    int batch = spec.segmentData().batchSize();
    return fitting > 0
        ? "set dataset.segment.batch_size to " + fitting + " (now " + batch + ")"
        : "lower "
            + (batch > 1 ? "dataset.segment.batch_size (now " + batch + ") and " : "")
            + imageSize(spec);
  }

  private String moreMemory(ExperimentSpec spec, MemoryPlan wanted) {
    long heap = wanted.peak() + other(spec) + OTHER;
    if (gpu) {
      return "use a GPU with more memory (this one has " + gib(machine) + ")";
    }
    return heap <= machine * SHARE
        ? "raise the heap with CHANGENET_JAVA_OPTS=-Xmx" + ((heap >> 20) + 1) + "m"
        : "use a machine with more memory (this one has " + gib(machine) + ")";
  }

  private static String sizes(int batch, int parts) {
    int large = Accumulation.largest(batch, parts);
    return batch % parts == 0 ? "" + large : large + " or " + batch / parts;
  }

  /**
   * Least number of parts that fits, or 0.
   *
   * @param from least number that is tried
   */
  private int fewestParts(ExperimentSpec spec, Planner planner, int from) {
    int batch = spec.segmentData().batchSize();
    // Batch norm needs more than one value, which a single pair has except in the smallest maps.
    boolean smallest = spec.segmentData().imgSize() == spec.model().backbone().type().divisor();
    int most = smallest ? batch / 2 : batch;
    for (int n = from; n <= most; n++) {
      boolean smaller =
          n == from || Accumulation.largest(batch, n) < Accumulation.largest(batch, n - 1);
      if (smaller && planner.plan(batch, n).peak() <= available) {
        return n;
      }
    }
    return 0;
  }

  private List<String> remedies(
      ExperimentSpec spec, Planner planner, int parts, MemoryPlan wanted) {
    List<String> ways = new ArrayList<>();
    int batch = spec.segmentData().batchSize();
    int fitting = fitting(batch, n -> planner.plan(n, Math.min(n, parts)), wanted);
    int fewest =
        spec.train().accumulate() > 0 && parts < batch ? fewestParts(spec, planner, parts + 1) : 0;
    ways.add(lowerBatch(spec, fitting));
    if (fewest > 0) {
      ways.add("set train.accumulate to " + fewest + " (the same batch in parts)");
    }
    if (fitting > 0) {
      ways.add("lower " + imageSize(spec));
    }
    ModelSpec.Backbone backbone = spec.model().backbone();
    if (!backbone.freezeBackbone()) {
      ways.add("set model.backbone.freeze_backbone (with pretrained_backbone_path)");
    }
    boolean nothingKept = backbone.type().isFan() && backbone.freezeBackbone();
    if (!spec.train().activationCheckpoint() && !nothingKept) {
      ways.add("set train.activation_checkpoint (the encoder is computed twice)");
    }
    ways.add(moreMemory(spec, wanted));
    return ways;
  }

  /** Largest smaller batch that fits, or 0. */
  private int fitting(int batch, IntFunction<MemoryPlan> plan, MemoryPlan wanted) {
    // What passes grows with the batch; the first guess is at most a little off.
    long room = available - wanted.weights() - wanted.kept();
    long guess = room <= 0 ? 0 : room * batch / Math.max(1, wanted.passing());
    int n = (int) Math.min(batch - 1L, guess + 1);
    while (n > 0 && plan.apply(n).peak() > available) {
      n--;
    }
    return Math.max(n, 0);
  }

  private static String gib(long bytes) {
    return String.format(Locale.ROOT, "%.2f GiB", bytes / GIB);
  }
}
