package dev.changenet.config;

import java.nio.file.Path;
import java.util.List;

/**
 * Section {@code evaluate}.
 *
 * @param checkpoint trained model; null when the spec was loaded for another task and names none
 * @param numGpus GPUs after reconciliation
 * @param gpuIds indices of these GPUs
 * @param numNodes accepted; the task runs on one machine
 * @param visAfterNBatches write pictures for every n-th batch
 * @param batchSize TensorRT only, -1 when not given
 */
public record EvaluateSpec(
    Path checkpoint,
    int numGpus,
    List<Integer> gpuIds,
    int numNodes,
    int visAfterNBatches,
    int batchSize) {

  public EvaluateSpec {
    gpuIds = List.copyOf(gpuIds);
  }

  static EvaluateSpec from(SpecReading reading) {
    return new EvaluateSpec(
        reading.path("evaluate.checkpoint").orElse(null),
        reading.integer("evaluate.num_gpus"),
        reading.indices("evaluate.gpu_ids"),
        reading.integer("evaluate.num_nodes"),
        reading.integer("evaluate.vis_after_n_batches"),
        reading.integer("evaluate.batch_size"));
  }
}
