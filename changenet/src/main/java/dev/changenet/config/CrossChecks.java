package dev.changenet.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Checks that need more than one key, or that depend on what this build can do. */
final class CrossChecks {
  /** Operator sets the exporter can express its graphs in. */
  static final int MIN_OPSET = 12;

  static final int MAX_OPSET = 24;

  private static final String TYPE = "model.backbone.type";
  private static final String STRIDES = "model.decode_head.feature_strides";
  private static final String BATCH_SIZE = "dataset.segment.batch_size";
  private static final String IMG_SIZE = "dataset.segment.img_size";
  private static final String NUM_CLASSES = "dataset.segment.num_classes";

  /** The data set that brings display colours of its own, and for how many classes. */
  private static final String LAND_SCD = "LandSCD";

  private static final int LAND_SCD_COLORS = 10;

  private final SpecReading reading;
  private final Predicate<BackboneType> supported;

  /** Whether a GPU is usable. */
  private final boolean gpu;

  /** Why none is, in parentheses behind a blank, or nothing. */
  private final String gpuProblem;

  private CrossChecks(
      SpecReading reading, Predicate<BackboneType> supported, boolean gpu, String gpuProblem) {
    this.reading = reading;
    this.supported = supported;
    this.gpu = gpu;
    this.gpuProblem = gpuProblem;
  }

  /**
   * @param gpu whether one is usable
   * @param gpuProblem why none is, in parentheses behind a blank, or nothing
   */
  static void run(
      SpecReading reading, Predicate<BackboneType> supported, boolean gpu, String gpuProblem) {
    CrossChecks checks = new CrossChecks(reading, supported, gpu, gpuProblem);
    checks.network();
    switch (reading.task()) {
      case TRAIN -> {
        checks.training();
        new LearningChecks(reading).train();
        checks.colors();
      }
      case EVALUATE -> {
        checks.checkpoint("evaluate.checkpoint");
        checks.colors();
      }
      case INFERENCE -> {
        checks.checkpoint("inference.checkpoint");
        checks.colors();
        InferenceChecks.run(reading);
      }
      case EXPORT -> checks.export();
    }
    if (reading.task() == Task.TRAIN || reading.task() == Task.EVALUATE) {
      checks.lossWeights();
      new LearningChecks(reading).loss();
    }
  }

  /** Checks section {@code dataset.segment} without regard to the network. */
  static void dataOnly(SpecReading reading) {
    CrossChecks checks = new CrossChecks(reading, type -> true, false, "");
    checks.classNames();
    checks.colors();
  }

  private void precision() {
    if (!reading.readable("train.precision")) {
      return;
    }
    String precision = reading.text("train.precision");
    boolean mixed = List.of("bf16-mixed", "bf16", "16-mixed", "16").contains(precision);
    if (mixed && !gpu) {
      unusable(
          "train.precision",
          precision + " needs a GPU and none is usable" + gpuProblem + ", use 32-true");
    } else if (!mixed && !List.of("32-true", "32").contains(precision)) {
      notImplemented(
          "train.precision",
          precision
              + " is not supported by this build, use 32-true or, on a GPU, bf16-mixed or"
              + " 16-mixed");
    }
  }

  private void unusable(String key, String text) {
    reading.unusable(FailureKind.PARAMETER, key, text);
  }

  private void notImplemented(String key, String text) {
    reading.unusable(FailureKind.NOT_IMPLEMENTED, key, text);
  }

  private void network() {
    if (reading.readable("task") && reading.text("task").equals("classify")) {
      notImplemented("task", "task classify is not supported by this build, use task=segment");
    }
    if (reading.readable("model.backbone.feat_downsample")
        && reading.flag("model.backbone.feat_downsample")) {
      notImplemented(
          "model.backbone.feat_downsample",
          "true is not supported, the network it describes cannot run; use false");
    }
    if (reading.readable("model.decode_head.decoder_params")) {
      Object width = reading.map("model.decode_head.decoder_params").get("embed_dim");
      if (width instanceof Long embedDim && (embedDim < 1 || embedDim > Integer.MAX_VALUE)) {
        reading.range("model.decode_head.decoder_params.embed_dim", "must be >= 1, got " + width);
      }
    }
    if (reading.readable(TYPE)) {
      BackboneType type = BackboneType.of(reading.text(TYPE));
      if (!supported.test(type)) {
        notImplemented(
            TYPE,
            type.key()
                + " is not supported by this build; use fan_tiny_8_p4_hybrid,"
                + " fan_small_12_p4_hybrid, fan_base_16_p4_hybrid, fan_large_16_p4_hybrid,"
                + " vit_large_nvdinov2, c_radio_v2_vit_base_patch16_224,"
                + " c_radio_v2_vit_large_patch16_224 or c_radio_v2_vit_huge_patch16_224");
      }
    }
    classNames();
    strides();
    if (reading.readable(IMG_SIZE, TYPE)) {
      int size = reading.integer(IMG_SIZE);
      int divisor = BackboneType.of(reading.text(TYPE)).divisor();
      if (size % divisor != 0) {
        unusable(
            IMG_SIZE,
            "must be a multiple of " + divisor + " for " + reading.text(TYPE) + ", got " + size);
      } else if (size == divisor
          && reading.task() == Task.TRAIN
          && reading.readable(BATCH_SIZE)
          && reading.integer(BATCH_SIZE) == 1) {
        unusable(
            BATCH_SIZE,
            "must be at least 2 for "
                + IMG_SIZE
                + " "
                + size
                + ": batch norm has no variance over a single value");
      }
    }
    mapsInOrder();
  }

  /** The decode head takes the finest map first and doubles its way up. */
  private void mapsInOrder() {
    String key = "model.decode_head.in_index";
    if (reading.readable(key, TYPE)) {
      List<Integer> chosen = reading.integers(key);
      // The last two maps of a FAN encoder have the same size.
      int coarsest = BackboneType.of(reading.text(TYPE)).isFan() ? 2 : 3;
      List<Integer> sizes = chosen.stream().map(i -> Math.min(i, coarsest)).toList();
      if (!sizes.stream().sorted().toList().equals(sizes)) {
        unusable(key, "must name finer maps before coarser ones, got " + chosen);
      }
    }
  }

  private void classNames() {
    String key = "dataset.segment.class_names";
    if (reading.readable(key, NUM_CLASSES)
        && reading.value(key) instanceof List<?> names
        && names.size() != reading.integer(NUM_CLASSES)) {
      unusable(
          key,
          "must have one name for each of the %d classes of dataset.segment.num_classes, got %d"
              .formatted(reading.integer(NUM_CLASSES), names.size()));
    }
  }

  private void strides() {
    if (!reading.readable(STRIDES)) {
      return;
    }
    List<Integer> strides = reading.integers(STRIDES);
    if (strides.size() != 4) {
      unusable(STRIDES, "must have 4 items, got " + strides);
      return;
    }
    if (strides.stream().anyMatch(stride -> stride < strides.getFirst())) {
      unusable(STRIDES, "the first stride must be the smallest, got " + strides);
      return;
    }
    int third = strides.get(2);
    int last = strides.get(3);
    if (last != third && last != 2L * third) {
      unusable(STRIDES, "the last two strides must be equal or 1:2, got " + strides);
      return;
    }
    if (reading.readable(TYPE)) {
      BackboneType type = BackboneType.of(reading.text(TYPE));
      if (type.isFan() != (last == third)) {
        unusable(
            STRIDES,
            "%s needs %s, got %s"
                .formatted(
                    type.key(), type.isFan() ? "[4, 8, 16, 16]" : "[4, 8, 16, 32]", strides));
        return;
      }
    }
    if (reading.readable(IMG_SIZE) && reading.integer(IMG_SIZE) % last != 0) {
      unusable(
          IMG_SIZE,
          "must be a multiple of the last of %s (%d), got %d"
              .formatted(STRIDES, last, reading.integer(IMG_SIZE)));
    }
  }

  private void training() {
    intervals();
    if (reading.readable("train.optim.policy", "train.num_epochs")
        && reading.text("train.optim.policy").equals("step")
        && reading.integer("train.num_epochs") < 3) {
      unusable(
          "train.optim.policy",
          "step needs train.num_epochs >= 3, got " + reading.integer("train.num_epochs"));
    }
    precision();
    String path = "model.backbone.pretrained_backbone_path";
    if (reading.readable("model.backbone.freeze_backbone", path)
        && reading.flag("model.backbone.freeze_backbone")
        && reading.nonEmpty(path).isEmpty()) {
      unusable("model.backbone.freeze_backbone", "true needs " + path);
    }
    weightFile("train.resume_training_checkpoint_path");
    weightFile("train.pretrained_model_path");
  }

  /** An error in TAO as well, so the least that can be done is to spell out the way on. */
  private void intervals() {
    List<String> keys = new ArrayList<>();
    if (reading.readable("train.checkpoint_interval_unit")
        && reading.text("train.checkpoint_interval_unit").equals("epoch")) {
      keys.add("train.checkpoint_interval");
    }
    keys.add("train.validation_interval");
    keys.removeIf(
        key ->
            !reading.readable(key, "train.num_epochs")
                || reading.integer(key) <= reading.integer("train.num_epochs"));
    for (String key : keys) {
      int epochs = reading.integer("train.num_epochs");
      // One remedy mends all of them.
      String remedy =
          key.equals(keys.getLast())
              ? "; add " + String.join(" ", keys.stream().map(k -> k + "=" + epochs).toList())
              : "";
      unusable(
          key,
          "must be at most train.num_epochs (%d), got %d%s"
              .formatted(epochs, reading.integer(key), remedy));
    }
  }

  private void weightFile(String key) {
    if (reading.readable(key)) {
      reading
          .nonEmpty(key)
          .filter(file -> !hasWeightSuffix(file))
          .ifPresent(
              file -> unusable(key, "must be either a .tlt or a .pth file, got '" + file + "'"));
    }
  }

  private void checkpoint(String key) {
    if (!reading.readable(key)) {
      return;
    }
    String file = reading.text(key);
    if (file.endsWith(".engine")) {
      notImplemented(
          key, "TensorRT runs belong to TAO Deploy; give a .pth or .tlt file, got '" + file + "'");
    } else if (!hasWeightSuffix(file)) {
      unusable(key, "must be either a .tlt or a .pth file, got '" + file + "'");
    }
  }

  private static boolean hasWeightSuffix(String file) {
    return file.endsWith(".pth") || file.endsWith(".tlt");
  }

  private void lossWeights() {
    String key = "train.segment.weights";
    if (!reading.readable(key, "dataset.segment.multi_scale_train")) {
      return;
    }
    List<Double> weights = reading.numbers(key);
    if (reading.flag("dataset.segment.multi_scale_train") && weights.size() < 5) {
      reading.range(
          key,
          "must have 5 or more items while dataset.segment.multi_scale_train is true, got "
              + weights);
    }
  }

  private void colors() {
    String key = "dataset.segment.color_map";
    if (!reading.readable(key)) {
      return;
    }
    if (reading.map(key) == null) {
      namedColors(key);
      return;
    }
    Map<String, Object> colors = reading.map(key);
    for (Map.Entry<String, Object> color : colors.entrySet()) {
      List<?> channels = (List<?>) color.getValue();
      boolean valid =
          channels.size() == 3
              && channels.stream().allMatch(c -> c instanceof Long v && v >= 0 && v <= 255);
      if (!valid) {
        reading.range(
            key + "." + color.getKey(),
            "must be 3 integers from 0 to 255, got " + Values.describe(channels));
        return;
      }
    }
    if (!reading.readable(NUM_CLASSES)) {
      return;
    }
    int classes = reading.integer(NUM_CLASSES);
    if (colors.size() != classes) {
      unusable(
          key,
          "must have one colour for each of the %d classes of dataset.segment.num_classes, got %d"
              .formatted(classes, colors.size()));
      return;
    }
    for (int i = 0; i < classes; i++) {
      if (!colors.containsKey(String.valueOf(i))) {
        reading.range(
            key,
            "the entries must be named 0 to %d, got %s"
                .formatted(classes - 1, String.join(", ", colors.keySet())));
        return;
      }
    }
  }

  /** The colours that {@code data_name} stands for where there is no {@code color_map}. */
  private void namedColors(String colorMap) {
    String name = "dataset.segment.data_name";
    if (!reading.readable(name, NUM_CLASSES)) {
      return;
    }
    int classes = reading.integer(NUM_CLASSES);
    if (LAND_SCD.equals(reading.text(name)) && classes > LAND_SCD_COLORS) {
      unusable(
          name,
          "%s has colours for %d classes, %s is %d; give the colours in %s"
              .formatted(LAND_SCD, LAND_SCD_COLORS, NUM_CLASSES, classes, colorMap));
    }
  }

  private void export() {
    checkpoint("export.checkpoint");
    exportFile();
    ThresholdSpec.check(reading, ThresholdSpec.EXPORT);
    exportSize("export.input_width");
    exportSize("export.input_height");
    if (reading.readable("export.opset_version")) {
      int opset = reading.integer("export.opset_version");
      if (opset < MIN_OPSET || opset > MAX_OPSET) {
        unusable(
            "export.opset_version",
            "the network can be exported with operator sets %d to %d, got %d"
                .formatted(MIN_OPSET, MAX_OPSET, opset));
      }
    }
    if (reading.readable("export.dynamic_size", TYPE) && reading.flag("export.dynamic_size")) {
      BackboneType type = BackboneType.of(reading.text(TYPE));
      if (!type.isFan()) {
        unusable(
            "export.dynamic_size",
            "must be false for %s: its positions belong to one size, only FAN encoders work at others"
                .formatted(type.key()));
      }
    }
    if (reading.readable("export.serialize_nvdsinfer")
        && reading.flag("export.serialize_nvdsinfer")) {
      notImplemented("export.serialize_nvdsinfer", "must be false for segmentation, got true");
    }
  }

  private void exportFile() {
    String key = "export.onnx_file";
    if (!reading.readable(key) || reading.text(key) == null) {
      return;
    }
    String file = reading.text(key);
    if (!file.endsWith(".onnx") && !file.endsWith(".etlt")) {
      reading.range(key, "must end in .onnx or .etlt, got '" + file + "'");
    } else if (file.endsWith(".etlt") && reading.readable(Secrets.KEY)) {
      if (reading.nonEmpty(Secrets.KEY).isEmpty()) {
        unusable(key, "an .etlt file needs encryption_key, which is not set");
      } else if (reading.text(Secrets.KEY).equals(Secrets.MASK)) {
        unusable(
            Secrets.KEY,
            "is %s, which experiment.yaml shows in place of the key; give the key itself"
                    .formatted(Secrets.MASK)
                + " (-k KEY or encryption_key=KEY)");
      }
    }
  }

  private void exportSize(String key) {
    if (!reading.readable(key, TYPE)) {
      return;
    }
    BackboneType type = BackboneType.of(reading.text(TYPE));
    int size = reading.integer(key);
    if (size % type.divisor() != 0) {
      unusable(
          key,
          "must be a multiple of %d for %s, got %d".formatted(type.divisor(), type.key(), size));
    } else if (!type.isFan() && reading.readable(IMG_SIZE) && size != reading.integer(IMG_SIZE)) {
      unusable(
          key,
          "must equal %s (%d) for %s, got %d"
              .formatted(IMG_SIZE, reading.integer(IMG_SIZE), type.key(), size));
    }
  }
}
