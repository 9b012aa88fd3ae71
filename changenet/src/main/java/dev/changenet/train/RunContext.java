package dev.changenet.train;

import dev.changenet.config.AugmentationSpec;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.ModelSpec;
import dev.changenet.config.SegmentDataSpec;
import dev.changenet.config.Task;
import dev.changenet.config.TrainSpec;
import dev.changenet.data.AugmentationSettings;
import dev.changenet.data.DataSettings;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.picture.ColorTable;
import dev.changenet.picture.PairPictures;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cuda.CudaBackend;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What every task shares: the spec, where to report, the status file, the wish to stop; and the
 * translation of spec sections into settings of the other packages.
 */
public record RunContext(
    ExperimentSpec spec, Reporter reporter, StatusLog status, Interruption interruption) {

  /** Device that computes: the first GPU of the spec when one is usable, else the CPU. */
  public Device device() {
    return spec.task() != Task.EXPORT && spec.gpu().isPresent()
        ? Device.cuda(spec.gpu().getAsInt())
        : Device.CPU;
  }

  /**
   * The run starts its work: the spec in the results directory becomes its own. A run that is
   * refused leaves that of the run before, which belongs to what else lies there.
   */
  public void begin() {
    spec.writeExperimentYaml();
  }

  /** Says which GPU computes, when one does. */
  void announceGpu() {
    if (Backends.of(device()) instanceof CudaBackend gpu) {
      reporter.info(
          "Computing on GPU " + spec.gpu().getAsInt() + ", " + gpu.deviceName() + gpu.settings());
    }
  }

  /** What computes, in words. */
  public String deviceName() {
    return Backends.of(device()) instanceof CudaBackend gpu
        ? "on GPU " + spec.gpu().getAsInt() + " (" + gpu.deviceName() + ")"
        : "on the CPU";
  }

  /** Type of the activations in training: {@code train.precision}. */
  public DType activations() {
    return activations(spec.train());
  }

  /** Type of the activations in a training by {@code train}. */
  public static DType activations(TrainSpec train) {
    return switch (train.precision()) {
      case "bf16-mixed", "bf16" -> DType.BFLOAT16;
      case "16-mixed", "16" -> DType.FLOAT16;
      default -> DType.FLOAT32;
    };
  }

  /** Sets the GPU's choice of convolution algorithms to that of {@code train.cudnn}. */
  public void chooseAlgorithms() {
    if (Backends.of(device()) instanceof CudaBackend gpu) {
      gpu.chooseAlgorithms(spec.train().cudnn().benchmark(), spec.train().cudnn().deterministic());
    }
  }

  /** Builds the network that the spec describes; without weights. */
  public ChangeNet buildNetwork() {
    return new ChangeNet(device(), network(spec));
  }

  /** What the spec says about the network. */
  public static ChangeNet.Config network(ExperimentSpec spec) {
    ModelSpec m = spec.model();
    return new ChangeNet.Config(
        m.backbone().type().key(),
        m.backbone().dropPathRate(),
        m.decodeHead().embedDim(),
        spec.segmentData().numClasses(),
        m.decodeHead().featureStrides(),
        m.decodeHead().inIndex(),
        m.decodeHead().alignCorners(),
        spec.segmentData().imgSize(),
        m.decodeHead().useSummaryToken(),
        spec.train().activationCheckpoint());
  }

  /** The loss of {@code train.segment}. */
  public SegmentationLoss loss() {
    TrainSpec.SegmentLoss s = spec.train().segment();
    return new SegmentationLoss(
        SegmentationLoss.Kind.valueOf(s.loss().toUpperCase(Locale.ROOT)),
        spec.segmentData().multiScaleTrain(),
        s.weights(),
        s.classWeights(),
        s.focalGamma());
  }

  /** Where samples lie and how they are prepared. */
  public DataSettings dataSettings() {
    return dataSettings(spec);
  }

  /** {@link #dataSettings()} with batches of another size. */
  DataSettings dataSettings(int batchSize) {
    return dataSettings(spec, batchSize);
  }

  /** Where the samples of {@code spec} lie and how they are prepared. */
  public static DataSettings dataSettings(ExperimentSpec spec) {
    return dataSettings(spec, spec.segmentData().batchSize());
  }

  private static DataSettings dataSettings(ExperimentSpec spec, int batchSize) {
    SegmentDataSpec d = spec.segmentData();
    AugmentationSpec a = d.augmentation();
    List<Double> range = a.withScaleRandomCrop().scaleRange();
    return new DataSettings(
        // Nothing lies there when inference names its pictures.
        d.rootDir() == null ? Path.of("") : d.rootDir(),
        d.imageFolderName(),
        d.changeImageFolderName(),
        d.annotationFolderName(),
        d.listFolderName(),
        d.labelSuffix(),
        d.labelTransform(),
        d.numClasses(),
        d.imgSize(),
        batchSize,
        d.workers(),
        new AugmentationSettings(
            new AugmentationSettings.RandomFlip(
                a.randomFlip().enable(),
                a.randomFlip().vflipProbability(),
                a.randomFlip().hflipProbability()),
            new AugmentationSettings.RandomRotate(
                a.randomRotate().enable(),
                a.randomRotate().rotateProbability(),
                a.randomRotate().angleList()),
            new AugmentationSettings.RandomColor(
                a.randomColor().enable(),
                a.randomColor().brightness(),
                a.randomColor().contrast(),
                a.randomColor().saturation(),
                a.randomColor().hue(),
                a.randomColor().colorProbability()),
            new AugmentationSettings.ScaleRandomCrop(
                a.withScaleRandomCrop().enable(), range.get(0), range.get(1)),
            a.withRandomCrop(),
            a.withRandomBlur(),
            a.mean(),
            a.std()));
  }

  /** The writer of prediction pictures. */
  public PairPictures pictures() {
    SegmentDataSpec d = spec.segmentData();
    Map<String, List<Integer>> colors = null;
    if (d.colorMap().isPresent()) {
      colors = new LinkedHashMap<>();
      List<List<Integer>> map = d.colorMap().get();
      for (int i = 0; i < map.size(); i++) {
        colors.put(Integer.toString(i), map.get(i));
      }
    }
    ColorTable table =
        ColorTable.of(colors, d.dataName(), d.numClasses(), Math.max(0, spec.train().seed()));
    return new PairPictures(d.numClasses(), table, d.augmentation().mean(), d.augmentation().std());
  }
}
