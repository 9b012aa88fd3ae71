package dev.changenet.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.tensor.io.Sha256;
import dev.changenet.train.ChangeThreshold;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The properties of an exported file: how to prepare inputs, read outputs, and where it is from.
 */
final class ModelMetadata {
  private static final ObjectMapper JSON = new ObjectMapper();

  private ModelMetadata() {}

  /**
   * @param threshold the threshold of change to record, if any
   */
  static Map<String, String> of(ExperimentSpec spec, Optional<ChangeThreshold> threshold) {
    Map<String, String> m = new LinkedHashMap<>();
    m.put("backbone", spec.model().backbone().type().key());
    m.put("num_classes", Integer.toString(spec.segmentData().numClasses()));
    m.put("class_names", json(spec.segmentData().classNames()));
    m.put("color_order", "RGB");
    m.put("mean", spec.segmentData().augmentation().mean().toString());
    m.put("std", spec.segmentData().augmentation().std().toString());
    m.put("normalization", "(x / 255 - mean) / std");
    m.put("input_layout", "NCHW");
    m.put("input0", "image of folder A");
    m.put("input1", "image of folder B");
    threshold.ifPresent(
        t -> {
          m.put("threshold", Double.toString(t.value()));
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
}
