package dev.changenet.data;

import dev.changenet.image.ColorAdjustment;
import dev.changenet.image.GaussianBlur;
import dev.changenet.image.Geometry;
import dev.changenet.image.Geometry.PasteBox;
import dev.changenet.image.Mask;
import dev.changenet.image.Resize;
import dev.changenet.image.RgbImage;
import dev.changenet.nn.random.RandomStream;
import java.util.ArrayList;
import java.util.List;

/**
 * One drawn variation of a training sample, and its application.
 *
 * <p>The order is fixed: left–right flip, top–bottom flip, rotation, resized crop, enlarge and
 * crop, blur, colour jitter. All but the jitter are shared by both pictures and (without blur) the
 * mask.
 *
 * @param flipLeftRight whether to mirror left to right
 * @param flipTopBottom whether to mirror top to bottom
 * @param angle rotation in degrees, counter-clockwise; 0 for none
 * @param crop square cut out and resized back to S×S; null for none
 * @param rescale enlargement or reduction and the cut that brings it back to S×S; null for none
 * @param blurRadius standard deviation of the blur in pixels; 0 for none
 * @param jitterA colour operations of the first picture in order
 * @param jitterB colour operations of the second picture in order
 */
public record Augmentation(
    boolean flipLeftRight,
    boolean flipTopBottom,
    double angle,
    Crop crop,
    Rescale rescale,
    double blurRadius,
    List<Jitter> jitterA,
    List<Jitter> jitterB) {
  private static final int CROP_TRIES = 10;
  private static final double CROP_AREA_LOW = 0.8;
  private static final double CROP_AREA_HIGH = 1.2;

  /**
   * A square part of the picture.
   *
   * @param left first column
   * @param top first row
   * @param side columns and rows
   */
  public record Crop(int left, int top, int side) {}

  /**
   * A new side length and the way back to S×S.
   *
   * @param side side length after scaling
   * @param left where larger than S the first column kept, else the column where it is pasted
   * @param top the same for rows
   */
  public record Rescale(int side, int left, int top) {}

  /**
   * One colour operation.
   *
   * @param adjustment which
   * @param factor how strong
   */
  public record Jitter(ColorAdjustment adjustment, double factor) {}

  public Augmentation {
    jitterA = List.copyOf(jitterA);
    jitterB = List.copyOf(jitterB);
  }

  /**
   * Draws the variation of one sample.
   *
   * @param size S, the side length of the sample
   * @param random the sample's own stream; see {@link #stream}
   */
  public static Augmentation draw(AugmentationSettings settings, int size, RandomStream random) {
    AugmentationSettings.RandomFlip flip = settings.randomFlip();
    boolean leftRight = flip.enable() && happens(random, flip.hflipProbability());
    boolean topBottom = flip.enable() && happens(random, flip.vflipProbability());
    AugmentationSettings.RandomRotate rotate = settings.randomRotate();
    double angle = 0;
    if (rotate.enable() && happens(random, rotate.rotateProbability())) {
      angle = rotate.angleList().get(random.nextInt(rotate.angleList().size()));
    }
    Crop crop = settings.withRandomCrop() ? drawCrop(size, random) : null;
    Rescale rescale =
        settings.withScaleRandomCrop().enable()
            ? drawRescale(settings.withScaleRandomCrop(), size, random)
            : null;
    double radius = settings.withRandomBlur() ? random.nextDouble() : 0;
    AugmentationSettings.RandomColor color = settings.randomColor();
    List<Jitter> jitterA = List.of();
    List<Jitter> jitterB = List.of();
    // 1 − p is tested, not p: with probability 1 even a draw of 0 must count.
    if (color.enable() && random.nextDouble() >= 1 - color.colorProbability()) {
      jitterA = drawJitter(color, random);
      jitterB = drawJitter(color, random);
    }
    return new Augmentation(leftRight, topBottom, angle, crop, rescale, radius, jitterA, jitterB);
  }

  /**
   * Returns the stream that belongs to one sample in one epoch. It depends on nothing else, so the
   * order in which workers take samples does not matter.
   */
  public static RandomStream stream(long seed, int epoch, int rank, int sampleIndex) {
    return RandomStream.of(seed, "augment", epoch, rank, sampleIndex);
  }

  /** Returns the varied sample; it is S×S pixels like {@code sample}. */
  public Sample apply(Sample sample) {
    return new Sample(
        sample.name(),
        jitter(applyShared(sample.a()), jitterA),
        jitter(applyShared(sample.b()), jitterB),
        sample.mask() == null ? null : applyShared(sample.mask()));
  }

  private RgbImage applyShared(RgbImage in) {
    int size = in.width();
    RgbImage image = flipLeftRight ? Geometry.flipLeftRight(in) : in;
    image = flipTopBottom ? Geometry.flipTopBottom(image) : image;
    image = angle != 0 ? Geometry.rotate(image, angle) : image;
    if (crop != null) {
      image = Geometry.crop(image, crop.left, crop.top, crop.side, crop.side);
      image = Resize.bicubic(image, size, size);
    }
    if (rescale != null) {
      image = Resize.bicubic(image, rescale.side, rescale.side);
      image = Geometry.paste(image, pasteBox(size), size, size, 0);
    }
    return GaussianBlur.apply(image, blurRadius);
  }

  private Mask applyShared(Mask in) {
    int size = in.width();
    Mask mask = flipLeftRight ? Geometry.flipLeftRight(in) : in;
    mask = flipTopBottom ? Geometry.flipTopBottom(mask) : mask;
    mask = angle != 0 ? Geometry.rotate(mask, angle) : mask;
    if (crop != null) {
      mask = Geometry.crop(mask, crop.left, crop.top, crop.side, crop.side);
      mask = Resize.nearest(mask, size, size);
    }
    if (rescale != null) {
      mask = Resize.nearest(mask, rescale.side, rescale.side);
      mask = Geometry.paste(mask, pasteBox(size), size, size, DataSettings.IGNORE);
    }
    return mask;
  }

  private PasteBox pasteBox(int size) {
    return rescale.side > size
        ? new PasteBox(rescale.left, rescale.top, 0, 0, size, size)
        : new PasteBox(0, 0, rescale.left, rescale.top, rescale.side, rescale.side);
  }

  private static RgbImage jitter(RgbImage image, List<Jitter> steps) {
    for (Jitter step : steps) {
      image = step.adjustment.apply(image, step.factor);
    }
    return image;
  }

  private static boolean happens(RandomStream random, double probability) {
    return random.nextDouble() > 1 - probability;
  }

  private static Crop drawCrop(int size, RandomStream random) {
    for (int i = 0; i < CROP_TRIES; i++) {
      double area = (double) size * size * random.uniform(CROP_AREA_LOW, CROP_AREA_HIGH);
      int side = (int) Math.rint(Math.sqrt(area));
      if (side > 0 && side <= size) {
        int top = random.nextInt(size - side + 1);
        int left = random.nextInt(size - side + 1);
        return new Crop(left, top, side);
      }
    }
    return new Crop(0, 0, size);
  }

  private static Rescale drawRescale(
      AugmentationSettings.ScaleRandomCrop settings, int size, RandomStream random) {
    double scale = random.uniform(settings.low(), settings.high());
    int side = Math.max(1, (int) Math.rint(size * scale));
    int play = Math.abs(side - size) + 1;
    int left = random.nextInt(play);
    int top = random.nextInt(play);
    return new Rescale(side, left, top);
  }

  private static List<Jitter> drawJitter(
      AugmentationSettings.RandomColor settings, RandomStream random) {
    List<Jitter> steps = new ArrayList<>();
    for (int component : random.permutation(ColorAdjustment.values().length)) {
      ColorAdjustment adjustment = ColorAdjustment.values()[component];
      double magnitude =
          switch (adjustment) {
            case BRIGHTNESS -> settings.brightness();
            case CONTRAST -> settings.contrast();
            case SATURATION -> settings.saturation();
            case HUE -> settings.hue();
          };
      if (magnitude > 0) {
        double factor =
            adjustment == ColorAdjustment.HUE
                ? random.uniform(-magnitude, magnitude)
                : random.uniform(Math.max(0, 1 - magnitude), 1 + magnitude);
        steps.add(new Jitter(adjustment, factor));
      }
    }
    return steps;
  }
}
