package dev.changenet.config;

import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.AtomicFile;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A loaded and checked experiment spec, as one task sees it. Immutable.
 *
 * <p>Settings that the task does not read are not checked; where such a setting cannot be used, its
 * record field holds the default, or null for a text or path without one.
 */
public final class ExperimentSpec {
  /** Name of the file in a results directory that holds the spec of its run. */
  public static final String FILE = "experiment.yaml";

  private final Path specFile;
  private final Task task;
  private final Optional<String> encryptionKey;
  private final Path resultsDir;
  private final GpuSelection gpus;
  private final boolean gpuUsable;
  private final List<String> warnings;
  private final ModelSpec model;
  private final SegmentDataSpec segmentData;
  private final TrainSpec train;
  private final EvaluateSpec evaluate;
  private final InferenceSpec inference;
  private final ExportSpec export;
  private final boolean report;
  private final Map<String, Object> tree;
  private final List<String> overrides;
  private final List<Origin> origins;

  ExperimentSpec(
      Path specFile,
      List<String> overrides,
      SpecReading reading,
      SpecTree written,
      GpuSelection gpus,
      boolean gpuUsable,
      String resultsDir,
      List<String> warnings) {
    this.specFile = specFile;
    this.task = reading.task();
    this.encryptionKey = reading.nonEmpty(Secrets.KEY);
    this.resultsDir = Path.of(resultsDir);
    this.gpus = gpus;
    this.gpuUsable = gpuUsable;
    this.warnings = List.copyOf(warnings);
    this.model = ModelSpec.from(reading);
    this.segmentData = SegmentDataSpec.from(reading);
    this.train = TrainSpec.from(reading);
    this.evaluate = EvaluateSpec.from(reading);
    this.inference = InferenceSpec.from(reading);
    this.export = ExportSpec.from(reading);
    this.report = reading.flag("report");
    this.tree = Collections.unmodifiableMap(effective(reading, written, resultsDir));
    this.overrides = overrides.stream().map(Secrets::maskArgument).toList();
    this.origins =
        SpecSchema.get().keys().stream()
            .map(k -> Origin.of(k, written.setting(k.path()), tree.get(k.path()), task))
            .toList();
  }

  private static Map<String, Object> effective(
      SpecReading reading, SpecTree written, String resultsDir) {
    Map<String, Object> tree = new LinkedHashMap<>(written.values());
    String task = reading.task().key();
    tree.put("results_dir", resultsDir);
    tree.put(task + ".results_dir", resultsDir);
    if (reading.task() != Task.EXPORT) {
      for (String key : List.of(".num_gpus", ".gpu_ids", ".num_nodes")) {
        tree.put(task + key, reading.value(task + key));
      }
    }
    return tree;
  }

  /**
   * Loads a spec for a run on this machine and its GPUs; see {@link SpecLoader} for more choices.
   *
   * @param specFile YAML, or JSON when its name ends in {@code .json}
   * @param overrides {@code path.to.key=value} arguments in the order in which they were given
   * @param environment environment variables of the process
   * @throws SpecException if anything is wrong with file, overrides or the files they name
   */
  public static ExperimentSpec load(
      Path specFile, List<String> overrides, Task task, Map<String, String> environment) {
    GpuSupport gpus = GpuSupport.ofThisMachine();
    return new SpecLoader(task).environment(environment).gpus(gpus).load(specFile, overrides);
  }

  /** Returns the spec file as the user named it. */
  public Path specFile() {
    return specFile;
  }

  /** Returns the overrides as given, in order, the encryption key masked. */
  public List<String> overrides() {
    return overrides;
  }

  /** Returns every setting with its origin, in the order of {@link #toYaml()}. */
  public List<Origin> origins() {
    return origins;
  }

  /** Returns whether training and evaluation write a report. */
  public boolean report() {
    return report;
  }

  /** Returns the task the spec was loaded for. */
  public Task task() {
    return task;
  }

  /** Returns the encryption key. */
  public Optional<String> encryptionKey() {
    return encryptionKey;
  }

  /** Returns the directory of this run; it need not exist yet. */
  public Path resultsDir() {
    return resultsDir;
  }

  /** Returns machines and GPUs after reconciliation. */
  public GpuSelection gpus() {
    return gpus;
  }

  /** Returns the GPU to run on; empty for the CPU. */
  public OptionalInt gpu() {
    return gpuUsable ? gpus.firstGpu() : OptionalInt.empty();
  }

  /** Returns sentences to log once before the run. */
  public List<String> warnings() {
    return warnings;
  }

  public ModelSpec model() {
    return model;
  }

  /** Returns section {@code dataset.segment}. */
  public SegmentDataSpec segmentData() {
    return segmentData;
  }

  public TrainSpec train() {
    return train;
  }

  public EvaluateSpec evaluate() {
    return evaluate;
  }

  public InferenceSpec inference() {
    return inference;
  }

  public ExportSpec export() {
    return export;
  }

  /**
   * Returns the effective spec as YAML: every key with its default, interpolations and {@code ???}
   * as written, the results directory and the GPUs as used, the encryption key masked.
   */
  public String toYaml() {
    return SpecWriter.write(tree);
  }

  /**
   * Writes {@link #toYaml()} to {@code experiment.yaml} in the results directory, which is created.
   *
   * @return the file
   * @throws ChangeNetException if directory or file cannot be written
   */
  public Path writeExperimentYaml() {
    Path file = resultsDir.resolve(FILE);
    try {
      Files.createDirectories(resultsDir);
      AtomicFile.write(file, toYaml().getBytes(StandardCharsets.UTF_8));
      return file;
    } catch (IOException e) {
      throw new ChangeNetException(
          "results_dir: cannot write "
              + file
              + " ("
              + IoProblem.of(e)
              + "); choose another results_dir",
          e);
    }
  }
}
