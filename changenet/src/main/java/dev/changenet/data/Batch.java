package dev.changenet.data;

import java.util.List;

/**
 * Normalised samples ready for the network.
 *
 * <p>Tasks hand the batches of their loops back to the {@link DataLoader}, which fills their arrays
 * anew: who wants to keep content copies it.
 *
 * <p><b>Shape</b>: pictures [n, S, S, 3] (channels last), labels [n, S, S], all row-major.
 *
 * @param index position of the batch in its epoch, from 0
 * @param names list entries of the samples
 * @param imgSize S, the side length
 * @param a first pictures, {@code (x/255 − mean) / std} per channel R, G, B
 * @param b second pictures, likewise
 * @param labels class ids, 255 for ignored pixels; null where masks are not read
 */
public record Batch(
    int index, List<String> names, int imgSize, float[] a, float[] b, int[] labels) {
  public Batch {
    names = List.copyOf(names);
  }

  /** Number of samples n. */
  public int size() {
    return names.size();
  }
}
