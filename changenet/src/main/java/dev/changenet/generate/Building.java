package dev.changenet.generate;

import java.util.List;

/**
 * A building: one or two blocks under one kind of roof.
 *
 * @param blocks footprint, the first block being the main one
 * @param roof form of the roof
 * @param color of the roof
 * @param height in pixels; decides the length of the shadow
 * @param texture seed of what distinguishes this roof from others of its kind
 */
record Building(List<Block> blocks, Roof roof, Color color, double height, long texture) {
  enum Roof {
    GABLE,
    HIP,
    FLAT
  }

  Building {
    blocks = List.copyOf(blocks);
  }

  /** Distance of a point from the footprint in pixels, negative inside. */
  double distance(double x, double y) {
    double d = Double.POSITIVE_INFINITY;
    for (Block block : blocks) {
      d = Math.min(d, block.distance(x, y));
    }
    return d;
  }

  Block main() {
    return blocks.getFirst();
  }

  /** Radius around the main block's centre that holds the footprint. */
  double reach() {
    double reach = 0;
    for (Block block : blocks) {
      double dx = block.x() - main().x();
      double dy = block.y() - main().y();
      reach = Math.max(reach, Math.sqrt(dx * dx + dy * dy) + block.reach());
    }
    return reach;
  }
}
