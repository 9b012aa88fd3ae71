package dev.changenet.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.config.ThresholdSpec;
import dev.changenet.image.DataException;
import dev.changenet.tensor.io.IoProblem;
import dev.changenet.tensor.io.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The probability from which on a pixel counts as changed, and where it comes from.
 *
 * @param value above 0 and below 1
 * @param source the file it was read from; empty when it stands in the spec
 * @param warning what the user should know about that file; empty for nothing
 */
public record ChangeThreshold(double value, Optional<Path> source, Optional<String> warning) {
  private static final String ADVICE =
      "; give a metrics.json that evaluate wrote, or a number between 0 and 1";

  /**
   * Takes the number of the spec, or reads {@code change.threshold} of the file it names.
   *
   * @param checkpoint the network that is used; one other than the file's is a warning
   * @throws DataException if the file is no metrics.json with a usable threshold
   */
  public static ChangeThreshold of(ThresholdSpec spec, Path checkpoint) {
    if (spec.value().isPresent()) {
      return new ChangeThreshold(spec.value().getAsDouble(), Optional.empty(), Optional.empty());
    }
    Path file = spec.file().orElseThrow();
    JsonNode metrics = read(file);
    JsonNode threshold = metrics.path("change").path("threshold");
    if (!threshold.isNumber()) {
      throw new DataException(
          file
              + ": change.threshold is "
              + (threshold.isMissingNode() ? "missing" : threshold.toString())
              + ", expected a number"
              + (threshold.isNull() ? " (the evaluated split has no changed pixel)" : "")
              + ADVICE);
    }
    double value = threshold.doubleValue();
    if (!(value > 0 && value < 1)) {
      throw new DataException(
          file + ": change.threshold must be above 0 and below 1, got " + value + ADVICE);
    }
    return new ChangeThreshold(value, Optional.of(file), warning(file, metrics, checkpoint));
  }

  private static JsonNode read(Path file) {
    try {
      return new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw new DataException(
          file + ": not valid JSON (" + e.getOriginalMessage() + ")" + ADVICE, e);
    } catch (IOException e) {
      throw new DataException(
          file + ": the file cannot be read (" + IoProblem.of(e) + ")" + ADVICE, e);
    }
  }

  private static Optional<String> warning(Path file, JsonNode metrics, Path checkpoint) {
    JsonNode named = metrics.path("checkpoint");
    String hash = metrics.path("checkpoint_sha256").asText();
    boolean same =
        hash.isEmpty()
            ? !named.isTextual() || isSame(named.textValue(), checkpoint)
            : hash.equals(Sha256.of(checkpoint));
    return same
        ? Optional.empty()
        : Optional.of(
            file
                + ": its threshold was found for other weights ("
                + named.asText()
                + ") than those of "
                + checkpoint
                + "; evaluate this checkpoint for a threshold of its own");
  }

  /** A file that has gone since then is told by its name. */
  private static boolean isSame(String named, Path checkpoint) {
    try {
      Path path = Path.of(named);
      return Files.exists(path)
          ? Files.isSameFile(path, checkpoint)
          : path.endsWith(checkpoint.getFileName());
    } catch (IOException | InvalidPathException e) {
      // Not a path of this machine, so another checkpoint.
      return false;
    }
  }

  /** One line for the user. */
  String describe() {
    return "Pixels count as changed from a probability of "
        + value
        + " on"
        + source.map(file -> " (" + file + ")").orElse("")
        + ", in the pictures as well";
  }
}
