package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Storage;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Optimize;
import java.util.Arrays;
import java.util.List;

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
    CudaLaunch launch =
        device
            .launch(FAMILY, "adam_f32")
            .tensor(parameter)
            .tensor(grad)
            .tensor(expAvg)
            .tensor(expAvgSq)
            .i64(n);
    adamArguments(launch, lr, beta1, beta2, eps, weightDecay, decoupled, step)
        .run(CudaElementwise.blocks(device, n, 4), 1, 1, THREADS, 0);
    parameter.storage().changed();
  }

  private static CudaLaunch adamArguments(
      CudaLaunch launch,
      double lr,
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      boolean decoupled,
      long step) {
    return launch
        .f32(decoupled ? (float) (1 - lr * weightDecay) : 1f)
        .f32(decoupled ? 0f : (float) weightDecay)
        .f32((float) beta1)
        .f32((float) beta2)
        .f32((float) (1 - beta1))
        .f32((float) (1 - beta2))
        .f32((float) Math.sqrt(1 - Math.pow(beta2, step)))
        .f32((float) eps)
        .f32((float) (lr / (1 - Math.pow(beta1, step))));
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
    CudaLaunch launch =
        device.launch(FAMILY, "sgd_f32").tensor(parameter).tensor(grad).tensor(buffer).i64(n);
    sgdArguments(launch, lr, momentum, weightDecay, first)
        .run(CudaElementwise.blocks(device, n, 4), 1, 1, THREADS, 0);
    parameter.storage().changed();
  }

  private static CudaLaunch sgdArguments(
      CudaLaunch launch, double lr, double momentum, double weightDecay, boolean first) {
    return launch.f32((float) lr).f32((float) momentum).f32((float) weightDecay).i32(first ? 1 : 0);
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
      long step) {
    if (tensors.isEmpty()) {
      return;
    }
    Table table = Table.of(device, tensors.getFirst().expAvg().storage());
    int blocks =
        table.set(
            4,
            tensors.stream()
                .map(t -> new Tensor[] {t.parameter(), t.grad(), t.expAvg(), t.expAvgSq()})
                .toList());
    if (blocks > 0) {
      CudaLaunch launch =
          device.launch(FAMILY, "adam_all_f32").tensor(table.tensor).i32(table.count);
      adamArguments(launch, lr, beta1, beta2, eps, weightDecay, decoupled, step)
          .run(blocks, 1, 1, THREADS, 0);
    }
    tensors.forEach(t -> t.parameter().storage().changed());
  }

  @Override
  public void sgdAll(
      List<SgdTensors> tensors, double lr, double momentum, double weightDecay, boolean first) {
    if (tensors.isEmpty()) {
      return;
    }
    Table table = Table.of(device, tensors.getFirst().buffer().storage());
    int blocks =
        table.set(
            3,
            tensors.stream().map(t -> new Tensor[] {t.parameter(), t.grad(), t.buffer()}).toList());
    if (blocks > 0) {
      CudaLaunch launch =
          device.launch(FAMILY, "sgd_all_f32").tensor(table.tensor).i32(table.count);
      sgdArguments(launch, lr, momentum, weightDecay, first).run(blocks, 1, 1, THREADS, 0);
    }
    tensors.forEach(t -> t.parameter().storage().changed());
  }

  /**
   * Sizes and addresses of all tensors on the device. It lives as long as the first state tensor
   * and is copied anew only when an address has changed.
   */
  private static final class Table implements AutoCloseable {
    private final CudaDevice device;
    private long[] content = {};
    private Tensor tensor;
    private int count;

    private Table(CudaDevice device) {
      this.device = device;
    }

    static Table of(CudaDevice device, Storage owner) {
      return owner.derived("optimizer table", () -> new Table(device));
    }

    /** Takes the tensors that have elements; returns the number of chunks. */
    int set(int addresses, List<Tensor[]> tensors) {
      long[] next = new long[tensors.size() * (2 + addresses)];
      int at = 0;
      long chunks = 0;
      count = 0;
      for (Tensor[] group : tensors) {
        long n = group[0].elements();
        if (n > 0) {
          next[at++] = chunks;
          next[at++] = n;
          for (Tensor t : group) {
            next[at++] = device.address(t);
          }
          chunks += (n + CHUNK - 1) / CHUNK;
          count++;
        }
      }
      upload(Arrays.copyOf(next, at));
      return Math.toIntExact(chunks);
    }

    private void upload(long[] next) {
      if (Arrays.equals(next, content) || next.length == 0) {
        return;
      }
      if (tensor == null || tensor.elements() != next.length) {
        close();
        tensor = device.scratch(DType.INT64, next.length);
      }
      device.upload(next, tensor.storage());
      content = next;
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
