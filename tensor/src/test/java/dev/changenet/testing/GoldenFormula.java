package dev.changenet.testing;

import java.nio.charset.StandardCharsets;

/**
 * The formula that generates every weight, image and label of the golden data (FNV-1a seed,
 * SplitMix64, affine rule).
 */
public final class GoldenFormula {
  private GoldenFormula() {}

  public static long seed(String name) {
    long h = 0xcbf29ce484222325L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      h = (h ^ (b & 0xFF)) * 0x100000001b3L;
    }
    return h;
  }

  /** Returns u in [0, 1) for element {@code i} of {@code seed}. */
  public static double u(long seed, long i) {
    long z = seed + (i + 1) * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    z = z ^ (z >>> 31);
    return (z >>> 11) * 0x1.0p-53;
  }

  /** Fills {@code n} values of {@code rule} ("affine", "affine_abs" or "zero") with a and b. */
  public static float[] fill(String name, String rule, double a, double b, int n) {
    long seed = seed(name);
    float[] out = new float[n];
    for (int i = 0; i < n; i++) {
      double s = u(seed, i) * 2 - 1;
      out[i] =
          switch (rule) {
            case "affine" -> (float) (s * b + a);
            case "affine_abs" -> (float) (Math.abs(s) * b + a);
            case "zero" -> 0f;
            default -> throw new IllegalArgumentException("unknown rule " + rule);
          };
    }
    return out;
  }

  /**
   * Fills a state-dictionary entry by the rule table of the golden data's README.
   *
   * @param shape the entry's PyTorch shape
   */
  public static float[] entry(String prefix, String name, int[] shape) {
    int n = 1;
    for (int d : shape) {
      n *= d;
    }
    String last = name.substring(name.lastIndexOf('.') + 1);
    String full = prefix + name;
    if (last.equals("num_batches_tracked")) {
      return fill(full, "zero", 0, 0, n);
    }
    if (last.equals("running_mean")) {
      return fill(full, "affine", 0, 0.1, n);
    }
    if (last.equals("running_var")) {
      return fill(full, "affine_abs", 1, 0.5, n);
    }
    if (last.equals("gamma") || last.equals("gamma1") || last.equals("gamma2")) {
      return fill(full, "affine", 0.5, 0.3, n);
    }
    if (last.equals("temperature")) {
      return fill(full, "affine", 1, 0.2, n);
    }
    if (last.equals("cls_token")
        || last.equals("pos_embed")
        || last.equals("level_embed")
        || last.equals("token")) {
      return fill(full, "affine", 0, 0.5, n);
    }
    if (name.endsWith("sampling_offsets.bias")) {
      return fill(full, "affine", 0, 2, n);
    }
    if (last.equals("weight") && shape.length == 1) {
      return fill(full, "affine", 1, 0.1, n);
    }
    if (last.equals("bias")) {
      return fill(full, "affine", 0, 0.05, n);
    }
    double fan;
    if (name.endsWith("convd2x.conv2d.weight")
        || name.endsWith("convd1x.conv2d.weight")
        || name.endsWith("backbone.up.weight")) {
      fan = shape[0] * (double) shape[2] * shape[3] / 4;
    } else {
      fan = (double) n / shape[0];
    }
    return fill(full, "affine", 0, Math.sqrt(3 / fan), n);
  }

  /** Returns an image tensor [B,3,H,W] with values in [-1, 1); {@code which} is "x1" or "x2". */
  public static float[] image(String imageSeed, String which, int b, int h, int w) {
    return fill(imageSeed + "/" + which, "affine", 0, 1, b * 3 * h * w);
  }

  /** Returns labels [B,H,W], constant on 8x8 cells, 255 where ignored. */
  public static int[] label(String imageSeed, int b, int h, int w, int classes, double ignore) {
    long seed = seed(imageSeed + "/label");
    long ignoreSeed = seed(imageSeed + "/ignore");
    int ch = (h + 7) / 8;
    int cw = (w + 7) / 8;
    int[] out = new int[b * h * w];
    for (int n = 0; n < b; n++) {
      for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
          int p = (n * h + y) * w + x;
          int cell = (n * ch + y / 8) * cw + x / 8;
          out[p] = (int) Math.floor(u(seed, cell) * classes);
          if (ignore > 0 && u(ignoreSeed, p) < ignore) {
            out[p] = 255;
          }
        }
      }
    }
    return out;
  }
}
