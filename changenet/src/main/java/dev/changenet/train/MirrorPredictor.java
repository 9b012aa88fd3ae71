package dev.changenet.train;

import dev.changenet.data.Batch;
import dev.changenet.image.RgbImage;
import dev.changenet.picture.ClassDecision;

/** Predicts batches; if asked for, as the mean over the pair and its three mirror images. */
final class MirrorPredictor {
  private final Predictor predictor;
  private final int classes;
  private final boolean flips;

  /**
   * @param classes number of classes K
   * @param flips average over mirror images
   */
  MirrorPredictor(Predictor predictor, int classes, boolean flips) {
    this.predictor = predictor;
    this.classes = classes;
    this.flips = flips;
  }

  /**
   * Returns class ids [n, S, S] and, where {@code probabilities}, the softmax [n, S, S, K]; the ids
   * are the most probable classes.
   */
  Predictor.Prediction predict(Batch batch, boolean probabilities) {
    if (!flips) {
      return predictor.predict(batch, null, probabilities);
    }
    // In pairs, so that a mirrored pair gives the mirrored result to the last bit.
    int size = batch.imgSize();
    float[] mean = withLeftRight(batch);
    add(mean, flipped(withLeftRight(flipped(batch, false)), size, classes, false));
    int[] ids = new int[batch.size() * size * size];
    for (int i = 0; i < mean.length; i++) {
      mean[i] *= 0.25f;
    }
    for (int i = 0; i < ids.length; i++) {
      ids[i] = ClassDecision.MOST_PROBABLE.classOf(mean, i * classes, classes);
    }
    return new Predictor.Prediction(ids, probabilities ? mean : null, Double.NaN);
  }

  /** Sum of the probabilities of a batch and of its left-right mirror image. */
  private float[] withLeftRight(Batch batch) {
    float[] sum = predictor.predict(batch, null, true).probabilities();
    float[] mirrored = predictor.predict(flipped(batch, true), null, true).probabilities();
    add(sum, flipped(mirrored, batch.imgSize(), classes, true));
    return sum;
  }

  private static void add(float[] sum, float[] other) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += other[i];
    }
  }

  private static Batch flipped(Batch batch, boolean leftRight) {
    int size = batch.imgSize();
    return new Batch(
        batch.index(),
        batch.names(),
        size,
        flipped(batch.a(), size, RgbImage.CHANNELS, leftRight),
        flipped(batch.b(), size, RgbImage.CHANNELS, leftRight),
        null);
  }

  /** Mirrors maps [n, S, S, channels], left to right or top to bottom. */
  private static float[] flipped(float[] maps, int size, int channels, boolean leftRight) {
    float[] out = new float[maps.length];
    int row = size * channels;
    for (int from = 0; from < maps.length / row; from++) {
      if (leftRight) {
        for (int x = 0; x < size; x++) {
          System.arraycopy(
              maps,
              from * row + x * channels,
              out,
              from * row + (size - 1 - x) * channels,
              channels);
        }
      } else {
        int to = from - from % size + size - 1 - from % size;
        System.arraycopy(maps, from * row, out, to * row, row);
      }
    }
    return out;
  }
}
