package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Storage;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Optimize;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * Optimizer updates of float32 parameters, one tensor at a time or all in one launch.
 * Hyperparameters are combined in float64 and rounded once.
 */
final class CudaOptimize implements Optimize {
  private static final String FAMILY = "optimize";
  private static final int THREADS = CudaCut.THREADS;

  /** Elements of a block of the launch over all tensors; CHUNK of optimize.cu. */
  private static final int CHUNK = 16384;

  private final CudaDevice device;

  CudaOptimize(CudaDevice device) {
    this.device = device;
  }

  @Override
  public void adam(
      Tensor parameter,
      Tensor grad,
      Tensor expAvg,
      Tensor expAvgSq,
      double lr,
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      boolean decoupled,
      long step) {
    long n = parameter.elements();
    if (n == 0) {
      return;
    }
    try (Tensor settings =
        device.temporary(adam(lr, beta1, beta2, eps, weightDecay, decoupled, step))) {
      device
          .launch(FAMILY, "adam_f32")
          .tensor(parameter)
          .tensor(grad)
          .tensor(expAvg)
          .tensor(expAvgSq)
          .i64(n)
          .tensor(settings)
          .run(CudaElementwise.blocks(device, n, 4), 1, 1, THREADS, 0);
    }
    parameter.storage().changed();
  }

  /** AdamStep of optimize.cu. */
  private static float[] adam(
      double lr,
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      boolean decoupled,
      long step) {
    return new float[] {
      decoupled ? (float) (1 - lr * weightDecay) : 1f,
      decoupled ? 0f : (float) weightDecay,
      (float) beta1,
      (float) beta2,
      (float) (1 - beta1),
      (float) (1 - beta2),
      (float) Math.sqrt(1 - Math.pow(beta2, step)),
      (float) eps,
      (float) (lr / (1 - Math.pow(beta1, step)))
    };
  }

  @Override
  public void sgd(
      Tensor parameter,
      Tensor grad,
      Tensor buffer,
      double lr,
      double momentum,
      double weightDecay,
      boolean first) {
    long n = parameter.elements();
    if (n == 0) {
      return;
    }
    try (Tensor settings = device.temporary(sgd(lr, momentum, weightDecay, first))) {
      device
          .launch(FAMILY, "sgd_f32")
          .tensor(parameter)
          .tensor(grad)
          .tensor(buffer)
          .i64(n)
          .tensor(settings)
          .run(CudaElementwise.blocks(device, n, 4), 1, 1, THREADS, 0);
    }
    parameter.storage().changed();
  }

  /** SgdStep of optimize.cu. */
  private static float[] sgd(double lr, double momentum, double weightDecay, boolean first) {
    return new float[] {(float) lr, (float) momentum, (float) weightDecay, first ? 1f : 0f};
  }

  @Override
  public void adamAll(
      List<AdamTensors> tensors,
      double lr,
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      boolean decoupled,
      long step,
      Tensor guard) {
    if (tensors.isEmpty()) {
      return;
    }
    all(
        "adam_all_f32",
        tensors.getFirst().expAvg().storage(),
        4,
        () ->
            tensors.stream()
                .map(t -> new Tensor[] {t.parameter(), t.grad(), t.expAvg(), t.expAvgSq()})
                .toList(),
        adam(lr, beta1, beta2, eps, weightDecay, decoupled, step),
        guard);
    tensors.forEach(t -> t.parameter().storage().changed());
  }

  @Override
  public void sgdAll(
      List<SgdTensors> tensors,
      double lr,
      double momentum,
      double weightDecay,
      boolean first,
      Tensor guard) {
    if (tensors.isEmpty()) {
      return;
    }
    all(
        "sgd_all_f32",
        tensors.getFirst().buffer().storage(),
        3,
        () ->
            tensors.stream().map(t -> new Tensor[] {t.parameter(), t.grad(), t.buffer()}).toList(),
        sgd(lr, momentum, weightDecay, first),
        guard);
    tensors.forEach(t -> t.parameter().storage().changed());
  }

  @Override
  public void clip(List<Tensor> grads, double maxNorm, double scale, Tensor norm) {
    try (Tensor limits = device.temporary(new float[] {(float) maxNorm, (float) scale})) {
      device.unlessRenewing(
          () ->
              withTable(
                  norm.storage(),
                  rows(1, grads.stream().map(g -> new Tensor[] {g}).toList()),
                  (table, rows) -> clip(table, rows, limits, norm)));
    }
  }

  private void clip(Tensor table, Rows rows, Tensor limits, Tensor norm) {
    try (Tensor parts = device.scratch(rows.chunks);
        Tensor factor = device.scratch(1)) {
      launchAll("squares_all_f32", table, rows, parts);
      device
          .launch(FAMILY, "clip_factor_f32")
          .tensor(parts)
          .i32(rows.chunks)
          .tensor(limits)
          .tensor(norm)
          .tensor(factor)
          .run(1, 1, 1, THREADS, 0);
      launchAll("scale_all_f32", table, rows, factor);
    }
  }

  @Override
  public double[] sumsOfSquares(List<Tensor> tensors) {
    double[] sums = new double[tensors.size()];
    Rows rows = rows(1, tensors.stream().map(t -> new Tensor[] {t}).toList());
    if (rows.chunks == 0) {
      return sums;
    }
    float[] parts = new float[rows.chunks];
    try (Tensor table = device.scratch(DType.INT64, rows.content.length);
        Tensor onDevice = device.scratch(rows.chunks)) {
      device.upload(rows.content, table.storage());
      launchAll("squares_all_f32", table, rows, onDevice);
      device.download(onDevice.storage(), parts);
    }
    int at = 0;
    for (int i = 0; i < sums.length; i++) {
      long chunks = (tensors.get(i).elements() + CHUNK - 1) / CHUNK;
      for (long c = 0; c < chunks; c++) {
        sums[i] += parts[at++];
      }
    }
    return sums;
  }

  @Override
  public void average(List<AverageTensors> tensors, double decay) {
    if (!tensors.isEmpty()) {
      all(
          "average_all_f32",
          tensors.getFirst().average().storage(),
          2,
          () -> tensors.stream().map(t -> new Tensor[] {t.average(), t.value()}).toList(),
          new float[] {(float) decay, (float) (1 - decay)});
    }
  }

  /**
   * One launch for all tensors.
   *
   * @param owner the table lives as long as this storage
   * @param addresses tensors of a group
   * @param guard one or no further argument of the kernel, which may be null
   */
  private void all(
      String kernel,
      Storage owner,
      int addresses,
      Supplier<List<Tensor[]>> groups,
      float[] settings,
      Tensor... guard) {
    try (Tensor values = device.temporary(settings)) {
      device.unlessRenewing(
          () ->
              withTable(
                  owner,
                  rows(addresses, groups.get()),
                  (table, rows) -> launchAll(kernel, table, rows, values, guard)));
    }
  }

  private void withTable(Storage owner, Rows rows, BiConsumer<Tensor, Rows> work) {
    if (rows.chunks == 0) {
      return;
    }
    if (device.recording() == null) {
      Table table = owner.derived("optimizer table", () -> new Table(device));
      work.accept(table.holding(rows.content), rows);
    } else {
      // The graph's own, since the other one changes with the steps outside of the graph.
      try (Tensor table = device.scratch(DType.INT64, rows.content.length)) {
        device.uploadConstant(rows.content, table.storage());
        work.accept(table, rows);
      }
    }
  }

  private void launchAll(String kernel, Tensor table, Rows rows, Tensor settings, Tensor... guard) {
    CudaLaunch launch =
        device.launch(FAMILY, kernel).tensor(table).i32(rows.count).tensor(settings);
    for (Tensor g : guard) {
      launch.tensor(g);
    }
    launch.run(rows.chunks, 1, 1, THREADS, 0);
  }

  /**
   * Content of the table: for each tensor the number of chunks before it, its elements and its
   * group's addresses.
   */
  private record Rows(long[] content, int count, int chunks) {}

  /** The rows of those tensors that have elements. */
  private Rows rows(int addresses, List<Tensor[]> groups) {
    long[] content = new long[groups.size() * (2 + addresses)];
    int at = 0;
    int count = 0;
    long chunks = 0;
    for (Tensor[] group : groups) {
      long n = group[0].elements();
      if (n > 0) {
        content[at++] = chunks;
        content[at++] = n;
        for (Tensor t : group) {
          content[at++] = device.address(t);
        }
        chunks += (n + CHUNK - 1) / CHUNK;
        count++;
      }
    }
    return new Rows(Arrays.copyOf(content, at), count, Math.toIntExact(chunks));
  }

  /** The table on the device, copied anew only when an address has changed. */
  private static final class Table implements AutoCloseable {
    private final CudaDevice device;
    private long[] content = {};
    private Tensor tensor;

    private Table(CudaDevice device) {
      this.device = device;
    }

    Tensor holding(long[] next) {
      if (!Arrays.equals(next, content)) {
        if (tensor == null || tensor.elements() != next.length) {
          close();
          tensor = device.scratch(DType.INT64, next.length);
        }
        device.upload(next, tensor.storage());
        content = next;
      }
      return tensor;
    }

    @Override
    public void close() {
      if (tensor != null) {
        tensor.close();
        tensor = null;
      }
    }
  }
}
