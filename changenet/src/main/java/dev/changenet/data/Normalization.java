package dev.changenet.data;

import dev.changenet.image.RgbImage;

/** Maps bytes to {@code (x/255 − mean_c) / std_c}, in single precision, by table. */
public final class Normalization {
  private final float[] table = new float[RgbImage.CHANNELS * 256];

  public Normalization(AugmentationSettings settings) {
    for (int c = 0; c < RgbImage.CHANNELS; c++) {
      float mean = settings.mean().get(c).floatValue();
      float std = settings.std().get(c).floatValue();
      for (int x = 0; x < 256; x++) {
        table[c * 256 + x] = (x / 255f - mean) / std;
      }
    }
  }

  /** Writes the picture's pixels, channels last, to {@code out} from {@code offset} on. */
  public void apply(RgbImage image, float[] out, int offset) {
    byte[] p = image.pixels();
    for (int i = 0; i < p.length; i += RgbImage.CHANNELS) {
      out[offset + i] = table[p[i] & 0xFF];
      out[offset + i + 1] = table[256 + (p[i + 1] & 0xFF)];
      out[offset + i + 2] = table[512 + (p[i + 2] & 0xFF)];
    }
  }
}
