package dev.changenet.data;

import dev.changenet.image.Mask;
import dev.changenet.image.RgbImage;

/**
 * One pair of pictures, 8-bit, all of the same size.
 *
 * @param name list entry, unchanged
 * @param a first picture
 * @param b second picture
 * @param mask class ids with 255 for ignored pixels; null where masks are not read
 */
public record Sample(String name, RgbImage a, RgbImage b, Mask mask) {}
