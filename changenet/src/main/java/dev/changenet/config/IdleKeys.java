package dev.changenet.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Settings that a user gave and that change nothing, one warning each.
 *
 * <p>A spec serves all tasks and is often copied whole, so silence is the rule: sections of other
 * tasks, and values equal to the default, are no reason to speak.
 */
final class IdleKeys {
  private static final String TYPE = "model.backbone.type";
  private static final String WIDTH = "embed_dim";

  private final SpecReading reading;
  private final List<String> warnings = new ArrayList<>();

  private IdleKeys(SpecReading reading) {
    this.reading = reading;
  }

  /** Returns a sentence with its place for each; the spec has no errors. */
  static List<String> warnings(SpecReading reading) {
    IdleKeys keys = new IdleKeys(reading);
    switch (reading.task()) {
      case TRAIN -> {
        keys.optimizer();
        keys.encoder();
        keys.training();
        keys.labels();
      }
      case EVALUATE -> {
        keys.labels();
        keys.testing();
      }
      case INFERENCE -> keys.testing();
      case EXPORT -> {}
    }
    keys.network();
    return keys.warnings;
  }

  /** {@link #warnings} of the data section alone. */
  static List<String> dataWarnings(SpecReading reading) {
    IdleKeys keys = new IdleKeys(reading);
    keys.masks();
    return keys.warnings;
  }

  private void warn(String key, String text) {
    warnings.add(reading.location(key) + ": " + key + " " + text);
  }

  private void optimizer() {
    String optimizer = reading.text("train.optim.optim");
    if (!optimizer.equals("sgd") && reading.isChanged("train.optim.momentum")) {
      warn("train.optim.momentum", "has no effect, " + optimizer + " does not use it");
    }
    if (optimizer.equals("sgd") && reading.isChanged("train.optim.betas")) {
      warn("train.optim.betas", "has no effect, sgd does not use it");
    }
  }

  private void encoder() {
    BackboneType type = BackboneType.of(reading.text(TYPE));
    boolean frozen = reading.flag("model.backbone.freeze_backbone");
    if (reading.flag("train.activation_checkpoint") && type.isFan() && frozen) {
      warn("train.activation_checkpoint", "has no effect, a frozen encoder keeps no activations");
    }
    if (reading.isChanged("model.backbone.drop_path_rate") && !type.isFan()) {
      warn("model.backbone.drop_path_rate", "has no effect, only FAN encoders use it");
    }
    String backbone = "model.backbone.pretrained_backbone_path";
    if (reading.nonEmpty(backbone).isPresent()
        && reading.nonEmpty("train.pretrained_model_path").isPresent()
        && !frozen) {
      warn(backbone, "has no effect, train.pretrained_model_path brings the encoder's weights too");
    }
  }

  private void training() {
    if (reading.isChanged("dataset.segment.shuffle")) {
      warn("dataset.segment.shuffle", "has no effect, training data is always shuffled");
    }
    List<String> unused =
        reading.schema().keys().stream()
            .map(SpecKey::path)
            .filter(path -> path.startsWith("wandb.") || path.equals("model_name"))
            .filter(reading::isChanged)
            .toList();
    if (!unused.isEmpty()) {
      String others = unused.size() == 1 ? "" : " (also " + rest(unused) + ")";
      warn(unused.getFirst(), "is accepted, but nothing here uses it" + others);
    }
  }

  private static String rest(List<String> keys) {
    return String.join(", ", keys.subList(1, keys.size()));
  }

  private void labels() {
    String weights = "train.segment.weights";
    int outputs = reading.numbers(weights).size();
    if (!reading.flag("dataset.segment.multi_scale_train")) {
      if (reading.isChanged(weights)) {
        warn(weights, "has no effect while dataset.segment.multi_scale_train is false");
      }
    } else if (outputs > 5) {
      warn(weights, "has " + outputs + " items, of which only the first 5 are used");
    }
    masks();
  }

  private void masks() {
    String transform = "dataset.segment.label_transform";
    String classes = "dataset.segment.num_classes";
    if ("norm".equals(reading.text(transform)) && reading.integer(classes) > 2) {
      String place = reading.isGiven(transform) ? transform : classes;
      warnings.add(
          "%s: %s norm leaves only the classes 0 and 1 of the %d; write None for masks that hold"
                  .formatted(reading.location(place), transform, reading.integer(classes))
              + " class numbers");
    }
  }

  private void testing() {
    String section = reading.task().key() + ".";
    String batch = section + "batch_size";
    int size = reading.integer("dataset.segment.batch_size");
    if (reading.isChanged(batch) && reading.integer(batch) != size) {
      warn(batch, "has no effect on checkpoints, dataset.segment.batch_size (" + size + ") rules");
    }
    if (reading.nonEmpty(section + "trt_engine").isPresent()) {
      warn(section + "trt_engine", "has no effect, TensorRT engines run in TAO Deploy");
    }
    if (reading.isChanged(section + "num_nodes")) {
      warn(section + "num_nodes", "has no effect, the task runs on one machine");
    }
  }

  private void network() {
    String params = "model.decode_head.decoder_params";
    List<String> unknown =
        reading.map(params).keySet().stream().filter(name -> !name.equals(WIDTH)).toList();
    if (!unknown.isEmpty()) {
      boolean typo =
          unknown.stream()
              .map(name -> name.toLowerCase(Locale.ROOT))
              .anyMatch(name -> Spelling.distance(name, WIDTH) <= 3);
      warnings.add(
          "%s: %s.%s has no effect, only %s is read%s"
              .formatted(
                  reading.location(params),
                  params,
                  String.join(", ", unknown),
                  WIDTH,
                  typo ? "; did you mean " + WIDTH + "?" : ""));
    }
    String widths = "model.decode_head.in_channels";
    BackboneType type = BackboneType.of(reading.text(TYPE));
    if (reading.isChanged(widths)
        && !type.widths().stream().map(Long::valueOf).toList().equals(reading.value(widths))) {
      warn(widths, "has no effect, %s has %s".formatted(type.key(), type.widths()));
    }
    words();
  }

  /** Any word will do, but a near miss silently means something else. */
  private void words() {
    if (reading.task() == Task.EXPORT) {
      return;
    }
    word("dataset.segment.data_name", SegmentDataSpec.DATA_NAMES, "custom");
    if (reading.task() != Task.INFERENCE) {
      word("dataset.segment.label_transform", SegmentDataSpec.LABEL_TRANSFORMS, "None");
    }
  }

  private void word(String key, List<String> known, String otherwise) {
    String word = reading.text(key);
    if (word != null && !known.contains(word)) {
      warn(
          key,
          "'%s' is %s %s; treating it as %s%s"
              .formatted(
                  word,
                  known.size() == 2 ? "neither" : "not one of",
                  String.join(known.size() == 2 ? " nor " : ", ", known),
                  otherwise,
                  KeySuggestions.question(word, known)));
    }
  }
}
