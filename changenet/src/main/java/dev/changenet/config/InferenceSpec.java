package dev.changenet.config;

import java.nio.file.Path;
import java.util.List;

/**
 * Section {@code inference}.
 *
 * @param checkpoint trained model; null when the spec was loaded for another task and names none
 * @param numGpus GPUs after reconciliation
 * @param gpuIds indices of these GPUs
 * @param numNodes accepted; the task runs on one machine
 * @param visAfterNBatches write pictures for every n-th batch
 * @param batchSize TensorRT only, -1 when not given
 */
public record InferenceSpec(
    Path checkpoint,
    int numGpus,
    List<Integer> gpuIds,
    int numNodes,
    int visAfterNBatches,
    int batchSize) {

  public InferenceSpec {
    gpuIds = List.copyOf(gpuIds);
  }

  static InferenceSpec from(SpecReading reading) {
    return new InferenceSpec(
        reading.path("inference.checkpoint").orElse(null),
        reading.integer("inference.num_gpus"),
        reading.indices("inference.gpu_ids"),
        reading.integer("inference.num_nodes"),
        reading.integer("inference.vis_after_n_batches"),
        reading.integer("inference.batch_size"));
  }
}
