package dev.changenet.train;

import dev.changenet.model.ChangeNet;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.OrderedDict;
import dev.changenet.nn.state.PthWriter;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.nn.state.Tuple;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** Training checkpoints: PyTorch archives with TAO's entries and names. */
public final class Checkpoint {
  /** Newest checkpoint of a results directory: a relative link, or a copy where links can't be. */
  public static final String LATEST = "changenet_model_segment_latest.pth";

  /** Entry for the state of what TAO doesn't have. */
  static final String OWN = "changenet";

  /** Entry of Lightning's plugin for mixed precision: the state of the loss scale. */
  static final String LOSS_SCALE = "MixedPrecision";

  /** Entry that tells how masks were read; an extension, which other programs pass over. */
  static final String MASKS = "changenet_masks";

  private static final String TAO_MODEL = "visual_changenet_segment";

  private Checkpoint() {}

  /**
   * How far training is.
   *
   * @param epoch zero-based epoch that was running or has just finished
   * @param globalStep optimizer steps done in all
   * @param batchesDone batches done in {@code epoch}; 0 when the epoch is complete
   * @param lossSum sum of the losses of those batches
   * @param baseLr rate of epoch 0
   * @param stepSize epochs between decays of the {@code step} policy, 0 for {@code linear}
   */
  public record Progress(
      int epoch, long globalStep, int batchesDone, double lossSum, double baseLr, int stepSize) {

    /** First epoch that still has work. */
    public int nextEpoch() {
      return batchesDone > 0 ? epoch : epoch + 1;
    }
  }

  /** Name after a complete epoch. */
  public static String epochName(int epoch) {
    return String.format(Locale.ROOT, "model_epoch_%03d.pth", epoch);
  }

  /** Name inside an epoch. */
  public static String stepName(int epoch, long globalStep) {
    return String.format(Locale.ROOT, "model_epoch_%03d_step_%05d.pth", epoch, globalStep);
  }

  /** Writes {@code name} in {@code folder}, then points the latest entry at it. */
  public static Path save(
      Path folder, String name, ChangeNet net, Optimizer optimizer, Progress p) {
    return save(folder, name, net, optimizer, p, Map.of());
  }

  /**
   * {@link #save(Path, String, ChangeNet, Optimizer, Progress)} with entries of ours behind those
   * of TAO.
   */
  static Path save(
      Path folder,
      String name,
      ChangeNet net,
      Optimizer optimizer,
      Progress p,
      Map<String, ?> extensions) {
    Path file = folder.resolve(name);
    write(file, net, optimizer, p, extensions);
    LatestCheckpoint.point(folder, name);
    return file;
  }

  /** Writes a checkpoint that the latest entry does not follow. */
  static void write(
      Path file, ChangeNet net, Optimizer optimizer, Progress p, Map<String, ?> extensions) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("epoch", (long) p.epoch());
    root.put("global_step", p.globalStep());
    root.put("pytorch-lightning_version", "2.2.0");
    OrderedDict state = new OrderedDict();
    net.stateDict().forEach((k, t) -> state.put("model." + k, stored(t)));
    root.put("state_dict", state);
    root.put("loops", loops(p, optimizer));
    root.put("callbacks", new LinkedHashMap<>());
    root.put("optimizer_states", List.of(optimizerState(optimizer, p.baseLr())));
    root.put("lr_schedulers", List.of(schedulerState(optimizer, p)));
    root.put("tao_model", TAO_MODEL);
    if (net.stateDict().keySet().stream().anyMatch(n -> n.startsWith("backbone.radio."))) {
      root.put("tao_model_type", "radio");
    }
    root.putAll(extensions);
    PthWriter.write(file, root);
  }

  /** Counters: as Lightning's training loop keeps them, then this trainer's own. */
  private static Map<String, Object> loops(Progress p, Optimizer optimizer) {
    long begun = p.epoch() + 1L;
    long complete = p.batchesDone() > 0 ? p.epoch() : begun;
    Map<String, Object> epochs = new LinkedHashMap<>();
    for (String which : new String[] {"total", "current"}) {
      epochs.put(
          which,
          counts("ready", begun, "completed", complete, "started", begun, "processed", complete));
    }
    Map<String, Object> steps = new LinkedHashMap<>();
    for (String what : new String[] {"step", "zero_grad"}) {
      long n = p.globalStep();
      Map<String, Object> c =
          what.equals("step")
              ? counts("ready", n, "completed", n)
              : counts("ready", n, "completed", n, "started", n);
      steps.put(what, counts("total", c, "current", c));
    }
    return counts(
        "fit_loop",
            counts(
                "state_dict", Map.of(),
                "epoch_progress", epochs,
                "epoch_loop.state_dict", counts("_batches_that_stepped", p.globalStep()),
                "epoch_loop.automatic_optimization.optim_progress", counts("optimizer", steps)),
        "validate_loop", counts("state_dict", Map.of()),
        "optimizer", optimizer.name(),
        "batches_done", (long) p.batchesDone(),
        "loss_sum", p.lossSum());
  }

  private static Map<String, Object> counts(Object... namesAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      map.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    return map;
  }

  static StoredTensor stored(Tensor t) {
    int[] shape = t.shape().toArray();
    return t.dtype() == DType.INT64
        ? StoredTensor.ofLongs(shape, t.longs())
        : StoredTensor.ofFloats(
            shape, t.device().kind() == Device.Kind.CPU ? t.floats() : t.toFloatArray());
  }

  private static Map<String, Object> optimizerState(Optimizer optimizer, double baseLr) {
    Map<Object, Object> state = new LinkedHashMap<>();
    List<Parameter> parameters = optimizer.parameters();
    List<Object> indices = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      indices.add((long) i);
      Tensor[] slots = optimizer.state(i);
      // Of a step that was left out there may be slots, but PyTorch knows none.
      if (slots == null || optimizer.steps(i) == 0) {
        continue;
      }
      Map<String, Object> one = new LinkedHashMap<>();
      if (!optimizer.slots().contains("momentum_buffer")) {
        one.put("step", StoredTensor.floatScalar(optimizer.steps(i)));
      }
      for (int k = 0; k < slots.length; k++) {
        one.put(optimizer.slots().get(k), stored(slots[k]));
      }
      state.put((long) i, one);
    }
    Map<String, Object> group = new LinkedHashMap<>();
    optimizer
        .hyperparameters()
        .forEach((k, v) -> group.put(k, v instanceof double[] d ? Tuple.of(d[0], d[1]) : v));
    group.put("initial_lr", baseLr);
    group.put("params", indices);
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("state", state);
    out.put("param_groups", List.of(group));
    return out;
  }

  private static Map<String, Object> schedulerState(Optimizer optimizer, Progress p) {
    long stepped = p.batchesDone() > 0 ? p.epoch() : p.epoch() + 1L;
    Map<String, Object> s = new LinkedHashMap<>();
    if (p.stepSize() > 0) {
      s.put("step_size", (long) p.stepSize());
      s.put("gamma", 0.1);
    }
    s.put("base_lrs", List.of(p.baseLr()));
    s.put("last_epoch", stepped);
    s.put("verbose", false);
    s.put("_step_count", stepped + 1);
    s.put("_get_lr_called_within_step", false);
    s.put("_last_lr", List.of(optimizer.lr()));
    if (p.stepSize() == 0) {
      List<Object> lambdas = new ArrayList<>();
      lambdas.add(null);
      s.put("lr_lambdas", lambdas);
    }
    return s;
  }

  /**
   * Opens a file of weights and refuses what can't be used as a whole model. Damage shows when a
   * tensor is used.
   */
  public static WeightsFile open(Path file) {
    return open(file, WeightsFile::readAsNeeded);
  }

  /** Opens a file to resume from, all of which must be whole. */
  static WeightsFile openWhole(Path file) {
    return open(file, WeightsFile::read);
  }

  private static WeightsFile open(Path file, Function<Path, WeightsFile> read) {
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(
          file,
          Files.isDirectory(file)
              ? "is a folder; expected a checkpoint file (.pth)"
              : "does not exist; give the path of a checkpoint (.pth)");
    }
    WeightsFile weights = read.apply(file);
    if (weights.has("state_dict_encrypted")) {
      throw new CheckpointException(
          file,
          "its weights are encrypted with a cipher that is not public; save the checkpoint without"
              + " encryption and use that file");
    }
    if (!weights.has("state_dict")) {
      throw new CheckpointException(
          file, "has no entry 'state_dict'; expected a checkpoint of a ChangeNet training");
    }
    return weights;
  }

  /** Fills {@code net} strictly from {@code weights}. */
  public static void loadModel(WeightsFile weights, Path file, ChangeNet net) {
    ModelFit.require(net, weights);
    StateLoading.strict(net, weights.tensors("state_dict"), file);
  }

  /** Reads how far training was. */
  public static Progress progress(WeightsFile weights, Path file) {
    if (!weights.has("epoch") || !weights.has("global_step")) {
      throw new CheckpointException(
          file,
          "has no 'epoch' and 'global_step'; training cannot resume from it, but"
              + " train.pretrained_model_path can start from its weights");
    }
    Map<?, ?> schedule =
        weights.has("lr_schedulers", 0) ? weights.map("lr_schedulers", 0) : Map.of();
    double baseLr =
        schedule.get("base_lrs") instanceof List<?> l
                && !l.isEmpty()
                && l.getFirst() instanceof Number n
            ? n.doubleValue()
            : Double.NaN;
    if (baseLr < 0) {
      throw new CheckpointException(
          file, "its learning rate is " + baseLr + ", expected 0 or more; use another checkpoint");
    }
    int stepSize = schedule.get("step_size") instanceof Number n ? n.intValue() : 0;
    boolean inside = weights.has("loops", "batches_done");
    return new Progress(
        Math.toIntExact(weights.integer("epoch")),
        weights.integer("global_step"),
        inside ? Math.toIntExact(weights.integer("loops", "batches_done")) : 0,
        inside ? weights.number("loops", "loss_sum") : 0,
        baseLr,
        stepSize);
  }

  /** Restores optimizer state and hyperparameters; the stored ones rule. */
  public static void loadOptimizer(WeightsFile weights, Path file, Optimizer optimizer) {
    if (!weights.has("optimizer_states", 0)) {
      throw new CheckpointException(file, "has no optimizer state; training cannot resume from it");
    }
    // Adam and AdamW have the same state, so only the name tells them apart.
    if (weights.has("loops", "optimizer")
        && !weights.text("loops", "optimizer").equals(optimizer.name())) {
      throw new CheckpointException(
          file,
          "was trained with train.optim.optim "
              + weights.text("loops", "optimizer")
              + ", the spec says "
              + optimizer.name()
              + "; use the optimizer it was trained with");
    }
    Map<?, ?> group = weights.map("optimizer_states", 0, "param_groups", 0);
    List<Parameter> parameters = optimizer.parameters();
    if (!(group.get("params") instanceof List<?> l) || l.size() != parameters.size()) {
      throw new CheckpointException(
          file,
          "its optimizer state is not for this network's "
              + parameters.size()
              + " parameters; use the spec that the checkpoint was trained with");
    }
    try {
      optimizer.setHyperparameters(group);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(
          file,
          "training cannot resume from it, but train.pretrained_model_path can start from its"
              + " weights: "
              + e.getMessage(),
          e);
    }
    Map<?, ?> state = weights.map("optimizer_states", 0, "state");
    boolean momentum = optimizer.slots().contains("momentum_buffer");
    for (Map.Entry<?, ?> e : state.entrySet()) {
      if (!(e.getKey() instanceof Number index)
          || index.longValue() < 0
          || index.longValue() >= parameters.size()
          || !(e.getValue() instanceof Map<?, ?> one)) {
        throw new CheckpointException(
            file, "its optimizer state has an unusable entry " + e.getKey());
      }
      int i = index.intValue();
      List<StoredTensor> slots = new ArrayList<>();
      for (String slot : optimizer.slots()) {
        if (!(one.get(slot) instanceof StoredTensor t)
            || !Arrays.equals(t.shape(), parameters.get(i).shape().toArray())) {
          throw new CheckpointException(
              file,
              "its optimizer state does not fit train.optim.optim ('"
                  + slot
                  + "' is absent or has another shape); use the optimizer it was trained with");
        }
        slots.add(t);
      }
      Tensor[] restored = optimizer.restore(i, momentum ? 2 : steps(one));
      for (int k = 0; k < restored.length; k++) {
        StateLoading.copy(slots.get(k), restored[k]);
      }
    }
  }

  private static long steps(Map<?, ?> one) {
    return switch (one.get("step")) {
      case StoredTensor t -> (long) t.item();
      case Number n -> n.longValue();
      case null, default -> 1;
    };
  }
}
