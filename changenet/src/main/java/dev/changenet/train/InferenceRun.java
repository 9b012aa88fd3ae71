package dev.changenet.train;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.InferenceSpec;
import dev.changenet.data.Batch;
import dev.changenet.data.ChangeDataset;
import dev.changenet.data.DataLoader;
import dev.changenet.data.DataSettings;
import dev.changenet.data.Normalization;
import dev.changenet.data.PairFinder;
import dev.changenet.image.ImageReader;
import dev.changenet.image.Mask;
import dev.changenet.image.Resize;
import dev.changenet.image.RgbImage;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.picture.PairPictures;
import dev.changenet.picture.ProbabilityMap;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The {@code inference} task: pictures of the predict split, or of pictures that the spec names,
 * and if asked for masks and probabilities. Masks of the data set are never opened.
 */
public final class InferenceRun {
  private static final String LABEL = "Predicting";

  /** Pairs whose sizes are compared before the first is predicted. */
  private static final int LOOKED_AT = 256;

  /** So many times as large as the network's input, a picture is much larger. */
  private static final int SHRUNK = 3;

  private final RunContext context;
  private final ExperimentSpec spec;
  private final DrawnPairs drawn;

  public InferenceRun(RunContext context) {
    this.context = context;
    this.spec = context.spec();
    this.drawn =
        new DrawnPairs("inference.vis_after_n_batches", spec.inference().visAfterNBatches());
  }

  public void run() {
    InferenceSpec settings = spec.inference();
    Path checkpoint = settings.checkpoint();
    context.status().write(StatusLog.Status.RUNNING, "Loading checkpoint: " + checkpoint);
    MemoryCheck.of(context.device(), spec)
        .requireForPrediction(
            spec,
            n -> MemoryPlan.ofPrediction(spec, n, null, context::buildNetwork),
            context.reporter());
    Optional<ChangeThreshold> threshold =
        settings.threshold().map(t -> ChangeThreshold.of(t, checkpoint));
    threshold.ifPresent(t -> context.reporter().info(t.describe()));
    threshold.flatMap(ChangeThreshold::warning).ifPresent(context.reporter()::warn);
    ChangeDataset dataset = dataset();
    if (settings.tileOverlap().isEmpty()) {
      hintAtTiles(dataset);
    }
    PairPictures pictures = context.pictures();
    InferenceFiles files = new InferenceFiles(context, dataset, pictures, threshold);
    if (settings.tileOverlap().isPresent() || files.any() && settings.output().originalSize()) {
      // A pair that can't be used is told before hours of work, not after.
      IntStream.range(0, dataset.size()).forEach(dataset::originalSize);
    } else {
      warnOfTwoSizes(dataset);
    }
    int classes = spec.segmentData().numClasses();
    try (ChangeNet net = context.buildNetwork();
        Predictor predictor = new Predictor(net, spec.segmentData().multiScaleInfer())) {
      WeightsFile weights = Checkpoint.open(checkpoint);
      Checkpoint.loadModel(weights, checkpoint, net);
      TrainedSize.doubt(spec, checkpoint).ifPresent(context.reporter()::warn);
      DataCheck.stored(weights)
          .ifPresent(m -> context.reporter().info("Trained with " + m.phrase()));
      net.eval();
      context.begin();
      MirrorPredictor mirrors = new MirrorPredictor(predictor, classes, settings.flips());
      if (settings.tileOverlap().isPresent()) {
        tiles(dataset, mirrors, files, pictures);
      } else {
        batches(dataset, mirrors, files, pictures);
      }
    }
    context
        .reporter()
        .progressDone(
            "Predicted "
                + dataset.size()
                + (dataset.size() == 1 ? " pair" : " pairs")
                + "; pictures are in "
                + spec.resultsDir()
                + files.places());
    drawn.notice().ifPresent(context.reporter()::info);
  }

  /** Pictures much larger than the network's lose what is small in them. */
  private void hintAtTiles(ChangeDataset dataset) {
    ImageReader.Size size = ImageReader.size(dataset.pathA(0));
    int scaled = spec.segmentData().imgSize();
    if (Math.max(size.width(), size.height()) >= SHRUNK * scaled) {
      context
          .reporter()
          .info(
              "Pictures of %s pixels are shrunk to %d x %d; where training saw parts of such pictures at"
                      .formatted(size, scaled, scaled)
                  + " their own size, add inference.tiles.enabled=true");
    }
  }

  private void warnOfTwoSizes(ChangeDataset dataset) {
    int looked = Math.min(dataset.size(), LOOKED_AT);
    int differing = 0;
    String example = "";
    for (int i = 0; i < looked; i++) {
      ImageReader.Size a = ImageReader.size(dataset.pathA(i));
      ImageReader.Size b = ImageReader.size(dataset.pathB(i));
      if (!a.equals(b) && ++differing == 1) {
        example = dataset.pathA(i) + " has " + a + " pixels, " + dataset.pathB(i) + " " + b;
      }
    }
    if (differing > 0) {
      context
          .reporter()
          .warn(
              "pictures of two sizes in "
                  + differing
                  + " of "
                  + looked
                  + (looked == 1 ? " pair (" : " pairs (")
                  + example
                  + "); each is resized by itself, so pixels no longer show the same place");
    }
  }

  private ChangeDataset dataset() {
    DataSettings settings = context.dataSettings();
    if (spec.inference().pictures().isEmpty()) {
      return ChangeDataset.open(
          settings, spec.segmentData().predictSplit(), ChangeDataset.Purpose.INFERENCE);
    }
    InferenceSpec.Pictures named = spec.inference().pictures().get();
    PairFinder.Found found = PairFinder.find(named.a(), named.b());
    found.notes().forEach(context.reporter()::warn);
    return ChangeDataset.of(settings, named.a(), found.pairs());
  }

  private void batches(
      ChangeDataset dataset,
      MirrorPredictor predictor,
      InferenceFiles files,
      PairPictures pictures) {
    try (DataLoader loader = new DataLoader(dataset, Math.max(0, spec.train().seed()))) {
      long began = System.nanoTime();
      int first = 0;
      for (Batch batch : loader) {
        context.interruption().check();
        boolean draws = drawn.draws(batch.index(), batch.size());
        if (draws || files.any()) {
          int[] ids =
              files.write(batch, first, predictor.predict(batch, files.needProbabilities()));
          if (draws) {
            pictures.write(spec.resultsDir(), batch, ids, false);
          }
        }
        loader.recycle(batch);
        first += batch.size();
        progress(batch.index() + 1, loader.batches(), began);
      }
    }
  }

  private void tiles(
      ChangeDataset dataset,
      MirrorPredictor predictor,
      InferenceFiles files,
      PairPictures pictures) {
    DataSettings data = dataset.settings();
    Normalization normalization = new Normalization(data.augmentation());
    TilePredictor tiles =
        new TilePredictor(
            predictor,
            normalization,
            data.imgSize(),
            data.numClasses(),
            data.batchSize(),
            spec.inference().tileOverlap().getAsDouble());
    boolean[] draws = new boolean[dataset.size()];
    long all = 0;
    for (int i = 0; i < draws.length; i++) {
      draws[i] = drawn.draws(i / data.batchSize(), 1);
      all += draws[i] || files.any() ? tiles.tiles(dataset.originalSize(i)) : 0;
    }
    long tilesOfAll = all;
    long[] done = {0};
    long began = System.nanoTime();
    context.reporter().progress(LABEL, 0, tilesOfAll, 0, "");
    for (int i = 0; i < draws.length; i++) {
      if (!draws[i] && !files.any()) {
        continue;
      }
      ChangeDataset.Originals pair = dataset.readOriginals(i);
      ProbabilityMap map =
          tiles.predict(
              dataset.name(i),
              pair.a(),
              pair.b(),
              count -> {
                context.interruption().check();
                done[0] += count;
                progress(done[0], tilesOfAll, began);
              });
      Mask mask = files.write(i, map);
      if (draws[i]) {
        pictures.write(
            spec.resultsDir(),
            shrunk(i / data.batchSize(), dataset.name(i), pair, normalization),
            ids(mask),
            false);
      }
    }
  }

  private void progress(long done, long all, long began) {
    context.reporter().progress(LABEL, done, all, (System.nanoTime() - began) * 1e-9, "");
  }

  /** The pair as a batch of one, for the pictures. */
  private Batch shrunk(
      int index, String name, ChangeDataset.Originals pair, Normalization normalization) {
    int size = spec.segmentData().imgSize();
    int values = size * size * RgbImage.CHANNELS;
    Batch batch = new Batch(index, List.of(name), size, new float[values], new float[values], null);
    normalization.apply(Resize.bicubic(pair.a(), size, size), batch.a(), 0);
    normalization.apply(Resize.bicubic(pair.b(), size, size), batch.b(), 0);
    return batch;
  }

  private int[] ids(Mask mask) {
    int size = spec.segmentData().imgSize();
    byte[] values = Resize.nearest(mask, size, size).values();
    int[] ids = new int[values.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = values[i] & 0xFF;
    }
    return ids;
  }
}
