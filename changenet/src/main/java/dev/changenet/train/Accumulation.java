package dev.changenet.train;

import dev.changenet.data.Batch;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** Cuts batches into parts that are worked through one after the other in one step. */
final class Accumulation {
  /** Distance between the seeds of two parts. */
  private static final long SEEDS = 0x9E3779B97F4A7C15L;

  private Accumulation() {}

  /** Size of the largest of {@code parts} parts. */
  static int largest(int batch, int parts) {
    return Math.ceilDiv(batch, parts);
  }

  /**
   * The parts of a step on the network's device, to be made one after the other.
   *
   * @param seed seed of what the network draws at random
   */
  static List<Supplier<TrainStep.Pairs>> parts(
      Batch batch, ChangeNet net, SegmentationLoss loss, int parts, long seed, long step) {
    List<Supplier<TrainStep.Pairs>> suppliers = new ArrayList<>();
    for (Batch part : parts(batch, parts)) {
      // Every part draws numbers of its own.
      boolean first = suppliers.isEmpty();
      long own = seed + suppliers.size() * SEEDS;
      suppliers.add(
          () -> {
            if (first) {
              net.random().set(own, step);
            } else {
              net.random().nextPart(own);
            }
            return new TrainStep.Pairs(
                Predictor.image(part, part.a(), net.device()),
                Predictor.image(part, part.b(), net.device()),
                SegmentationLoss.targets(
                    part.labels(), part.size(), part.imgSize(), part.imgSize(), net.device()),
                share(loss, part, batch));
          });
    }
    return suppliers;
  }

  /** Cuts into {@code parts} parts, larger ones first, or as many as there are samples. */
  static List<Batch> parts(Batch batch, int parts) {
    int n = Math.min(parts, batch.size());
    if (n == 1) {
      return List.of(batch);
    }
    List<Batch> all = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < n; i++) {
      int to = from + batch.size() / n + (i < batch.size() % n ? 1 : 0);
      all.add(part(batch, from, to));
      from = to;
    }
    return all;
  }

  private static Batch part(Batch batch, int from, int to) {
    int pixels = batch.imgSize() * batch.imgSize();
    return new Batch(
        batch.index(),
        batch.names().subList(from, to),
        batch.imgSize(),
        Arrays.copyOfRange(batch.a(), from * pixels * 3, to * pixels * 3),
        Arrays.copyOfRange(batch.b(), from * pixels * 3, to * pixels * 3),
        Arrays.copyOfRange(batch.labels(), from * pixels, to * pixels));
  }

  /** What {@code part} counts in the loss of {@code whole}; null when it is the whole. */
  static SegmentationLoss.Share share(SegmentationLoss loss, Batch part, Batch whole) {
    return part == whole ? null : new PartShare(loss, part, whole);
  }

  private record PartShare(SegmentationLoss loss, Batch part, Batch whole)
      implements SegmentationLoss.Share {
    @Override
    public double pixels(int height, int width) {
      double all = counted(whole, height, width);
      return all == 0 ? 0 : counted(part, height, width) / all;
    }

    private double counted(Batch b, int height, int width) {
      return loss.counted(b.labels(), b.size(), b.imgSize(), b.imgSize(), height, width);
    }

    @Override
    public double samples() {
      return (double) part.size() / whole.size();
    }
  }
}
