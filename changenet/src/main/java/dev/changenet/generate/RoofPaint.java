package dev.changenet.generate;

/** What a roof looks like from above: slopes in the sun and in the shade, ridges, tiles, boxes. */
final class RoofPaint {
  private final Building building;
  private final ValueNoise noise;
  private final double sunX;
  private final double sunY;

  /**
   * Prepares painting.
   *
   * @param sunX direction towards the sun, of length 1 together with {@code sunY}
   */
  RoofPaint(Building building, double sunX, double sunY) {
    this.building = building;
    this.noise = new ValueNoise(building.texture());
    this.sunX = sunX;
    this.sunY = sunY;
  }

  /** Returns the colour at a point of {@code block}. */
  Color at(Block block, double x, double y) {
    double u = block.u(x, y);
    double v = block.v(x, y);
    double edge = -block.distance(x, y);
    double texture = 0.05 * noise.octaves(x / 4, y / 4, 3);
    double light =
        building.roof() == Building.Roof.FLAT ? flat(x, y, u, v, edge) : pitched(block, u, v, edge);
    return building.color().scaled(light + texture);
  }

  private double flat(double x, double y, double u, double v, double edge) {
    double parapet = edge < 1.1 ? 0.12 : edge < 2.2 ? -0.1 : 0;
    // Air conditioning and the like: a few boxes on a coarse grid.
    double unit = noise.lattice((long) Math.floor(u / 5), (long) Math.floor(v / 5) + 40);
    double box = edge <= 3 ? 0 : unit > 0.8 ? -0.22 : unit < -0.88 ? 0.15 : 0;
    double stain = 0.09 * noise.octaves(x / 15, y / 15 + 60, 2);
    return 1 + parapet + box + stain;
  }

  private double pitched(Block block, double u, double v, double edge) {
    double toEnd = block.along() - Math.abs(u);
    double toSide = block.across() - Math.abs(v);
    boolean end = building.roof() == Building.Roof.HIP && toEnd < toSide;
    double nx = end ? Math.signum(u) * block.cos() : -Math.signum(v) * block.sin();
    double ny = end ? Math.signum(u) * block.sin() : Math.signum(v) * block.cos();
    double slope = 1 + 0.27 * (nx * sunX + ny * sunY);
    double ridge = !end && Math.abs(v) < 0.6 ? 0.12 : 0;
    double eave = edge < 0.8 ? -0.08 : 0;
    double tiles = 0.04 * noise.at(end ? u * 0.9 : v * 0.9, 5.5);
    return slope + ridge + eave + tiles;
  }
}
