package dev.changenet.data;

import java.nio.file.Path;

/** Sentences about a data set that more than one place says. Each ends with what to do. */
public final class DataMessages {
  private DataMessages() {}

  /** Returns {@code 1 mask}, {@code 3 masks}. */
  public static String count(long n, String noun) {
    return n + " " + noun + (n == 1 ? "" : "s");
  }

  /** Mask {@code path} holds {@code value}, which is no class. */
  public static String noClass(Path path, int value, int column, int row, DataSettings settings) {
    return path
        + ": mask value "
        + value
        + " at column "
        + column
        + ", row "
        + row
        + " is no class; expected 0–"
        + (settings.numClasses() - 1)
        + " or 255 (ignore) with num_classes "
        + settings.numClasses()
        + " and label_transform "
        + settings.labelTransform()
        + "; correct the mask or these settings";
  }

  /** The list of a split is shorter than a step. */
  public static String tooFewSamples(
      Path list, int samples, String purpose, int batchSize, int gpus) {
    return list
        + ": "
        + count(samples, "sample")
        + " for "
        + purpose
        + ", but one step takes "
        + batchSize * gpus
        + " (batch_size "
        + batchSize
        + " × "
        + count(gpus, "GPU")
        + "); set dataset.segment.batch_size to "
        + (samples / gpus > 1 ? samples / gpus + " or less" : "1")
        + ", or add samples";
  }

  /** A whole split without a changed pixel. */
  public static String noChange(String split, String labelTransform) {
    return "split "
        + split
        + ": no mask has a changed pixel after label_transform '"
        + labelTransform
        + "'; masks with values 0 and 1 need label_transform: None";
  }
}
