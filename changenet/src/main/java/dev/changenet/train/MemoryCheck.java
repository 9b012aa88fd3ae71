package dev.changenet.train;

import com.sun.management.OperatingSystemMXBean;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.ModelSpec;
import dev.changenet.config.SegmentDataSpec;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.backend.Backends;
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
    return OTHER + OTHER_PER_THREAD * Runtime.getRuntime().availableProcessors() + ahead * batch;
  }

  /**
   * Tells the plan, or stops.
   *
   * @param plan makes the plan for a batch size
   * @throws ChangeNetException with predicted and available memory and what to change
   */
  void require(ExperimentSpec spec, IntFunction<MemoryPlan> plan, Reporter reporter) {
    int batch = spec.segmentData().batchSize();
    MemoryPlan wanted = plan.apply(batch);
    String need =
        String.format(
            Locale.ROOT,
            "%s for the tensors of a training step (weights %s, optimizer state and packed weights"
                + " %s, activations and gradients %s)",
            gib(wanted.peak()),
            gib(wanted.weights()),
            gib(wanted.kept()),
            gib(wanted.passing()));
    if (wanted.peak() <= available) {
      reporter.info("Predicted memory: " + need + ", available " + gib(available));
      return;
    }
    throw new ChangeNetException(
        "not enough memory: predicted "
            + need
            + ", available "
            + gib(available)
            + "; "
            + String.join(", or ", remedies(spec, plan, wanted)));
  }

  private List<String> remedies(
      ExperimentSpec spec, IntFunction<MemoryPlan> plan, MemoryPlan wanted) {
    List<String> ways = new ArrayList<>();
    int batch = spec.segmentData().batchSize();
    int fitting = fitting(batch, plan, wanted);
    String size = "dataset.segment.img_size (now " + spec.segmentData().imgSize() + ")";
    ways.add(
        fitting > 0
            ? "set dataset.segment.batch_size to " + fitting + " (now " + batch + ")"
            : "lower "
                + (batch > 1 ? "dataset.segment.batch_size (now " + batch + ") and " : "")
                + size);
    if (fitting > 0) {
      ways.add("lower " + size);
    }
    ModelSpec.Backbone backbone = spec.model().backbone();
    if (!backbone.freezeBackbone()) {
      ways.add("set model.backbone.freeze_backbone (with pretrained_backbone_path)");
    }
    if (!backbone.type().isFan() && !spec.train().activationCheckpoint()) {
      ways.add("set train.activation_checkpoint");
    }
    long heap = wanted.peak() + other(spec) + OTHER;
    if (gpu) {
      ways.add("use a GPU with more memory (this one has " + gib(machine) + ")");
    } else if (heap <= machine * SHARE) {
      ways.add("raise the heap with CHANGENET_JAVA_OPTS=-Xmx" + ((heap >> 20) + 1) + "m");
    } else {
      ways.add("use a machine with more memory (this one has " + gib(machine) + ")");
    }
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
