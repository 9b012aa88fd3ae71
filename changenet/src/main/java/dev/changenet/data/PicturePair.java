package dev.changenet.data;

import java.nio.file.Path;

/**
 * Two pictures of one place.
 *
 * @param name list entry, or the first picture's path relative to the folder it was found in;
 *     results are named after it
 * @param a file of the first picture
 * @param b file of the second picture
 */
public record PicturePair(String name, Path a, Path b) {}
