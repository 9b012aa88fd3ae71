package dev.changenet.config;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Section {@code inference}.
 *
 * @param checkpoint trained model; null when the spec was loaded for another task and names none
 * @param visAfterNBatches write pictures for every n-th batch
 * @param pictures pictures named in the spec; empty when the data set's list is to be used
 * @param output what is written besides the pictures
 * @param threshold where the threshold of change comes from; empty for the most probable class
 * @param flips average over the pair and its mirror images
 * @param tileOverlap least part of a tile that lies on its neighbour, 0–0.5; empty for no tiles
 */
public record InferenceSpec(
    Path checkpoint,
    int visAfterNBatches,
    Optional<Pictures> pictures,
    Output output,
    Optional<ThresholdSpec> threshold,
    boolean flips,
    OptionalDouble tileOverlap) {

  /**
   * Two pictures, or two folders of pictures.
   *
   * @param a before
   * @param b after
   */
  public record Pictures(Path a, Path b) {}

  /** Which probabilities are written. */
  public enum Probabilities {
    NONE,
    /** That of change, as a grey picture. */
    CHANGE,
    /** That of change and of each class, as grey pictures. */
    ALL,
    /** That of each class, as a NumPy array. */
    NPY
  }

  /**
   * What is written besides the pictures.
   *
   * @param masks class ids
   * @param probabilities which probabilities
   * @param originalSize in the size of the first picture instead of {@code img_size}
   */
  public record Output(boolean masks, Probabilities probabilities, boolean originalSize) {}

  static InferenceSpec from(SpecReading reading) {
    Optional<Path> a = reading.nonEmpty(InferenceChecks.IMAGE_A).map(FileChecks::expandHome);
    Optional<Path> b = reading.nonEmpty(InferenceChecks.IMAGE_B).map(FileChecks::expandHome);
    Optional<Pictures> pictures = a.flatMap(first -> b.map(second -> new Pictures(first, second)));
    Boolean masks = (Boolean) reading.value("inference.masks");
    boolean tiles = reading.flag("inference.tiles.enabled");
    return new InferenceSpec(
        reading.path("inference.checkpoint").orElse(null),
        reading.integer("inference.vis_after_n_batches"),
        pictures,
        new Output(
            masks == null ? pictures.isPresent() : masks,
            Probabilities.valueOf(reading.text("inference.probabilities").toUpperCase(Locale.ROOT)),
            tiles || reading.text("inference.output_size").equals("original")),
        ThresholdSpec.from(reading, ThresholdSpec.INFERENCE),
        reading.flag("inference.flips"),
        tiles
            ? OptionalDouble.of(reading.number("inference.tiles.overlap"))
            : OptionalDouble.empty());
  }
}
