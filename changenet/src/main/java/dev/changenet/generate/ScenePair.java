package dev.changenet.generate;

import dev.changenet.image.Mask;
import dev.changenet.image.RgbImage;

/**
 * One scene at two dates.
 *
 * @param a earlier picture
 * @param b later picture
 * @param mask what changed, aligned with the pictures; values as described in {@link
 *     GeneratorSettings#classes()}
 */
public record ScenePair(RgbImage a, RgbImage b, Mask mask) {}
