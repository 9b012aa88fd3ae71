package dev.changenet.config;

import java.util.List;

/**
 * Section {@code dataset.segment.augmentation}.
 *
 * @param randomFlip flips
 * @param randomRotate rotations
 * @param randomColor colour jitter
 * @param withScaleRandomCrop enlarge, then crop
 * @param withRandomCrop random resized crop
 * @param withRandomBlur Gaussian blur
 * @param mean per channel R, G, B, subtracted after scaling to 0-1
 * @param std per channel R, G, B, divisor
 */
public record AugmentationSpec(
    RandomFlip randomFlip,
    RandomRotate randomRotate,
    RandomColor randomColor,
    WithScaleRandomCrop withScaleRandomCrop,
    boolean withRandomCrop,
    boolean withRandomBlur,
    List<Double> mean,
    List<Double> std) {

  public AugmentationSpec {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
  }

  /** Chances of a top-bottom (v) and a left-right (h) flip. */
  public record RandomFlip(boolean enable, double vflipProbability, double hflipProbability) {}

  /** Chance of a rotation by one of the angles, in degrees. */
  public record RandomRotate(boolean enable, double rotateProbability, List<Double> angleList) {
    public RandomRotate {
      angleList = List.copyOf(angleList);
    }
  }

  /** Half-ranges of the colour jitter and the chance that it is applied. */
  public record RandomColor(
      boolean enable,
      double brightness,
      double contrast,
      double saturation,
      double hue,
      double colorProbability) {}

  /** Lowest and highest enlargement in front of a crop. */
  public record WithScaleRandomCrop(boolean enable, List<Double> scaleRange) {
    public WithScaleRandomCrop {
      scaleRange = List.copyOf(scaleRange);
    }
  }

  static AugmentationSpec from(SpecReading reading) {
    String a = "dataset.segment.augmentation.";
    return new AugmentationSpec(
        new RandomFlip(
            reading.flag(a + "random_flip.enable"),
            reading.number(a + "random_flip.vflip_probability"),
            reading.number(a + "random_flip.hflip_probability")),
        new RandomRotate(
            reading.flag(a + "random_rotate.enable"),
            reading.number(a + "random_rotate.rotate_probability"),
            reading.numbers(a + "random_rotate.angle_list")),
        new RandomColor(
            reading.flag(a + "random_color.enable"),
            reading.number(a + "random_color.brightness"),
            reading.number(a + "random_color.contrast"),
            reading.number(a + "random_color.saturation"),
            reading.number(a + "random_color.hue"),
            reading.number(a + "random_color.color_probability")),
        new WithScaleRandomCrop(
            reading.flag(a + "with_scale_random_crop.enable"),
            reading.numbers(a + "with_scale_random_crop.scale_range")),
        reading.flag(a + "with_random_crop"),
        reading.flag(a + "with_random_blur"),
        reading.numbers(a + "mean"),
        reading.numbers(a + "std"));
  }
}
