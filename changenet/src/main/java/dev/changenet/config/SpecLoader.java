package dev.changenet.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Loads an experiment spec for one task.
 *
 * <p>The order is: file, overrides, aliases; then the keys the task reads are resolved and checked,
 * the GPUs reconciled and the results directory chosen. All errors are reported at once; a key that
 * was refused early (unknown, of a wrong type) takes no part in the later checks.
 */
public final class SpecLoader {
  private static final List<String> PATH_KEYS =
      List.of(
          "dataset.segment.root_dir",
          "train.resume_training_checkpoint_path",
          "train.pretrained_model_path",
          "model.backbone.pretrained_backbone_path",
          "evaluate.checkpoint",
          "inference.checkpoint",
          "inference.image_a",
          "inference.image_b",
          ThresholdSpec.INFERENCE,
          "export.checkpoint",
          ThresholdSpec.EXPORT,
          "export.onnx_file");

  private final Task task;
  private Map<String, String> environment = Map.of();
  private int usableGpus;
  private String gpuProblem = "";
  private boolean quietAboutGpus;
  private boolean checkFiles = true;
  private boolean dataOnly;
  private Predicate<BackboneType> supported = BackboneType::isSupported;

  /** Creates a loader for a task, with an empty environment and no usable GPU. */
  public SpecLoader(Task task) {
    this.task = task;
  }

  /** Sets the environment variables; {@code WORLD_SIZE} and {@code NUM_GPU_PER_NODE} are read. */
  public SpecLoader environment(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
    return this;
  }

  /** Sets the number of GPUs that this machine can use. */
  public SpecLoader usableGpus(int usableGpus) {
    this.usableGpus = usableGpus;
    return this;
  }

  /** Sets the GPUs of the machine, and why there is none. */
  SpecLoader gpus(GpuSupport gpus) {
    usableGpus = gpus.count();
    gpuProblem = gpus.problem().isEmpty() ? "" : " (" + gpus.problem() + ")";
    return this;
  }

  /** Leaves out the warning that there is no GPU, which no spec is to blame for. */
  SpecLoader quietAboutGpus() {
    quietAboutGpus = true;
    return this;
  }

  Task task() {
    return task;
  }

  /** Sets whether data folder, checkpoints and output file are looked up on disk; true at first. */
  public SpecLoader checkFiles(boolean checkFiles) {
    this.checkFiles = checkFiles;
    return this;
  }

  /**
   * Reads section {@code dataset.segment} alone: settings elsewhere that a run could not use are no
   * error and hold their defaults, and nothing is looked up on disk.
   */
  public SpecLoader dataOnly() {
    dataOnly = true;
    return this;
  }

  /** Sets which encoders count as supported, so that checks can run ahead of the encoders. */
  SpecLoader supportedBackbones(Predicate<BackboneType> supported) {
    this.supported = supported;
    return this;
  }

  /**
   * Loads a spec file and applies overrides.
   *
   * @param file YAML, or JSON when its name ends in {@code .json}
   * @param overrides {@code path.to.key=value} arguments in the order in which they were given
   * @throws SpecException if anything is wrong with file or overrides
   */
  public ExperimentSpec load(Path file, List<String> overrides) {
    return read(file, SpecReader.read(file), overrides).spec();
  }

  /** Loads a spec from text; the name stands for the file in messages. */
  ExperimentSpec parse(String name, String content, List<String> overrides) {
    return read(Path.of(name), SpecReader.parse(name, content), overrides).spec();
  }

  /** A spec with the settings that it was made of. */
  record Loaded(ExperimentSpec spec, SpecTree tree, SpecReading reading) {}

  Loaded read(Path file, SpecReader.Document document, List<String> overrides) {
    SpecSchema schema = SpecSchema.get();
    SpecTree tree = new SpecTree(schema, file.toString());
    tree.applyFile(document.root());
    List<SpecError> errors = new ArrayList<>();
    List<String> doubtful = new ArrayList<>();
    for (String argument : overrides) {
      try {
        tree.applyOverride(OverrideParser.parse(argument));
      } catch (SpecException e) {
        errors.addAll(e.errors());
        doubtful.add(schema.canonical(argument.replaceFirst("=.*", "").replaceFirst("^\\++", "")));
      }
    }
    tree.foldAliases();
    errors.addAll(0, tree.errors());
    for (SpecError error : errors) {
      doubtful.add(schema.canonical(error.key()));
      error.nearest().forEach(key -> doubtful.add(schema.canonical(key)));
    }
    doubtful.remove("");
    if (dataOnly) {
      return dataOnly(file, document, overrides, tree, errors, doubtful);
    }
    boolean complete = errors.isEmpty();
    preferCommandLineGpus(tree, overrides);

    SpecReading reading = new SpecReading(schema, tree, task, doubtful);
    List<String> warnings = new ArrayList<>();
    GpuSelection gpus = selectGpus(reading, warnings);
    Optional<String> resultsDir = ResultsDirectory.choose(reading);
    CrossChecks.run(reading, supported, usableGpus > 0, gpuProblem);
    if (FileChecks.arePaths(reading, PATH_KEYS) && checkFiles) {
      FileChecks.run(reading);
    }
    errors.addAll(reading.errors());
    if (!errors.isEmpty()) {
      throw new SpecException(
          inWrittenOrder(errors),
          resultsDir.filter(dir -> complete).map(Path::of).orElse(null),
          document.source());
    }
    warnings.addAll(IdleKeys.warnings(reading));
    ExperimentSpec spec =
        new ExperimentSpec(
            file,
            overrides,
            reading,
            tree,
            gpus,
            usableGpus > 0,
            resultsDir.orElseThrow(),
            warnings);
    return new Loaded(spec, tree, reading);
  }

  private Loaded dataOnly(
      Path file,
      SpecReader.Document document,
      List<String> overrides,
      SpecTree tree,
      List<SpecError> errors,
      List<String> doubtful) {
    String section = "dataset.segment.";
    SpecReading reading =
        new SpecReading(
            SpecSchema.get(), tree, task, doubtful, key -> key.path().startsWith(section));
    CrossChecks.dataOnly(reading);
    FileChecks.arePaths(reading, List.of(section + "root_dir"));
    errors.addAll(reading.errors());
    if (!errors.isEmpty()) {
      throw new SpecException(inWrittenOrder(errors), null, document.source());
    }
    GpuSelection cpu = new GpuSelection(1, List.of(), List.of());
    ExperimentSpec spec =
        new ExperimentSpec(
            file, overrides, reading, tree, cpu, false, "", IdleKeys.dataWarnings(reading));
    return new Loaded(spec, tree, reading);
  }

  private static List<SpecError> inWrittenOrder(List<SpecError> errors) {
    List<SpecError> sorted = new ArrayList<>(errors);
    sorted.sort(
        Comparator.comparing((SpecError error) -> error.location().isOverride())
            .thenComparing(error -> error.location().line() == 0)
            .thenComparing(error -> error.location().line())
            .thenComparing(error -> error.location().column()));
    return sorted;
  }

  /** One GPU setting on the command line makes the file's pair void. */
  private void preferCommandLineGpus(SpecTree tree, List<String> overrides) {
    boolean mentioned =
        overrides.stream().anyMatch(o -> o.contains("num_gpus") || o.contains("gpu_ids"));
    if (!mentioned || task == Task.EXPORT) {
      return;
    }
    for (String key : List.of(task.key() + ".num_gpus", task.key() + ".gpu_ids")) {
      if (!tree.location(key).isOverride()) {
        tree.reset(key);
      }
    }
  }

  private GpuSelection selectGpus(SpecReading reading, List<String> warnings) {
    if (task == Task.EXPORT) {
      return selectExportGpu(reading);
    }
    String numGpus = task.key() + ".num_gpus";
    String gpuIds = task.key() + ".gpu_ids";
    String numNodes = task.key() + ".num_nodes";
    if (!reading.readable(numGpus, gpuIds, numNodes)) {
      return new GpuSelection(1, List.of(), List.of());
    }
    GpuSelection gpus;
    GpuSelection forced;
    try {
      forced = GpuSelection.fromEnvironment(environment, usableGpus);
      gpus =
          forced != null
              ? forced
              : GpuSelection.reconcile(
                  reading.integer(numNodes), reading.integer(numGpus), reading.indices(gpuIds));
    } catch (NumberFormatException e) {
      reading.unusable(FailureKind.PARAMETER, numNodes, e.getMessage());
      return new GpuSelection(1, List.of(), List.of());
    }
    if (forced != null && gpus.numNodes() > 1) {
      if (task == Task.TRAIN) {
        reading.unusable(
            FailureKind.NOT_IMPLEMENTED,
            numNodes,
            "more than one machine is not yet supported by this build, the environment variable"
                + " WORLD_SIZE asks for "
                + gpus.numNodes()
                + "; unset it or set it to 1");
        return gpus;
      }
      warnings.add(
          "the environment variable WORLD_SIZE is "
              + gpus.numNodes()
              + ", but "
              + task.key()
              + " runs on one machine");
      gpus = new GpuSelection(1, gpus.gpuIds(), List.of());
    }
    warnings.addAll(gpus.warnings());
    String by =
        forced == null ? "" : " by the environment variables WORLD_SIZE and NUM_GPU_PER_NODE";
    checkGpus(reading, gpus, by, numGpus, gpuIds, numNodes);
    reading.replace(numGpus, (long) gpus.numGpus());
    reading.replace(gpuIds, gpus.gpuIds().stream().map(Long::valueOf).toList());
    reading.replace(numNodes, (long) gpus.numNodes());
    if (usableGpus == 0 && !quietAboutGpus) {
      warnings.add("no usable GPU" + gpuProblem + ", running on the CPU");
    } else if (usableGpus > 0 && task == Task.EVALUATE && gpus.numGpus() > 1) {
      warnings.add("evaluate runs on one GPU, using the first of " + gpus.gpuIds());
    }
    return gpus;
  }

  private void checkGpus(
      SpecReading reading,
      GpuSelection gpus,
      String by,
      String numGpus,
      String gpuIds,
      String numNodes) {
    // The larger count has won.
    String asks = reading.indices(gpuIds).size() > reading.integer(numGpus) ? gpuIds : numGpus;
    String problem = gpus.problem(usableGpus);
    if (problem != null) {
      reading.unusable(FailureKind.PARAMETER, gpuIds, problem);
    } else if (gpus.numGpus() > 1 && usableGpus == 0) {
      reading.unusable(
          FailureKind.NOT_IMPLEMENTED,
          asks,
          gpus.numGpus()
              + " GPUs are requested"
              + by
              + ", but none is usable"
              + gpuProblem
              + "; request 1 to run on the CPU");
    } else if (gpus.numGpus() > 1 && task != Task.EVALUATE) {
      reading.unusable(
          FailureKind.NOT_IMPLEMENTED,
          asks,
          "more than one GPU is not yet supported by this build, got " + gpus.numGpus() + by);
    }
    if (gpus.numNodes() > 1 && task == Task.TRAIN) {
      reading.unusable(
          FailureKind.NOT_IMPLEMENTED,
          numNodes,
          "more than one machine is not yet supported by this build, got " + gpus.numNodes());
    }
  }

  /** Export takes place on the CPU whatever it is asked for, so that no GPU is missed. */
  private GpuSelection selectExportGpu(SpecReading reading) {
    if (!reading.readable("export.gpu_id", "export.on_cpu") || reading.flag("export.on_cpu")) {
      return new GpuSelection(1, List.of(), List.of());
    }
    GpuSelection gpu = new GpuSelection(1, List.of(reading.integer("export.gpu_id")), List.of());
    String problem = gpu.problem(usableGpus);
    if (problem != null) {
      reading.unusable(FailureKind.PARAMETER, "export.gpu_id", problem);
    }
    return gpu;
  }
}
