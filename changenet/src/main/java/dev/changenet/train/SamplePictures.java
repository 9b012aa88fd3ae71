package dev.changenet.train;

import dev.changenet.data.Batch;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Resize;
import dev.changenet.image.RgbImage;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.picture.PairPictures;
import dev.changenet.tensorboard.Event;
import java.util.Arrays;

/**
 * Keeps pictures of a few validation pairs: the split is cut into equal stretches, and of each the
 * first pair with a change is shown, or its first pair when none has one. They are the same pairs
 * in every validation.
 */
final class SamplePictures {
  private static final int PAIRS = 4;

  /** A, B, prediction and truth. */
  private static final int CELLS = 4;

  private static final byte GREY = (byte) 160;

  /** Side of a cell above which pictures are shrunk, which keeps event files small. */
  private static final int LARGEST = 256;

  private record Kept(String name, boolean changed, RgbImage picture) {}

  private final PairPictures pictures;
  private final int pairs;
  private final Kept[] kept;
  private int seen;

  /**
   * @param pairs number of pairs of the validation split
   */
  SamplePictures(PairPictures pictures, int pairs) {
    this.pictures = pictures;
    this.pairs = pairs;
    kept = new Kept[Math.min(PAIRS, pairs)];
  }

  /** Looks at the next batch of a validation. */
  void add(Batch batch, int[] predictions) {
    int pixels = batch.imgSize() * batch.imgSize();
    for (int i = 0; i < batch.size(); i++) {
      int stretch = (int) ((long) seen++ * kept.length / pairs);
      boolean changed = hasChange(batch.labels(), i * pixels, pixels);
      if (kept[stretch] == null || (changed && !kept[stretch].changed())) {
        RgbImage picture = pictures.combined(batch, predictions, i, true);
        separate(picture, batch.imgSize());
        kept[stretch] = new Kept(batch.names().get(i), changed, picture);
      }
    }
  }

  /** Makes the bars between the cells grey: class maps are mostly black, as the bars are. */
  private static void separate(RgbImage picture, int size) {
    int bar = (picture.width() - CELLS * size) / (CELLS - 1);
    for (int y = 0; y < size; y++) {
      for (int x = size; x < picture.width() - size; x += size + bar) {
        int from = (y * picture.width() + x) * RgbImage.CHANNELS;
        Arrays.fill(picture.pixels(), from, from + bar * RgbImage.CHANNELS, GREY);
      }
    }
  }

  private static boolean hasChange(int[] labels, int from, int count) {
    for (int i = from; i < from + count; i++) {
      if (labels[i] != 0 && labels[i] != SegmentationLoss.IGNORE) {
        return true;
      }
    }
    return false;
  }

  /** Adds what was kept to {@code event}. */
  void addTo(Event event) {
    for (int i = 0; i < kept.length; i++) {
      if (kept[i] != null) {
        RgbImage p = kept[i].picture();
        if (p.height() > LARGEST) {
          int width = Math.round((float) p.width() * LARGEST / p.height());
          p = Resize.bicubic(p, width, LARGEST);
        }
        event.picture(
            "val_pairs/" + i + "_" + kept[i].name(),
            p.width(),
            p.height(),
            ImageWriter.png(p),
            "From left to right: A, B, prediction, truth");
      }
    }
  }
}
