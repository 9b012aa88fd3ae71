package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Loss;
import java.util.function.UnaryOperator;

/**
 * Losses whose sums, means and gradients stay on the device; labels are not checked there, one that
 * is no class counts as ignored.
 */
final class CudaLoss implements Loss {
  private static final String FAMILY = "loss";
  private static final int THREADS = 256;

  /** Rows per block of a sum, as in the source. */
  private static final int ROWS = 2048;

  private final CudaDevice device;

  CudaLoss(CudaDevice device) {
    this.device = device;
  }

  private CudaLaunch launch(String kernel, Tensor logits) {
    return device.launch(FAMILY, kernel + "_" + CudaDevice.suffix(logits.dtype()));
  }

  private static int pieces(long rows) {
    return Math.toIntExact((rows + ROWS - 1) / ROWS);
  }

  @Override
  public void crossEntropy(
      Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    mean("cross_entropy", logits, labels, ignoreIndex, launch -> launch, loss, gradLogits);
  }

  @Override
  public void focal(
      Tensor logits,
      Tensor labels,
      int ignoreIndex,
      float[] weights,
      double gamma,
      Tensor loss,
      Tensor gradLogits) {
    try (Tensor factors = weights == null ? null : device.temporary(weights)) {
      mean(
          "focal",
          logits,
          labels,
          ignoreIndex,
          launch -> launch.tensor(factors).f32((float) gamma),
          loss,
          gradLogits);
    }
  }

  /**
   * Weighted mean of a loss of each row.
   *
   * @param kernels prefix of the two kernels' names: sums of parts, and gradient
   * @param settings adds what both kernels get behind the label to ignore
   */
  private void mean(
      String kernels,
      Tensor logits,
      Tensor labels,
      int ignoreIndex,
      UnaryOperator<CudaLaunch> settings,
      Tensor loss,
      Tensor gradLogits) {
    int classes = logits.dim(-1);
    long rows = logits.elements() / classes;
    int pieces = pieces(rows);
    try (Tensor parts = device.scratch(2L * pieces);
        Tensor inverse = device.scratch(1)) {
      CudaLaunch sums =
          launch(kernels + "_parts", logits).tensor(logits).tensor(labels).i32(ignoreIndex);
      settings.apply(sums).tensor(parts).i64(rows).i32(classes).run(pieces, 1, 1, THREADS, 0);
      device
          .launch(FAMILY, "cross_entropy_mean_f32")
          .tensor(parts)
          .i32(pieces)
          .tensor(loss)
          .tensor(inverse)
          .run(1, 1, 1, THREADS, 0);
      if (gradLogits != null) {
        CudaLaunch gradient =
            launch(kernels + "_gradient", logits).tensor(logits).tensor(labels).i32(ignoreIndex);
        settings
            .apply(gradient)
            .tensor(inverse)
            .tensor(gradLogits)
            .i64(rows)
            .i32(classes)
            .run(CudaGrid.blocks(device, rows, THREADS), 1, 1, THREADS, 0);
      }
    }
  }

  @Override
  public void dice(Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    overlap("dice_total_f32", logits, labels, ignoreIndex, loss, gradLogits);
  }

  @Override
  public void mmIou(Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    overlap("mm_iou_total_f32", logits, labels, ignoreIndex, loss, gradLogits);
  }

  /**
   * @param total kernel that makes the loss and its slopes from intersections and unions
   */
  private void overlap(
      String total, Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    int classes = logits.dim(-1);
    int samples = logits.dim(0);
    long rows = logits.elements() / classes;
    int rowsPerSample = Math.toIntExact(rows / samples);
    int pieces = pieces(rowsPerSample);
    try (Tensor parts = device.scratch(2L * samples * pieces * classes);
        Tensor factors = device.scratch(2L * samples * classes)) {
      launch("mm_iou_parts", logits)
          .tensor(logits)
          .tensor(labels)
          .i32(ignoreIndex)
          .tensor(parts)
          .i32(rowsPerSample)
          .i32(classes)
          .run(pieces, samples, 1, THREADS, 0);
      device
          .launch(FAMILY, total)
          .tensor(parts)
          .i32(samples)
          .i32(pieces)
          .i32(classes)
          .tensor(loss)
          .tensor(factors)
          .run(1, 1, 1, THREADS, 0);
      if (gradLogits != null) {
        launch("mm_iou_gradient", logits)
            .tensor(logits)
            .tensor(labels)
            .i32(ignoreIndex)
            .tensor(factors)
            .tensor(gradLogits)
            .i64(rows)
            .i32(rowsPerSample)
            .i32(classes)
            .run(CudaGrid.blocks(device, rows, THREADS), 1, 1, THREADS, 0);
      }
    }
  }

  @Override
  public void argmax(Tensor logits, Tensor out) {
    int classes = logits.dim(-1);
    long rows = logits.elements() / classes;
    launch("argmax", logits)
        .tensor(logits)
        .tensor(out)
        .i64(rows)
        .i32(classes)
        .run(CudaGrid.blocks(device, rows, THREADS), 1, 1, THREADS, 0);
  }
}
