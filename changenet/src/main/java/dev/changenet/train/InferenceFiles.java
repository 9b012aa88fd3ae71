package dev.changenet.train;

import dev.changenet.config.InferenceSpec;
import dev.changenet.config.InferenceSpec.Probabilities;
import dev.changenet.data.Batch;
import dev.changenet.data.ChangeDataset;
import dev.changenet.image.ImageReader;
import dev.changenet.image.Mask;
import dev.changenet.picture.ClassDecision;
import dev.changenet.picture.OutputNames;
import dev.changenet.picture.PairPictures;
import dev.changenet.picture.PredictionWriter;
import dev.changenet.picture.ProbabilityMap;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** Turns predictions into class ids, and writes the masks and probabilities that were asked for. */
final class InferenceFiles {
  private final ChangeDataset dataset;
  private final InferenceSpec.Output output;
  private final ClassDecision decision;
  private final PredictionWriter writer;
  private final Path folder;

  InferenceFiles(
      RunContext context,
      ChangeDataset dataset,
      PairPictures pictures,
      Optional<ChangeThreshold> threshold) {
    this.dataset = dataset;
    this.output = context.spec().inference().output();
    this.folder = context.spec().resultsDir();
    this.decision =
        new ClassDecision(
            threshold.map(t -> OptionalDouble.of(t.value())).orElse(OptionalDouble.empty()));
    OutputNames names =
        OutputNames.of(IntStream.range(0, dataset.size()).mapToObj(dataset::name).toList());
    this.writer = new PredictionWriter(folder, names, pictures.palette());
    if (any() && names.keepSuffix()) {
      context
          .reporter()
          .info(
              "Masks and probabilities keep the suffix of their picture, since "
                  + names.example()
                  + " differ in nothing else");
    }
  }

  /** Tells whether masks or probabilities are written. */
  boolean any() {
    return output.masks() || output.probabilities() != Probabilities.NONE;
  }

  /** Tells whether predictions must hold probabilities. */
  boolean needProbabilities() {
    return decision.threshold().isPresent()
        || output.probabilities() != Probabilities.NONE
        || output.masks() && output.originalSize();
  }

  /** Where masks and probabilities are, to be added to a sentence. */
  String places() {
    StringBuilder places = new StringBuilder();
    if (output.masks()) {
      places.append(", masks in ").append(folder.resolve(PredictionWriter.MASK_FOLDER));
    }
    if (output.probabilities() != Probabilities.NONE) {
      places
          .append(", probabilities in ")
          .append(folder.resolve(PredictionWriter.PROBABILITY_FOLDER));
    }
    return places.toString();
  }

  /**
   * Writes what belongs to a batch.
   *
   * @param first index of its first sample in the data set
   * @return class ids [n, S, S]
   */
  int[] write(Batch batch, int first, Predictor.Prediction prediction) {
    int size = batch.imgSize();
    int pixels = size * size;
    int[] ids = prediction.classIds();
    for (int i = 0; i < batch.size(); i++) {
      ProbabilityMap map = null;
      if (prediction.probabilities() != null) {
        int values = prediction.probabilities().length / batch.size();
        map =
            new ProbabilityMap(
                size,
                size,
                values / pixels,
                Arrays.copyOfRange(prediction.probabilities(), i * values, (i + 1) * values));
        if (decision.threshold().isPresent()) {
          copy(decision.mask(map), ids, i * pixels);
        }
      }
      if (any()) {
        ImageReader.Size target = new ImageReader.Size(size, size);
        if (output.originalSize()) {
          target = dataset.originalSize(first + i);
        }
        if (target.width() == size && target.height() == size) {
          write(batch.names().get(i), mask(ids, i * pixels, size), map);
        } else {
          ProbabilityMap resized =
              map.resized(batch.names().get(i), target.width(), target.height());
          write(batch.names().get(i), decision.mask(resized), resized);
        }
      }
    }
    return ids;
  }

  /** Writes what belongs to sample {@code index}; returns its class ids. */
  Mask write(int index, ProbabilityMap map) {
    Mask mask = decision.mask(map);
    write(dataset.name(index), mask, map);
    return mask;
  }

  private void write(String name, Mask mask, ProbabilityMap map) {
    if (output.masks()) {
      writer.mask(name, mask);
    }
    switch (output.probabilities()) {
      case NONE -> {}
      case CHANGE -> writer.change(name, map);
      case ALL -> {
        writer.change(name, map);
        writer.classes(name, map);
      }
      case NPY -> writer.array(name, map);
    }
  }

  private static Mask mask(int[] ids, int offset, int size) {
    byte[] values = new byte[size * size];
    for (int i = 0; i < values.length; i++) {
      values[i] = (byte) ids[offset + i];
    }
    return new Mask(size, size, values);
  }

  private static void copy(Mask mask, int[] ids, int offset) {
    byte[] values = mask.values();
    for (int i = 0; i < values.length; i++) {
      ids[offset + i] = values[i] & 0xFF;
    }
  }
}
