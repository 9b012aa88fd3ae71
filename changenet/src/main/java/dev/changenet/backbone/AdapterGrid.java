package dev.changenet.backbone;

import dev.changenet.autograd.Variable;
import dev.changenet.nn.Module;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling.Levels;

/**
 * The token grids of a ViT-Adapter for one image size: patches of 16 pixels, and the prior's maps
 * of twice, once and half that resolution.
 *
 * @param height patch rows, even
 * @param width patch columns, even
 */
record AdapterGrid(int height, int width) {
  /** Number of patch tokens. */
  int patches() {
    return height * width;
  }

  /** The three maps of the prior, whose tokens follow each other. */
  Levels prior() {
    return new Levels(
        new int[] {2 * height, height, height / 2}, new int[] {2 * width, width, width / 2});
  }

  /** The map of patch tokens. */
  Levels patchLevel() {
    return new Levels(new int[] {height}, new int[] {width});
  }

  /** Pixel centres of all maps of {@code levels}, (x, y) in 0 … 1: [tokens, 2]. */
  static Variable centres(Levels levels, Device device) {
    float[] points = new float[2 * levels.tokens()];
    int at = 0;
    for (int l = 0; l < levels.count(); l++) {
      for (int row = 0; row < levels.heights()[l]; row++) {
        for (int column = 0; column < levels.widths()[l]; column++) {
          points[at++] = (float) ((column + 0.5) / levels.widths()[l]);
          points[at++] = (float) ((row + 0.5) / levels.heights()[l]);
        }
      }
    }
    Tensor t = Tensor.empty(Shape.of(levels.tokens(), 2), device.floating(), device);
    Module.write(t, points);
    return new Variable(t);
  }
}
