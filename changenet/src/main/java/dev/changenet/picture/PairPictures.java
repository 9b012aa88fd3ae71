package dev.changenet.picture;

import dev.changenet.data.Batch;
import dev.changenet.image.DataException;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.RgbImage;
import java.nio.file.Path;
import java.util.List;

/**
 * Draws what a model predicted for a pair: the class map alone, and A, B, prediction and, if known,
 * truth side by side with black bars between.
 *
 * <p>Two classes are drawn black (0) and white (1), an ignored pixel white; more classes in the
 * colours of a {@link ColorTable}.
 */
public final class PairPictures {
  /** Folder of the side-by-side pictures, inside the results folder. */
  public static final String COMBINED_FOLDER = "combined_visualisation";

  private static final int BAR = 10;
  private static final float QUALITY = 0.95f;

  private final int numClasses;
  private final ColorTable colors;
  private final float[] mean;
  private final float[] std;

  /**
   * Prepares drawing.
   *
   * @param numClasses number of classes; two are drawn black and white
   * @param colors class colours for more than two classes
   * @param mean normalisation of the pictures, per channel, to be undone
   * @param std likewise
   */
  public PairPictures(int numClasses, ColorTable colors, List<Double> mean, List<Double> std) {
    this.numClasses = numClasses;
    this.colors = colors;
    this.mean = toFloats(mean);
    this.std = toFloats(std);
  }

  /** Returns R, G, B of each class, 0–255. */
  public int[][] palette() {
    int[][] palette = new int[numClasses][RgbImage.CHANNELS];
    for (int id = 0; id < numClasses; id++) {
      for (int c = 0; c < RgbImage.CHANNELS; c++) {
        palette[id][c] = color(id, c);
      }
    }
    return palette;
  }

  /** Returns the class map [S, S] as a picture. */
  public RgbImage classMap(int[] ids, int size) {
    return classMap(ids, 0, size);
  }

  /**
   * Returns the cells side by side.
   *
   * <p><b>Shape</b>: pictures [n, S, S, 3], class maps [n, S, S]; the result is S high and (3S +
   * 20) wide, with truth (4S + 30).
   *
   * @param batch the pictures, and the truth as its labels
   * @param predictions predicted class ids
   * @param sample which of the n samples
   * @param withTruth whether to draw the labels as well
   */
  public RgbImage combined(Batch batch, int[] predictions, int sample, boolean withTruth) {
    int size = batch.imgSize();
    int pixels = size * size;
    RgbImage[] cells = new RgbImage[withTruth ? 4 : 3];
    cells[0] = picture(batch.a(), sample * pixels * RgbImage.CHANNELS, size);
    cells[1] = picture(batch.b(), sample * pixels * RgbImage.CHANNELS, size);
    cells[2] = classMap(predictions, sample * pixels, size);
    if (withTruth) {
      if (batch.labels() == null) {
        throw new IllegalArgumentException("combined picture: the batch has no labels to draw");
      }
      cells[3] = classMap(batch.labels(), sample * pixels, size);
    }
    return sideBySide(cells, size);
  }

  /**
   * Writes both pictures of every sample of {@code batch}: {@code <folder>/<name>.jpg} and {@code
   * <folder>/combined_visualisation/<name>.jpg}, where the name keeps its own suffix.
   *
   * @param predictions predicted class ids [n, S, S]
   * @param withTruth whether the combined picture shows the labels
   * @throws DataException if a file cannot be written
   */
  public void write(Path folder, Batch batch, int[] predictions, boolean withTruth) {
    int size = batch.imgSize();
    for (int i = 0; i < batch.size(); i++) {
      String file = OutputNames.normal(batch.names().get(i)) + ".jpg";
      ImageWriter.writeJpeg(
          folder.resolve(file), classMap(predictions, i * size * size, size), QUALITY);
      ImageWriter.writeJpeg(
          folder.resolve(COMBINED_FOLDER).resolve(file),
          combined(batch, predictions, i, withTruth),
          QUALITY);
    }
  }

  private RgbImage classMap(int[] ids, int offset, int size) {
    RgbImage out = RgbImage.black(size, size);
    byte[] p = out.pixels();
    for (int i = 0; i < size * size; i++) {
      int id = ids[offset + i];
      for (int c = 0; c < RgbImage.CHANNELS; c++) {
        p[i * RgbImage.CHANNELS + c] = (byte) color(id, c);
      }
    }
    return out;
  }

  /** Returns the colour of class {@code id}: R, G, B of 0–255. */
  public int[] color(int id) {
    return new int[] {color(id, 0), color(id, 1), color(id, 2)};
  }

  private int color(int id, int channel) {
    return numClasses == 2 ? (id == 0 ? 0 : 255) : colors.get(id, channel);
  }

  /**
   * Returns a picture [S, S, 3] of a batch, which starts at {@code offset}: undoes the
   * normalisation, clips to 0–1, scales to 0–255 and truncates.
   */
  public RgbImage picture(float[] values, int offset, int size) {
    RgbImage out = RgbImage.black(size, size);
    byte[] p = out.pixels();
    for (int i = 0; i < p.length; i++) {
      int c = i % RgbImage.CHANNELS;
      float v = values[offset + i] * std[c] + mean[c];
      p[i] = (byte) (Math.clamp(v, 0f, 1f) * 255f);
    }
    return out;
  }

  private static RgbImage sideBySide(RgbImage[] cells, int size) {
    int width = cells.length * size + (cells.length - 1) * BAR;
    RgbImage out = RgbImage.black(width, size);
    int stride = size * RgbImage.CHANNELS;
    for (int k = 0; k < cells.length; k++) {
      for (int y = 0; y < size; y++) {
        System.arraycopy(
            cells[k].pixels(),
            y * stride,
            out.pixels(),
            (y * width + k * (size + BAR)) * RgbImage.CHANNELS,
            stride);
      }
    }
    return out;
  }

  private static float[] toFloats(List<Double> values) {
    float[] out = new float[values.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = values.get(i).floatValue();
    }
    return out;
  }
}
