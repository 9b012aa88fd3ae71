package dev.changenet.report;

import dev.changenet.data.ChangeDataset;
import dev.changenet.image.DataException;
import dev.changenet.tensor.io.IoProblem;
import dev.changenet.tensor.io.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * What tells whether two runs saw the same data.
 *
 * @param use what the run used the split for
 * @param list the split's list
 * @param pairs number of its pairs
 * @param sizes pairs by width and height of their first picture
 * @param bytes size of all files
 * @param listHash SHA-256 of the list
 * @param filesHash SHA-256 over name and size of every file in list order, and over the contents
 *     where these are hashed
 * @param contents whether the contents are hashed: up to 256 MiB in all
 */
public record Fingerprint(
    String use,
    Path list,
    int pairs,
    Map<String, Integer> sizes,
    long bytes,
    String listHash,
    String filesHash,
    boolean contents) {
  private static final long MAX_BYTES = 256L << 20;

  /**
   * Takes the fingerprint of a split.
   *
   * @throws DataException if a file cannot be read
   */
  public static Fingerprint of(ChangeDataset data) {
    try {
      boolean masks = data.purpose() != ChangeDataset.Purpose.INFERENCE;
      Map<String, Integer> sizes = new TreeMap<>();
      long bytes = 0;
      MessageDigest names = Sha256.digest();
      for (int i = 0; i < data.size(); i++) {
        sizes.merge(size(data.pathA(i)), 1, Integer::sum);
        for (Path file : files(data, i, masks)) {
          long length = Files.size(file);
          bytes += length;
          names.update((data.name(i) + "\0" + length + "\n").getBytes(StandardCharsets.UTF_8));
        }
      }
      boolean contents = bytes <= MAX_BYTES;
      for (int i = 0; contents && i < data.size(); i++) {
        for (Path file : files(data, i, masks)) {
          Sha256.update(names, file);
        }
      }
      return new Fingerprint(
          data.purpose().toString(),
          data.listPath(),
          data.size(),
          sizes,
          bytes,
          Sha256.of(data.listPath()),
          Sha256.hex(names),
          contents);
    } catch (IOException e) {
      throw new DataException(
          data.listPath() + ": a file of its pairs can't be read (" + IoProblem.of(e) + ")", e);
    }
  }

  private static Path[] files(ChangeDataset data, int i, boolean masks) {
    return masks
        ? new Path[] {data.pathA(i), data.pathB(i), data.maskPath(i)}
        : new Path[] {data.pathA(i), data.pathB(i)};
  }

  /** Width and height from the header. */
  private static String size(Path file) throws IOException {
    try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        return "unknown";
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        return reader.getWidth(0) + "×" + reader.getHeight(0);
      } finally {
        reader.dispose();
      }
    }
  }
}
