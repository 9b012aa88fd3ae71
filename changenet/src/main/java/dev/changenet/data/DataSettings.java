package dev.changenet.data;

import java.nio.file.Path;

/**
 * Where the samples of a data set lie and what they become; fields mirror the keys under {@code
 * dataset.segment}.
 *
 * @param rootDir data root
 * @param imageFolderName folder of the first pictures, inside the root
 * @param changeImageFolderName folder of the second pictures, inside the root
 * @param annotationFolderName folder of the masks, inside the root
 * @param listFolderName folder of the split lists, inside the root
 * @param labelSuffix replaces every {@code .jpg} in an entry to give the name of its mask
 * @param labelTransform {@code norm} divides mask values by 255; any other word keeps them
 * @param numClasses number of classes, at least 2
 * @param imgSize S: every picture and mask is brought to S×S pixels
 * @param batchSize samples per batch
 * @param workers threads that load ahead; 0 loads in the calling thread
 * @param augmentation variation of training samples and normalisation of all
 */
public record DataSettings(
    Path rootDir,
    String imageFolderName,
    String changeImageFolderName,
    String annotationFolderName,
    String listFolderName,
    String labelSuffix,
    String labelTransform,
    int numClasses,
    int imgSize,
    int batchSize,
    int workers,
    AugmentationSettings augmentation) {
  /** The mask value that no loss and no score looks at. */
  public static final int IGNORE = 255;

  public DataSettings {
    checkAtLeast("num_classes", numClasses, 2);
    if (numClasses > IGNORE) {
      throw new IllegalArgumentException(
          "dataset.segment.num_classes: expected at most "
              + IGNORE
              + " (mask value 255 means ignore), got "
              + numClasses);
    }
    checkAtLeast("img_size", imgSize, 1);
    checkAtLeast("batch_size", batchSize, 1);
    checkAtLeast("workers", workers, 0);
    rootDir = rootDir.toAbsolutePath().normalize();
  }

  /** Returns the values that hold where a specification says nothing. */
  public static DataSettings of(Path rootDir) {
    return new DataSettings(
        rootDir,
        "A",
        "B",
        "label",
        "list",
        ".png",
        "norm",
        2,
        256,
        8,
        2,
        AugmentationSettings.defaults());
  }

  /** Returns the absolute path that a specification's text means; {@code ~} is the home folder. */
  public static Path expand(String path) {
    String home = System.getProperty("user.home");
    String expanded = path.equals("~") || path.startsWith("~/") ? home + path.substring(1) : path;
    return Path.of(expanded).toAbsolutePath().normalize();
  }

  /** Returns the mask file of a list entry: every {@code .jpg} becomes the label suffix. */
  public String maskName(String entry) {
    return entry.replace(".jpg", labelSuffix);
  }

  /** Returns these settings for another picture size. */
  public DataSettings withImgSize(int size) {
    return with(labelTransform, numClasses, size, batchSize, workers, augmentation);
  }

  /** Returns these settings for another number of classes and mask rule. */
  public DataSettings withClasses(int classes, String transform) {
    return with(transform, classes, imgSize, batchSize, workers, augmentation);
  }

  /** Returns these settings with another batch size. */
  public DataSettings withBatchSize(int size) {
    return with(labelTransform, numClasses, imgSize, size, workers, augmentation);
  }

  /** Returns these settings with another number of loading threads. */
  public DataSettings withWorkers(int count) {
    return with(labelTransform, numClasses, imgSize, batchSize, count, augmentation);
  }

  /** Returns these settings with another augmentation. */
  public DataSettings withAugmentation(AugmentationSettings other) {
    return with(labelTransform, numClasses, imgSize, batchSize, workers, other);
  }

  /** True when mask values are divided by 255. */
  public boolean normalizesLabels() {
    return "norm".equals(labelTransform);
  }

  private DataSettings with(
      String transform,
      int classes,
      int size,
      int batch,
      int threads,
      AugmentationSettings augment) {
    return new DataSettings(
        rootDir,
        imageFolderName,
        changeImageFolderName,
        annotationFolderName,
        listFolderName,
        labelSuffix,
        transform,
        classes,
        size,
        batch,
        threads,
        augment);
  }

  private static void checkAtLeast(String key, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "dataset.segment." + key + ": expected at least " + least + ", got " + value);
    }
  }
}
