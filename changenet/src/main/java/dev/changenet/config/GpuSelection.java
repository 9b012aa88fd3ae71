package dev.changenet.config;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The machines and GPUs of a run after reconciling {@code num_gpus} with {@code gpu_ids}.
 *
 * @param numNodes machines
 * @param gpuIds indices of the GPUs on each machine
 * @param warnings what was changed, one sentence each
 */
public record GpuSelection(int numNodes, List<Integer> gpuIds, List<String> warnings) {

  public GpuSelection {
    gpuIds = List.copyOf(gpuIds);
    warnings = List.copyOf(warnings);
  }

  /** Returns the number of GPUs on each machine. */
  public int numGpus() {
    return gpuIds.size();
  }

  /**
   * Reconciles the two settings: where they disagree the larger count wins, and the listed indices
   * are kept only if there are enough of them.
   */
  public static GpuSelection reconcile(int numNodes, int numGpus, List<Integer> gpuIds) {
    if (numGpus == gpuIds.size()) {
      return new GpuSelection(numNodes, gpuIds, List.of());
    }
    int n = Math.max(numGpus, gpuIds.size());
    List<Integer> used = gpuIds.size() == n ? gpuIds : firstIds(n);
    String warning =
        "num_gpus is %d but gpu_ids is %s; using %d %s: %s"
            .formatted(numGpus, gpuIds, n, n == 1 ? "GPU" : "GPUs", used);
    return new GpuSelection(numNodes, used, List.of(warning));
  }

  /**
   * Returns the selection that the environment prescribes: with {@code WORLD_SIZE} set, that many
   * machines with {@code NUM_GPU_PER_NODE} (or all usable) GPUs each.
   *
   * @param usableGpus GPUs that this machine can use
   * @return null when {@code WORLD_SIZE} is not set
   * @throws NumberFormatException if a variable is not a whole number of 1 or more; the message
   *     names it
   */
  static GpuSelection fromEnvironment(Map<String, String> environment, int usableGpus) {
    if (environment.getOrDefault("WORLD_SIZE", "").isBlank()) {
      return null;
    }
    int nodes = count(environment, "WORLD_SIZE");
    int gpus =
        environment.getOrDefault("NUM_GPU_PER_NODE", "").isBlank()
            ? Math.max(1, usableGpus)
            : count(environment, "NUM_GPU_PER_NODE");
    String warning =
        "the environment variable WORLD_SIZE is set; using %d %s with %d %s"
            .formatted(
                nodes, nodes == 1 ? "machine" : "machines", gpus, gpus == 1 ? "GPU" : "GPUs");
    return new GpuSelection(nodes, firstIds(gpus), List.of(warning));
  }

  private static int count(Map<String, String> environment, String name) {
    String text = environment.get(name).strip();
    if (!text.matches("[0-9]{1,6}") || Integer.parseInt(text) < 1) {
      throw new NumberFormatException(
          "the environment variable " + name + " must be a whole number >= 1, got '" + text + "'");
    }
    return Integer.parseInt(text);
  }

  private static List<Integer> firstIds(int n) {
    return IntStream.range(0, n).boxed().toList();
  }

  /** Returns what is wrong with the indices, or null: negative, repeated or absent ones. */
  String problem(int usableGpus) {
    if (gpuIds.stream().anyMatch(id -> id < 0)) {
      return "the indices must not be negative, got " + gpuIds;
    }
    if (new HashSet<>(gpuIds).size() < gpuIds.size()) {
      return "the indices must be distinct, got " + gpuIds;
    }
    List<Integer> absent = new ArrayList<>(gpuIds);
    absent.removeIf(id -> id < usableGpus);
    if (usableGpus > 0 && !absent.isEmpty()) {
      String names = absent.stream().map(String::valueOf).collect(Collectors.joining(", "));
      return "there is no GPU "
          + names
          + ", this machine has "
          + usableGpus
          + " (0 to "
          + (usableGpus - 1)
          + ")";
    }
    return null;
  }

  /** Returns the first index, or nothing when no GPU is selected. */
  public OptionalInt firstGpu() {
    return gpuIds.isEmpty() ? OptionalInt.empty() : OptionalInt.of(gpuIds.getFirst());
  }
}
