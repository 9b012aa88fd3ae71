package dev.changenet.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.changenet.image.OutputFile;
import dev.changenet.metrics.ConfusionMatrix;
import dev.changenet.metrics.ObjectScores;
import dev.changenet.metrics.PairScore;
import dev.changenet.metrics.ThresholdCurve;
import java.util.Locale;

/**
 * The numbers of an evaluation for programs, in {@value #FILE}; null where a score has no value.
 */
final class MetricsJson {
  /** Name of the file in the results folder. */
  static final String FILE = "metrics.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private MetricsJson() {}

  static void write(RunFacts facts, Evaluation found) {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", 1);
    root.put("program", Environment.program());
    root.put("split", facts.spec().segmentData().testSplit());
    root.put("pairs", found.pairs().size());
    root.put("checkpoint", facts.spec().evaluate().checkpoint().toString());
    root.put("img_size", found.imgSize());
    root.put("seconds", facts.seconds());
    data(root, facts);
    ArrayNode classes = root.putArray("classes");
    found.classNames().forEach(classes::add);
    put(root, "loss", found.loss());
    ObjectNode scores = root.putObject("scores");
    found.matrix().scores().forEach((name, value) -> put(scores, name, value));
    matrix(root, found.matrix());
    ObjectNode thresholds = root.putObject("thresholds");
    for (int c = 0; c < found.classNames().size(); c++) {
      threshold(thresholds, Integer.toString(c), found.curve(c));
    }
    threshold(root, "change", found.change());
    ObjectNode objects = root.putObject("objects");
    for (ObjectScores.Size size : ObjectScores.Size.values()) {
      objects(objects, size.name().toLowerCase(Locale.ROOT), found.objects().of(size));
    }
    objects(objects, "all", found.objects().all());
    ArrayNode pairs = root.putArray("per_pair");
    found.pairs().forEach(p -> pair(pairs.addObject(), p));
    try {
      String text = JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
      OutputFile.write(facts.spec().resultsDir().resolve(FILE), text);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of numbers and texts is always JSON", e);
    }
  }

  private static void data(ObjectNode root, RunFacts facts) {
    for (StoredFile f : facts.files()) {
      if (f.path().equals(facts.spec().evaluate().checkpoint())) {
        root.put("checkpoint_sha256", f.hash());
      }
    }
    for (Fingerprint f : facts.data()) {
      root.put("list_sha256", f.listHash());
      root.put("files_sha256", f.filesHash());
    }
  }

  private static void matrix(ObjectNode root, ConfusionMatrix m) {
    ArrayNode rows = root.putArray("confusion");
    for (int t = 0; t < m.classes(); t++) {
      ArrayNode row = rows.addArray();
      for (int p = 0; p < m.classes(); p++) {
        row.add(m.count(t, p));
      }
    }
  }

  /** Without a positive pixel no threshold is better than another: then there is none. */
  private static void threshold(ObjectNode parent, String name, ThresholdCurve curve) {
    ObjectNode node = parent.putObject(name);
    boolean known = curve.positives() > 0;
    ThresholdCurve.Point best = curve.best();
    put(node, "threshold", known ? best.threshold() : Double.NaN);
    put(node, "f1", known ? best.f1() : Double.NaN);
    put(node, "precision", known ? best.precision() : Double.NaN);
    put(node, "recall", known ? best.recall() : Double.NaN);
    put(node, "average_precision", known ? curve.averagePrecision() : Double.NaN);
  }

  private static void objects(ObjectNode parent, String name, ObjectScores.Counts c) {
    ObjectNode node = parent.putObject(name);
    node.put("true", c.truths());
    node.put("found", c.found(false));
    put(node, "recall", c.recall(false));
    node.put("predicted", c.predictions());
    node.put("right", c.right(false));
    put(node, "precision", c.precision(false));
    put(node, "recall_iou50", c.recall(true));
    put(node, "precision_iou50", c.precision(true));
  }

  private static void pair(ObjectNode node, PairScore p) {
    node.put("name", p.name());
    put(node, "iou", p.iou());
    put(node, "f1", p.f1());
    put(node, "accuracy", p.accuracy());
    node.put("changed_true", p.truth());
    node.put("changed_predicted", p.predicted());
    node.put("wrong", p.wrong());
    node.put("pixels", p.pixels());
  }

  private static void put(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else {
      node.putNull(name);
    }
  }
}
