package dev.changenet.generate;

import dev.changenet.nn.random.RandomStream;

/**
 * What differs between two dates although nothing changed on the ground.
 *
 * @param shiftX misalignment of the picture in pixels
 * @param shiftY likewise
 * @param sunX direction and length of a shadow per pixel of height
 * @param sunY likewise
 * @param shadow part of the light that is left in a shadow
 * @param leanX displacement of roofs per pixel of height, from the camera's position
 * @param leanY likewise
 * @param season −1 dry and brown … 1 lush and green
 * @param gain brightness
 * @param gamma tone curve
 * @param tint factor per channel
 * @param haze part of white veil
 * @param slopeX brightness gradient over the picture
 * @param slopeY likewise
 * @param blur standard deviation in pixels
 * @param noise standard deviation in grey levels
 */
record DateConditions(
    double shiftX,
    double shiftY,
    double sunX,
    double sunY,
    double shadow,
    double leanX,
    double leanY,
    double season,
    double gain,
    double gamma,
    Color tint,
    double haze,
    double slopeX,
    double slopeY,
    double blur,
    double noise) {

  static DateConditions draw(RandomStream random, boolean shifted) {
    double reach = shifted ? 1.2 : 0;
    double azimuth = StrictMath.toRadians(random.uniform(200, 340));
    double length = random.uniform(0.5, 1.3);
    return new DateConditions(
        random.uniform(-reach, reach),
        random.uniform(-reach, reach),
        StrictMath.cos(azimuth) * length,
        StrictMath.sin(azimuth) * length,
        random.uniform(0.42, 0.6),
        random.uniform(-0.07, 0.07),
        random.uniform(-0.07, 0.07),
        random.uniform(-1, 1),
        random.uniform(0.85, 1.18),
        random.uniform(0.9, 1.12),
        new Color(
            random.uniform(0.94, 1.06), random.uniform(0.96, 1.04), random.uniform(0.93, 1.07)),
        random.uniform(0, 0.14),
        random.uniform(-0.07, 0.07),
        random.uniform(-0.07, 0.07),
        random.uniform(0.25, 0.8),
        random.uniform(1, 4));
  }
}
