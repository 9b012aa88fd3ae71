package dev.changenet.train;

import dev.changenet.data.Batch;
import dev.changenet.data.Normalization;
import dev.changenet.image.ImageReader;
import dev.changenet.image.RgbImage;
import dev.changenet.picture.ProbabilityMap;
import java.util.Collections;
import java.util.function.IntConsumer;

/**
 * Predicts pairs of any size at their own resolution: tile by tile, blended where tiles overlap. A
 * picture smaller than a tile is continued by its mirror image.
 */
final class TilePredictor {
  private final MirrorPredictor predictor;
  private final Normalization normalization;
  private final int size;
  private final int classes;
  private final int batchSize;
  private final double overlap;

  /**
   * @param size S, side of a tile
   * @param batchSize tiles per forward pass
   * @param overlap least part of a tile that lies on its neighbour, 0–0.5
   */
  TilePredictor(
      MirrorPredictor predictor,
      Normalization normalization,
      int size,
      int classes,
      int batchSize,
      double overlap) {
    this.predictor = predictor;
    this.normalization = normalization;
    this.size = size;
    this.classes = classes;
    this.batchSize = batchSize;
    this.overlap = overlap;
  }

  /** Number of tiles of a pair of this size. */
  long tiles(ImageReader.Size pair) {
    return (long) TileAxis.count(pair.width(), size, overlap)
        * TileAxis.count(pair.height(), size, overlap);
  }

  /**
   * Predicts a pair.
   *
   * @param name of the pair, for messages
   * @param a first picture
   * @param b second picture, of the same size
   * @param progress gets the number of tiles of each batch that is done
   */
  ProbabilityMap predict(String name, RgbImage a, RgbImage b, IntConsumer progress) {
    TileAxis columns = new TileAxis(a.width(), size, overlap);
    TileAxis rows = new TileAxis(a.height(), size, overlap);
    ProbabilityMap sum = ProbabilityMap.zeros(name, a.width(), a.height(), classes);
    int tiles = Math.multiplyExact(columns.count(), rows.count());
    for (int first = 0; first < tiles; first += batchSize) {
      int count = Math.min(batchSize, tiles - first);
      int values = Math.multiplyExact(count, size * size * RgbImage.CHANNELS);
      Batch batch =
          new Batch(
              first / batchSize,
              Collections.nCopies(count, name),
              size,
              new float[values],
              new float[values],
              null);
      for (int i = 0; i < count; i++) {
        int left = columns.start((first + i) % columns.count());
        int top = rows.start((first + i) / columns.count());
        int offset = i * size * size * RgbImage.CHANNELS;
        normalization.apply(cut(a, left, top), batch.a(), offset);
        normalization.apply(cut(b, left, top), batch.b(), offset);
      }
      float[] probabilities = predictor.predict(batch, true).probabilities();
      for (int i = 0; i < count; i++) {
        add(
            probabilities,
            i * size * size * classes,
            columns,
            (first + i) % columns.count(),
            rows,
            (first + i) / columns.count(),
            sum);
      }
      progress.accept(count);
    }
    return sum;
  }

  private void add(
      float[] tile,
      int offset,
      TileAxis columns,
      int column,
      TileAxis rows,
      int row,
      ProbabilityMap sum) {
    int width = Math.min(size, sum.width());
    int height = Math.min(size, sum.height());
    for (int y = 0; y < height; y++) {
      float wy = rows.weight(row, y);
      int in = offset + y * size * classes;
      int out = ((rows.start(row) + y) * sum.width() + columns.start(column)) * classes;
      for (int x = 0; x < width; x++) {
        float w = wy * columns.weight(column, x);
        for (int k = 0; k < classes; k++) {
          sum.values()[out++] += w * tile[in++];
        }
      }
    }
  }

  private RgbImage cut(RgbImage image, int left, int top) {
    RgbImage tile = RgbImage.black(size, size);
    int row = size * RgbImage.CHANNELS;
    int inside = Math.min(size, image.width() - left);
    for (int y = 0; y < size; y++) {
      int line = mirrored(top + y, image.height()) * image.width();
      System.arraycopy(
          image.pixels(),
          (line + left) * RgbImage.CHANNELS,
          tile.pixels(),
          y * row,
          inside * RgbImage.CHANNELS);
      for (int x = inside; x < size; x++) {
        System.arraycopy(
            image.pixels(),
            (line + mirrored(left + x, image.width())) * RgbImage.CHANNELS,
            tile.pixels(),
            y * row + x * RgbImage.CHANNELS,
            RgbImage.CHANNELS);
      }
    }
    return tile;
  }

  /** Position {@code i} in a row that goes on as its own mirror image: 0 1 2 2 1 0 0 1 … */
  private static int mirrored(int i, int length) {
    int at = i % (2 * length);
    return at < length ? at : 2 * length - 1 - at;
  }
}
