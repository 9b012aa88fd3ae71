package dev.changenet.image;

/** Pillow's 8-bit HSV: hue, saturation and value each as one byte, with its roundings. */
final class Hsv {
  private Hsv() {}

  /** Writes pixel {@code i} of {@code in} to {@code out}, its 8-bit hue moved by {@code shift}. */
  static void shiftHue(byte[] in, int i, byte[] out, int shift) {
    int r = in[i] & 0xFF;
    int g = in[i + 1] & 0xFF;
    int b = in[i + 2] & 0xFF;
    int max = Math.max(r, Math.max(g, b));
    int min = Math.min(r, Math.min(g, b));
    int hue = 0;
    int saturation = 0;
    if (min != max) {
      float chroma = max - min;
      float rc = (max - r) / chroma;
      float gc = (max - g) / chroma;
      float bc = (max - b) / chroma;
      float h;
      if (r == max) {
        h = bc - gc;
      } else if (g == max) {
        h = (float) (2.0 + rc - bc);
      } else {
        h = (float) (4.0 + gc - rc);
      }
      h = (float) ((h / 6.0 + 1.0) % 1.0);
      hue = Math.clamp((int) (h * 255.0), 0, 255);
      saturation = Math.clamp((int) (chroma / max * 255.0), 0, 255);
    }
    toRgb((hue + shift) & 0xFF, saturation, max, out, i);
  }

  private static void toRgb(int hue, int saturation, int value, byte[] out, int o) {
    if (saturation == 0) {
      put(out, o, value, value, value);
      return;
    }
    int sector = (int) Math.floor(hue * 6.0 / 255.0);
    float f = (float) (hue * 6.0 / 255.0 - sector);
    float s = (float) (saturation / 255.0);
    int p = round(value * (1.0 - s));
    int q = round(value * (1.0 - s * f));
    int t = round(value * (1.0 - s * (1.0 - f)));
    switch (sector % 6) {
      case 0 -> put(out, o, value, t, p);
      case 1 -> put(out, o, q, value, p);
      case 2 -> put(out, o, p, value, t);
      case 3 -> put(out, o, p, q, value);
      case 4 -> put(out, o, t, p, value);
      default -> put(out, o, value, p, q);
    }
  }

  private static int round(double v) {
    return Math.clamp((long) Math.floor(v + 0.5), 0, 255);
  }

  private static void put(byte[] out, int o, int r, int g, int b) {
    out[o] = (byte) r;
    out[o + 1] = (byte) g;
    out[o + 2] = (byte) b;
  }
}
