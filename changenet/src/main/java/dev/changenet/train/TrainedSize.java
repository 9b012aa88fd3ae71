package dev.changenet.train;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SpecException;
import dev.changenet.config.SpecLoader;
import dev.changenet.config.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Compares the size that pictures are scaled to with that of the training. */
final class TrainedSize {
  private TrainedSize() {}

  /**
   * Says that the spec which training left beside {@code checkpoint} has another {@code img_size};
   * empty when it has not, or can't be told.
   */
  static Optional<String> doubt(ExperimentSpec spec, Path checkpoint) {
    Path beside = checkpoint.toAbsolutePath().resolveSibling(ExperimentSpec.FILE);
    if (!Files.isRegularFile(beside)) {
      return Optional.empty();
    }
    ExperimentSpec trained;
    try {
      trained =
          new SpecLoader(Task.TRAIN)
              .checkFiles(false)
              .usableGpus(1)
              .load(beside, List.of("train.num_gpus=1", "train.gpu_ids=[0]", "train.num_nodes=1"));
    } catch (SpecException e) {
      // A spec of another program or version, which says nothing about this one's keys.
      return Optional.empty();
    }
    int size = spec.segmentData().imgSize();
    int then = trained.segmentData().imgSize();
    if (size == then || trained.model().backbone().type() != spec.model().backbone().type()) {
      return Optional.empty();
    }
    return Optional.of(
        "pictures are scaled to %d x %d, but the checkpoint was trained at %d x %d"
                .formatted(size, size, then, then)
            + " ("
            + beside
            + "), where it is best; unless this is meant, add dataset.segment.img_size="
            + then);
  }
}
