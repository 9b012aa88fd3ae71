package dev.changenet.picture;

import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.OutputFile;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Writes predictions for other programs to read: class ids as palette PNG, probabilities as 16-bit
 * grey PNG (65535 is 1) or as NumPy arrays.
 */
public final class PredictionWriter {
  /** Folder of the class ids, inside the results folder. */
  public static final String MASK_FOLDER = "mask";

  /** Folder of the probabilities of change, and of the NumPy arrays; with {@code _k} of class k. */
  public static final String PROBABILITY_FOLDER = "probability";

  private static final float WHITE = 65535f;

  private final Path folder;
  private final OutputNames names;
  private final int[][] palette;

  /**
   * @param folder results folder
   * @param palette R, G, B of each class, 0–255
   */
  public PredictionWriter(Path folder, OutputNames names, int[][] palette) {
    this.folder = folder;
    this.names = names;
    this.palette = palette;
  }

  /** Writes {@code mask/<name>.png}: 8-bit values that are the class ids. */
  public void mask(String entry, Mask ids) {
    ImageWriter.writePng(file(MASK_FOLDER, entry, ".png"), ids, palette);
  }

  /** Writes {@code probability/<name>.png}: 1 − the probability of class 0. */
  public void change(String entry, ProbabilityMap map) {
    short[] grey = new short[map.width() * map.height()];
    for (int i = 0; i < grey.length; i++) {
      grey[i] = grey(1f - map.values()[i * map.classes()]);
    }
    write(PROBABILITY_FOLDER, entry, map, grey);
  }

  /** Writes {@code probability_<k>/<name>.png} for each class k. */
  public void classes(String entry, ProbabilityMap map) {
    short[] grey = new short[map.width() * map.height()];
    for (int k = 0; k < map.classes(); k++) {
      for (int i = 0; i < grey.length; i++) {
        grey[i] = grey(map.values()[i * map.classes() + k]);
      }
      write(PROBABILITY_FOLDER + "_" + k, entry, map, grey);
    }
  }

  /** Writes {@code probability/<name>.npy}: float32 [K, height, width]. */
  public void array(String entry, ProbabilityMap map) {
    OutputFile.writePicture(
        file(PROBABILITY_FOLDER, entry, ".npy"),
        out -> {
          out.write(header(map));
          rows(map, out);
        });
  }

  private static void rows(ProbabilityMap map, OutputStream out) throws IOException {
    ByteBuffer row = ByteBuffer.allocate(map.width() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int k = 0; k < map.classes(); k++) {
      for (int y = 0; y < map.height(); y++) {
        row.clear();
        for (int x = 0; x < map.width(); x++) {
          row.putFloat(map.values()[(y * map.width() + x) * map.classes() + k]);
        }
        out.write(row.array());
      }
    }
  }

  /** The header of format version 1.0, filled up to a multiple of 64 bytes. */
  private static byte[] header(ProbabilityMap map) {
    String text =
        String.format(
            Locale.ROOT,
            "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d, %d), }",
            map.classes(),
            map.height(),
            map.width());
    int prefix = 10;
    int length = Math.ceilDiv(prefix + text.length() + 1, 64) * 64 - prefix;
    ByteBuffer header = ByteBuffer.allocate(prefix + length).order(ByteOrder.LITTLE_ENDIAN);
    header.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    header.put((byte) 1).put((byte) 0).putShort((short) length);
    String line = text + " ".repeat(length - text.length() - 1) + "\n";
    return header.put(line.getBytes(StandardCharsets.US_ASCII)).array();
  }

  private void write(String where, String entry, ProbabilityMap map, short[] grey) {
    ImageWriter.writeGrey16(file(where, entry, ".png"), map.width(), map.height(), grey);
  }

  private static short grey(float probability) {
    return (short) Math.round(Math.clamp(probability, 0f, 1f) * WHITE);
  }

  private Path file(String where, String entry, String suffix) {
    return folder.resolve(where).resolve(names.of(entry) + suffix);
  }
}
