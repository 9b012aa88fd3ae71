package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GpuSelectionTest {

  @Test
  void agreementIsKept() {
    assertThat(GpuSelection.reconcile(1, 2, List.of(3, 5)))
        .isEqualTo(new GpuSelection(1, List.of(3, 5), List.of()));
  }

  @Test
  void largerCountWins() {
    assertThat(GpuSelection.reconcile(1, 1, List.of(0, 1)).gpuIds()).containsExactly(0, 1);
    assertThat(GpuSelection.reconcile(1, 1, List.of(4, 5)).gpuIds()).containsExactly(4, 5);
    assertThat(GpuSelection.reconcile(1, 3, List.of(4, 5)).gpuIds()).containsExactly(0, 1, 2);
    assertThat(GpuSelection.reconcile(1, 1, List.of()).gpuIds()).containsExactly(0);
    assertThat(GpuSelection.reconcile(1, 3, List.of(4, 5)).warnings())
        .containsExactly("num_gpus is 3 but gpu_ids is [4, 5]; using 3 GPUs: [0, 1, 2]");
  }

  @Test
  void oneSettingOnTheCommandLineMakesTheFileVoid() {
    SpecLoader loader = SpecAssertions.loader(Task.EVALUATE).usableGpus(8);
    ExperimentSpec spec =
        SpecAssertions.load(
            loader, Task.EVALUATE, "evaluate: {gpu_ids: [2, 3]}", "evaluate.num_gpus=2");

    assertThat(spec.gpus().gpuIds()).containsExactly(0, 1);
    assertThat(spec.gpus().numGpus()).isEqualTo(2);
    assertThat(spec.toYaml()).contains("evaluate:\n").contains("  num_gpus: 2\n  gpu_ids: [0, 1]");
    assertThat(
            SpecAssertions.load(
                    loader, Task.EVALUATE, "evaluate: {gpu_ids: [2, 3]}", "train.num_gpus=2")
                .gpus()
                .gpuIds())
        .containsExactly(0);
  }

  @Test
  void evaluateUsesTheFirstAndSaysSo() {
    ExperimentSpec spec =
        SpecAssertions.load(
            SpecAssertions.loader(Task.EVALUATE).usableGpus(8),
            Task.EVALUATE,
            "evaluate: {gpu_ids: [4, 5]}");

    assertThat(spec.gpu()).hasValue(4);
    assertThat(spec.warnings())
        .containsExactly(
            "num_gpus is 1 but gpu_ids is [4, 5]; using 2 GPUs: [4, 5]",
            "evaluate runs on one GPU, using the first of [4, 5]");
  }

  @Test
  void severalGpusAreRefusedForTrainingAndInference() {
    for (Task task : List.of(Task.TRAIN, Task.INFERENCE)) {
      SpecException e =
          SpecAssertions.failure(
              SpecAssertions.loader(task).usableGpus(2), task, task.key() + ": {num_gpus: 2}");
      assertThat(e.errorClass()).isEqualTo(ErrorClass.UNUSABLE);
      assertThat(e.getMessage())
          .endsWith(
              task.key()
                  + ".num_gpus: more than one GPU is not yet supported by this build, got 2");
    }
  }

  @Test
  void absentIndexIsRefusedOnlyWhereThereAreGpus() {
    assertThat(
            SpecAssertions.failure(
                    SpecAssertions.loader(Task.TRAIN).usableGpus(2),
                    Task.TRAIN,
                    "train: {gpu_ids: [2]}")
                .getMessage())
        .endsWith("train.gpu_ids: there is no GPU 2, this machine has 2 (0 to 1)");
    assertThat(SpecAssertions.load(Task.TRAIN, "train: {gpu_ids: [2]}").gpu()).isEmpty();
    assertThat(
            SpecAssertions.failure(
                    SpecAssertions.loader(Task.EXPORT).usableGpus(1),
                    Task.EXPORT,
                    "export: {gpu_id: 1}")
                .getMessage())
        .endsWith("export.gpu_id: there is no GPU 1, this machine has 1 (0 to 0)");
  }

  @Test
  void environmentBeatsEverything() {
    ExperimentSpec spec =
        SpecAssertions.load(
            SpecAssertions.loader(Task.TRAIN)
                .usableGpus(4)
                .environment(Map.of("WORLD_SIZE", "1", "NUM_GPU_PER_NODE", "1")),
            Task.TRAIN,
            "train: {num_gpus: 3}",
            "train.gpu_ids=[2]");

    assertThat(spec.gpus().gpuIds()).containsExactly(0);
    assertThat(spec.gpu()).hasValue(0);
    assertThat(spec.gpus().numNodes()).isEqualTo(1);
  }

  @Test
  void severalMachinesOfTheEnvironmentAreRefused() {
    SpecLoader two =
        SpecAssertions.loader(Task.TRAIN)
            .environment(Map.of("WORLD_SIZE", "1", "NUM_GPU_PER_NODE", "2"));
    assertThat(SpecAssertions.failure(two, Task.TRAIN, ""))
        .hasMessageContaining(
            "2 GPUs are requested by the environment variables WORLD_SIZE and NUM_GPU_PER_NODE,"
                + " but none is usable");
    SpecLoader loader = SpecAssertions.loader(Task.TRAIN).environment(Map.of("WORLD_SIZE", "2"));
    assertThat(SpecAssertions.failure(loader, Task.TRAIN, "").getMessage())
        .isEqualTo(
            "spec.yaml: train.num_nodes: more than one machine is not yet supported by this build,"
                + " the environment variable WORLD_SIZE asks for 2; unset it or set it to 1");
    ExperimentSpec evaluation =
        SpecAssertions.load(
            SpecAssertions.loader(Task.EVALUATE).environment(Map.of("WORLD_SIZE", "2")),
            Task.EVALUATE,
            "");
    assertThat(evaluation.warnings())
        .contains("the environment variable WORLD_SIZE is 2, but evaluate runs on one machine")
        .noneMatch(w -> w.contains("using 2 machines"));
    SpecLoader wrong = SpecAssertions.loader(Task.TRAIN).environment(Map.of("WORLD_SIZE", "two"));
    assertThat(SpecAssertions.failure(wrong, Task.TRAIN, "").getMessage())
        .isEqualTo(
            "spec.yaml: train.num_nodes: the environment variable WORLD_SIZE must be a whole number"
                + " >= 1, got 'two'");
  }

  @Test
  void allUsableGpusCountWhereTheEnvironmentNamesNoNumber() {
    assertThat(GpuSelection.fromEnvironment(Map.of("WORLD_SIZE", "2"), 4))
        .extracting(GpuSelection::numNodes, GpuSelection::numGpus)
        .containsExactly(2, 4);
    assertThat(GpuSelection.fromEnvironment(Map.of(), 4)).isNull();
    assertThat(GpuSelection.fromEnvironment(Map.of("WORLD_SIZE", "1"), 2).warnings().getFirst())
        .endsWith("using 1 machine with 2 GPUs");
  }
}
