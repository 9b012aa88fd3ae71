package dev.changenet.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Section {@code dataset.segment}.
 *
 * @param rootDir data root with a leading ~ expanded; null for export when it is not given
 * @param dataName {@code LEVIR-CD}, {@code LEVIR}, {@code LandSCD} or {@code custom}; other words
 *     of the spec have become {@code custom}
 * @param labelTransform {@code norm} or {@code None}; other words have become {@code None}
 * @param batchSize samples per GPU and step
 * @param workers loader threads; 0 loads in the calling thread
 * @param multiScaleTrain loss over all five outputs
 * @param multiScaleInfer average the five outputs
 * @param numClasses output channels
 * @param imgSize side in pixels of the square every image is resized to
 * @param imageFolderName folder of the first images
 * @param changeImageFolderName folder of the second images
 * @param listFolderName folder of the split lists
 * @param annotationFolderName folder of the masks
 * @param trainSplit list name without suffix
 * @param validationSplit list name without suffix
 * @param testSplit list name without suffix, used by evaluate
 * @param predictSplit list name without suffix, used by inference
 * @param labelSuffix suffix of the mask files
 * @param colorMap display colours [R, G, B] 0-255 by class index; empty if the spec has none
 * @param classNames a name for each class; where the spec has none {@code class 0}, …, for two
 *     classes {@code unchanged} and {@code changed}
 * @param augmentation augmentation and normalisation
 */
public record SegmentDataSpec(
    Path rootDir,
    String dataName,
    String labelTransform,
    int batchSize,
    int workers,
    boolean multiScaleTrain,
    boolean multiScaleInfer,
    int numClasses,
    int imgSize,
    String imageFolderName,
    String changeImageFolderName,
    String listFolderName,
    String annotationFolderName,
    String trainSplit,
    String validationSplit,
    String testSplit,
    String predictSplit,
    String labelSuffix,
    Optional<List<List<Integer>>> colorMap,
    List<String> classNames,
    AugmentationSpec augmentation) {

  public SegmentDataSpec {
    classNames = List.copyOf(classNames);
  }

  /** The words of {@code data_name} that have a meaning. */
  static final List<String> DATA_NAMES = List.of("LEVIR-CD", "LEVIR", "LandSCD", "custom");

  /** The words of {@code label_transform} that have a meaning. */
  static final List<String> LABEL_TRANSFORMS = List.of("norm", "None");

  static SegmentDataSpec from(SpecReading reading) {
    String s = "dataset.segment.";
    String rootDir = reading.text(s + "root_dir");
    String dataName = reading.text(s + "data_name");
    return new SegmentDataSpec(
        rootDir == null ? null : FileChecks.expandHome(rootDir),
        DATA_NAMES.contains(dataName) ? dataName : "custom",
        "norm".equals(reading.text(s + "label_transform")) ? "norm" : "None",
        reading.integer(s + "batch_size"),
        reading.integer(s + "workers"),
        reading.flag(s + "multi_scale_train"),
        reading.flag(s + "multi_scale_infer"),
        reading.integer(s + "num_classes"),
        reading.integer(s + "img_size"),
        reading.text(s + "image_folder_name"),
        reading.text(s + "change_image_folder_name"),
        reading.text(s + "list_folder_name"),
        reading.text(s + "annotation_folder_name"),
        reading.text(s + "train_split"),
        reading.text(s + "validation_split"),
        reading.text(s + "test_split"),
        reading.text(s + "predict_split"),
        reading.text(s + "label_suffix"),
        colors(reading),
        classNames(reading),
        AugmentationSpec.from(reading));
  }

  /** The map's entries {@code '0' ... 'n-1'} in class order; export does not check or use them. */
  private static Optional<List<List<Integer>>> colors(SpecReading reading) {
    var map = reading.map("dataset.segment.color_map");
    if (map == null || reading.task() == Task.EXPORT) {
      return Optional.empty();
    }
    List<List<Integer>> colors = new ArrayList<>();
    for (int i = 0; i < map.size(); i++) {
      List<?> channels = (List<?>) map.get(String.valueOf(i));
      colors.add(channels.stream().map(channel -> Math.toIntExact((Long) channel)).toList());
    }
    return Optional.of(List.copyOf(colors));
  }

  /** Two classes have names of their own even without the spec's. */
  private static List<String> classNames(SpecReading reading) {
    Object given = reading.value("dataset.segment.class_names");
    if (given instanceof List<?> names) {
      return names.stream().map(String::valueOf).toList();
    }
    int classes = reading.integer("dataset.segment.num_classes");
    return classes == 2
        ? List.of("unchanged", "changed")
        : IntStream.range(0, classes).mapToObj(c -> "class " + c).toList();
  }
}
