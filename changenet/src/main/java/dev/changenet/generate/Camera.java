package dev.changenet.generate;

import dev.changenet.image.GaussianBlur;
import dev.changenet.image.RgbImage;
import dev.changenet.nn.random.RandomStream;

/** Turns painted light into a picture: exposure, haze, tone curve, blur and sensor noise. */
final class Camera {
  private final DateConditions day;
  private final int size;

  Camera(DateConditions day, int size) {
    this.day = day;
    this.size = size;
  }

  RgbImage expose(double[] red, double[] green, double[] blue, RandomStream random) {
    RgbImage image = RgbImage.black(size, size);
    byte[] p = image.pixels();
    for (int py = 0; py < size; py++) {
      double row = 1 + day.slopeY() * (2.0 * py / size - 1);
      for (int px = 0; px < size; px++) {
        int i = py * size + px;
        double level = day.gain() * (row + day.slopeX() * (2.0 * px / size - 1));
        p[3 * i] = tone(red[i] * level * day.tint().r());
        p[3 * i + 1] = tone(green[i] * level * day.tint().g());
        p[3 * i + 2] = tone(blue[i] * level * day.tint().b());
      }
    }
    RgbImage blurred = GaussianBlur.apply(image, day.blur());
    addNoise(blurred.pixels(), random);
    return blurred;
  }

  private byte tone(double v) {
    double unit = Math.clamp(v / 255.0, 0.0, 1.0);
    double curved = StrictMath.pow(unit, day.gamma());
    double veiled = curved + (0.82 - curved) * day.haze();
    return (byte) Math.round(255 * veiled);
  }

  private void addNoise(byte[] pixels, RandomStream random) {
    for (int i = 0; i < pixels.length; i++) {
      // The sum of four uniform 16-bit numbers is close enough to a Gaussian.
      long bits = random.nextLong();
      double sum =
          (bits & 0xFFFF) + (bits >>> 16 & 0xFFFF) + (bits >>> 32 & 0xFFFF) + (bits >>> 48);
      double gaussian = (sum / 65536.0 - 2) * 1.7320508;
      pixels[i] =
          (byte) Math.clamp(Math.round((pixels[i] & 0xFF) + day.noise() * gaussian), 0, 255);
    }
  }
}
