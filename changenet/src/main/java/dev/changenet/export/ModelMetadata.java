package dev.changenet.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.nn.state.Sha256;
import dev.changenet.tensor.ChangeNetException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The properties of an exported file: how to prepare inputs, read outputs, and where it is from.
 */
final class ModelMetadata {
  private static final ObjectMapper JSON = new ObjectMapper();

  private ModelMetadata() {}

  static Map<String, String> of(ExperimentSpec spec) {
    Map<String, String> m = new LinkedHashMap<>();
    m.put("backbone", spec.model().backbone().type().key());
    m.put("num_classes", Integer.toString(spec.segmentData().numClasses()));
    m.put("class_names", json(spec.segmentData().classNames()));
    m.put("color_order", "RGB");
    m.put("mean", spec.segmentData().augmentation().mean().toString());
    m.put("std", spec.segmentData().augmentation().std().toString());
    m.put("normalization", "(x / 255 - mean) / std");
    m.put("input_layout", "NCHW");
    m.put("input0", "image A (before)");
    m.put("input1", "image B (after)");
    spec.export()
        .threshold()
        .ifPresent(
            text -> {
              m.put("threshold", Double.toString(threshold(text)));
              m.put(
                  "threshold_rule",
                  "a pixel is changed where 1 - softmax(output_final)[0] >= threshold");
            });
    m.put("spec_sha256", Sha256.of(spec.toYaml().getBytes(StandardCharsets.UTF_8)));
    m.put("checkpoint", spec.export().checkpoint().getFileName().toString());
    m.put("checkpoint_sha256", Sha256.of(spec.export().checkpoint()));
    m.put("program_version", version());
    return m;
  }

  private static String version() {
    String version = ModelMetadata.class.getPackage().getImplementationVersion();
    return "changenet " + (version == null ? "(development build)" : version);
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a list of texts as JSON", e);
    }
  }

  /**
   * The number itself, or {@code change.threshold} of evaluate's metrics.json, or of its folder.
   */
  static double threshold(String text) {
    String advice = "; give a number between 0 and 1 or a metrics.json that evaluate wrote";
    double value;
    try {
      value = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      // Not a number, so a file.
      value = fromFile(Path.of(text), advice);
    }
    if (!(value > 0 && value < 1)) {
      throw new ChangeNetException(
          "export.threshold: "
              + text
              + " gives "
              + value
              + ", expected above 0 and below 1"
              + advice);
    }
    return value;
  }

  private static double fromFile(Path given, String advice) {
    Path file = Files.isDirectory(given) ? given.resolve("metrics.json") : given;
    JsonNode threshold;
    try {
      threshold = JSON.readTree(Files.readAllBytes(file)).path("change").path("threshold");
    } catch (JsonProcessingException e) {
      throw new ChangeNetException(
          "export.threshold: " + file + " is not JSON (" + e.getOriginalMessage() + ")" + advice,
          e);
    } catch (IOException e) {
      throw new ChangeNetException(
          "export.threshold: the file " + file + " cannot be read (" + e + ")" + advice, e);
    }
    if (!threshold.isNumber()) {
      throw new ChangeNetException(
          "export.threshold: " + file + " has no number change.threshold" + advice);
    }
    return threshold.doubleValue();
  }
}
