package dev.changenet.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.changenet.image.DataException;
import dev.changenet.image.OutputFile;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The course of a training in {@value #FILE}, one JSON object per line and epoch, appended, so that
 * a resumed training still knows what was before. A line cut short by a kill is left out.
 */
public final class History {
  /** Name of the file in the results folder. */
  public static final String FILE = "report-history.jsonl";

  /** Points that an epoch leaves in the curves at most. */
  private static final int POINTS = 40;

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Steps in the curves: one, or the mean of several.
   *
   * @param at place in epochs: 1.5 is the middle of the second
   * @param step optimizer steps done after it
   * @param loss training loss
   * @param lr learning rate
   */
  public record Point(double at, long step, double loss, double lr) {}

  /**
   * An epoch, or what was done of it.
   *
   * @param epoch zero-based
   * @param complete false where the training stopped in its middle
   * @param step optimizer steps done in all
   * @param trainLoss mean loss; NaN of an incomplete epoch
   * @param seconds time with validation
   * @param valLoss NaN without validation
   * @param scores of validation by name; empty without
   * @param points the steps
   */
  public record Epoch(
      int epoch,
      boolean complete,
      long step,
      double trainLoss,
      double seconds,
      double valLoss,
      Map<String, Double> scores,
      List<Point> points) {
    public Epoch {
      scores = Collections.unmodifiableMap(new LinkedHashMap<>(scores));
      points = List.copyOf(points);
    }

    /** Epochs done with this one. */
    int epochsDone() {
      return epoch + 1;
    }

    /** A score of validation, or NaN. */
    public double score(String name) {
      return scores.getOrDefault(name, Double.NaN);
    }
  }

  private final Path file;
  private final List<Epoch> epochs = new ArrayList<>();
  private Epoch begun;

  private History(Path file) {
    this.file = file;
  }

  /**
   * Opens the history of {@code folder} for a training that goes on with {@code epoch} after {@code
   * step} steps, and forgets what lies behind; a new training forgets all.
   *
   * @throws DataException if the file cannot be read or written
   */
  public static History open(Path folder, int epoch, long step) {
    History history = new History(folder.resolve(FILE));
    for (Epoch e : history.read()) {
      if (e.complete && e.epoch < epoch) {
        history.epochs.removeIf(old -> old.epoch == e.epoch);
        history.epochs.add(e);
      } else if (e.epoch == epoch && step > 0) {
        List<Point> kept = e.points.stream().filter(p -> p.step <= step).toList();
        history.begun =
            new Epoch(epoch, false, step, Double.NaN, e.seconds, Double.NaN, Map.of(), kept);
      }
    }
    StringBuilder lines = new StringBuilder();
    history.epochs.forEach(e -> lines.append(line(e)));
    OutputFile.write(history.file, lines.toString());
    return history;
  }

  /** Returns what an earlier process did of the epoch that comes next, or null. */
  public Epoch begun() {
    return begun;
  }

  /** Appends an epoch; its points are thinned. */
  public void add(Epoch epoch) {
    Epoch e =
        new Epoch(
            epoch.epoch,
            epoch.complete,
            epoch.step,
            epoch.trainLoss,
            epoch.seconds,
            epoch.valLoss,
            epoch.scores,
            thinned(epoch.points));
    epochs.add(e);
    try {
      Files.write(
          file,
          line(e).getBytes(StandardCharsets.UTF_8),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException failure) {
      throw new DataException(
          file + ": cannot append a line (" + failure + "); check the free space", failure);
    }
  }

  /** The epochs, in order; the last may be incomplete. */
  public List<Epoch> epochs() {
    return Collections.unmodifiableList(epochs);
  }

  private static List<Point> thinned(List<Point> points) {
    List<Point> out = new ArrayList<>();
    int groups = Math.min(POINTS, points.size());
    for (int g = 0; g < groups; g++) {
      int from = (int) ((long) g * points.size() / groups);
      int to = (int) ((g + 1L) * points.size() / groups);
      double loss = 0;
      for (Point p : points.subList(from, to)) {
        loss += p.loss / (to - from);
      }
      Point last = points.get(to - 1);
      out.add(new Point((points.get(from).at + last.at) / 2, last.step, loss, last.lr));
    }
    return out;
  }

  private List<Epoch> read() {
    List<Epoch> found = new ArrayList<>();
    if (!Files.exists(file)) {
      return found;
    }
    try {
      for (String line : new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\n")) {
        JsonNode node = parsed(line);
        if (node != null) {
          found.add(epoch(node));
        }
      }
      return found;
    } catch (IOException e) {
      throw new DataException(
          file + ": cannot be read (" + IoProblem.of(e) + "); delete it to go on", e);
    }
  }

  /** Returns null for a line that a kill cut short. */
  private static JsonNode parsed(String line) {
    try {
      JsonNode node = JSON.readTree(line);
      return node.isObject() && node.path("points").isArray() ? node : null;
    } catch (JsonProcessingException cutShort) {
      return null;
    }
  }

  private static String line(Epoch e) {
    ObjectNode node = JSON.createObjectNode();
    node.put("epoch", e.epoch);
    node.put("complete", e.complete);
    node.put("step", e.step);
    put(node, "train_loss", e.trainLoss);
    put(node, "seconds", e.seconds);
    put(node, "val_loss", e.valLoss);
    ObjectNode scores = node.putObject("scores");
    e.scores.forEach((k, v) -> put(scores, k, v));
    ArrayNode points = node.putArray("points");
    for (Point p : e.points) {
      points.addArray().add(p.at).add(p.step).add(p.loss).add(p.lr);
    }
    return node + "\n";
  }

  private static void put(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    }
  }

  private static Epoch epoch(JsonNode node) {
    Map<String, Double> scores = new LinkedHashMap<>();
    node.path("scores").properties().forEach(e -> scores.put(e.getKey(), e.getValue().asDouble()));
    List<Point> points = new ArrayList<>();
    for (JsonNode p : node.path("points")) {
      points.add(
          new Point(
              p.path(0).asDouble(),
              p.path(1).asLong(),
              p.path(2).asDouble(),
              p.path(3).asDouble()));
    }
    return new Epoch(
        node.path("epoch").asInt(),
        node.path("complete").asBoolean(),
        node.path("step").asLong(),
        node.path("train_loss").asDouble(Double.NaN),
        node.path("seconds").asDouble(0),
        node.path("val_loss").asDouble(Double.NaN),
        scores,
        points);
  }
}
