package dev.changenet.generate;

/**
 * A rotated rectangle on the ground.
 *
 * @param x centre
 * @param y centre
 * @param cos direction of the long axis
 * @param sin direction of the long axis
 * @param along half length along the axis, in pixels
 * @param across half width, in pixels
 */
record Block(double x, double y, double cos, double sin, double along, double across) {
  /** Coordinate of a point along the axis, 0 at the centre. */
  double u(double px, double py) {
    return (px - x) * cos + (py - y) * sin;
  }

  /** Coordinate of a point across the axis, 0 at the centre. */
  double v(double px, double py) {
    return (py - y) * cos - (px - x) * sin;
  }

  /** Distance of a point from the outline in pixels, negative inside. */
  double distance(double px, double py) {
    double du = Math.abs(u(px, py)) - along;
    double dv = Math.abs(v(px, py)) - across;
    if (du > 0 && dv > 0) {
      return Math.sqrt(du * du + dv * dv);
    }
    return Math.max(du, dv);
  }

  /** Radius of the circle around the centre that holds the rectangle. */
  double reach() {
    return Math.sqrt(along * along + across * across);
  }

  /** Returns a rectangle of other half sizes whose centre is moved along the own axes. */
  Block relative(double du, double dv, double newAlong, double newAcross) {
    return new Block(
        x + du * cos - dv * sin, y + du * sin + dv * cos, cos, sin, newAlong, newAcross);
  }
}
