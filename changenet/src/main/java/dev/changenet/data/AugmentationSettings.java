package dev.changenet.data;

import java.util.List;

/**
 * What may happen to a training sample; fields mirror the keys under {@code
 * dataset.segment.augmentation}.
 *
 * @param randomFlip left–right and top–bottom flips
 * @param randomRotate rotation by one of several angles
 * @param randomColor colour jitter, drawn separately for the two pictures
 * @param withScaleRandomCrop enlarging by a random factor, then cutting a random part
 * @param withRandomCrop random resized crop
 * @param withRandomBlur Gaussian blur of random radius below 1 pixel
 * @param mean per channel R, G, B; subtracted after scaling to 0–1
 * @param std per channel R, G, B; divisor, above 0
 */
public record AugmentationSettings(
    RandomFlip randomFlip,
    RandomRotate randomRotate,
    RandomColor randomColor,
    ScaleRandomCrop withScaleRandomCrop,
    boolean withRandomCrop,
    boolean withRandomBlur,
    List<Double> mean,
    List<Double> std) {

  /**
   * Mirroring.
   *
   * @param enable whether flips happen at all
   * @param vflipProbability chance of a top–bottom flip, 0–1
   * @param hflipProbability chance of a left–right flip, 0–1
   */
  public record RandomFlip(boolean enable, double vflipProbability, double hflipProbability) {
    public RandomFlip {
      checkProbability("random_flip.vflip_probability", vflipProbability);
      checkProbability("random_flip.hflip_probability", hflipProbability);
    }
  }

  /**
   * Rotation.
   *
   * @param enable whether rotations happen at all
   * @param rotateProbability chance of a rotation, 0–1
   * @param angleList degrees, counter-clockwise; one is picked uniformly
   */
  public record RandomRotate(boolean enable, double rotateProbability, List<Double> angleList) {
    public RandomRotate {
      angleList = List.copyOf(angleList);
      checkProbability("random_rotate.rotate_probability", rotateProbability);
      if (angleList.isEmpty() || !angleList.stream().allMatch(Double::isFinite)) {
        throw invalid("random_rotate.angle_list", angleList, "at least one finite angle");
      }
    }
  }

  /**
   * Colour jitter.
   *
   * @param enable whether jitter happens at all
   * @param brightness factor range is 1 ± this, not below 0; 0 switches the component off
   * @param contrast as brightness
   * @param saturation as brightness
   * @param hue part of the hue circle, 0–0.5; 0 switches the component off
   * @param colorProbability chance that the sample is jittered, 0–1
   */
  public record RandomColor(
      boolean enable,
      double brightness,
      double contrast,
      double saturation,
      double hue,
      double colorProbability) {
    public RandomColor {
      checkMagnitude("random_color.brightness", brightness);
      checkMagnitude("random_color.contrast", contrast);
      checkMagnitude("random_color.saturation", saturation);
      if (!(hue >= 0 && hue <= 0.5)) {
        throw invalid("random_color.hue", hue, "a number within 0–0.5");
      }
      checkProbability("random_color.color_probability", colorProbability);
    }
  }

  /**
   * Enlarge and crop.
   *
   * @param enable whether it happens at all
   * @param low smallest factor, above 0
   * @param high largest factor, at least {@code low}
   */
  public record ScaleRandomCrop(boolean enable, double low, double high) {
    public ScaleRandomCrop {
      if (!(low > 0 && low <= high && Double.isFinite(high))) {
        throw invalid(
            "with_scale_random_crop.scale_range",
            List.of(low, high),
            "two numbers with 0 < low ≤ high");
      }
    }
  }

  public AugmentationSettings {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    if (mean.size() != 3 || !mean.stream().allMatch(Double::isFinite)) {
      throw invalid("mean", mean, "three numbers");
    }
    if (std.size() != 3 || !std.stream().allMatch(s -> s > 0 && Double.isFinite(s))) {
      throw invalid("std", std, "three numbers above 0");
    }
  }

  /** Returns the values that hold where a specification says nothing. */
  public static AugmentationSettings defaults() {
    return new AugmentationSettings(
        new RandomFlip(true, 0.5, 0.5),
        new RandomRotate(true, 0.5, List.of(90.0, 180.0, 270.0)),
        new RandomColor(true, 0.3, 0.3, 0.3, 0.3, 0.5),
        new ScaleRandomCrop(true, 1.0, 1.2),
        true,
        true,
        List.of(0.5, 0.5, 0.5),
        List.of(0.5, 0.5, 0.5));
  }

  /** Returns settings under which a training sample stays as it was read. */
  public static AugmentationSettings none() {
    AugmentationSettings d = defaults();
    return new AugmentationSettings(
        new RandomFlip(false, 0.5, 0.5),
        new RandomRotate(false, 0.5, d.randomRotate.angleList),
        new RandomColor(false, 0.3, 0.3, 0.3, 0.3, 0.5),
        new ScaleRandomCrop(false, 1.0, 1.2),
        false,
        false,
        d.mean,
        d.std);
  }

  /** Returns these settings with other normalisation constants. */
  public AugmentationSettings withNormalization(List<Double> newMean, List<Double> newStd) {
    return new AugmentationSettings(
        randomFlip,
        randomRotate,
        randomColor,
        withScaleRandomCrop,
        withRandomCrop,
        withRandomBlur,
        newMean,
        newStd);
  }

  private static void checkProbability(String key, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw invalid(key, value, "a probability within 0–1");
    }
  }

  private static void checkMagnitude(String key, double value) {
    if (!(value >= 0 && Double.isFinite(value))) {
      throw invalid(key, value, "a number of at least 0");
    }
  }

  private static IllegalArgumentException invalid(String key, Object got, String expected) {
    return new IllegalArgumentException(
        "dataset.segment.augmentation." + key + ": expected " + expected + ", got " + got);
  }
}
