package dev.changenet.config;

import java.nio.file.Path;

/**
 * Section {@code evaluate}.
 *
 * @param checkpoint trained model; null when the spec was loaded for another task and names none
 * @param visAfterNBatches write pictures for every n-th batch
 */
public record EvaluateSpec(Path checkpoint, int visAfterNBatches) {

  static EvaluateSpec from(SpecReading reading) {
    return new EvaluateSpec(
        reading.path("evaluate.checkpoint").orElse(null),
        reading.integer("evaluate.vis_after_n_batches"));
  }
}
