package dev.changenet.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.optim.Adam;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A training step in a steady state takes its memory from what the step before gave back: nothing
 * large from the heap, nothing outside it. Vectors that don't stay in registers would show here,
 * too, as garbage.
 */
@Tag("own-jvm")
class SteadyStepTest {
  /** What graph nodes, closures and the like may take; a map at full resolution is larger. */
  private static final long MOST_BYTES = 12L << 20;

  private static final int WARM_STEPS = 30;
  private static final int MOST_STEPS = 120;

  private static long allocated() {
    return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
        .getTotalThreadAllocatedBytes();
  }

  private static long outsideTheHeap() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .mapToLong(BufferPoolMXBean::getMemoryUsed)
        .sum();
  }

  @Test
  void allocatesNothingLarge() {
    int px = 128;
    try (Scope _ = Scope.open();
        ChangeNet net =
            new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 256, 2))) {
      net.initialize(1);
      net.train(true);
      Variable image = new Variable(Tensor.of(new float[px * px * 3], 1, px, px, 3));
      int[] labels = new int[px * px];
      SegmentationLoss loss =
          new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0));
      Adam optimizer = Adam.adamW(net.parameters(), 1e-4, 0.9, 0.999, 0.01);
      Runnable step =
          () -> {
            try (Scope _ = Scope.open();
                Tape _ = Tape.open()) {
              loss.compute(net.forward(image, image), labels).total().backward();
            }
            optimizer.step();
            optimizer.zeroGrad();
          };
      for (int i = 0; i < WARM_STEPS; i++) {
        step.run();
      }
      long live = MemoryUse.liveBytes();
      long pooled = HeapStorage.pooledBytes();
      long outside = outsideTheHeap();
      // The compiler may still be at work: one step without garbage shows that none is needed.
      long least = Long.MAX_VALUE;
      for (int i = 0; i < MOST_STEPS && least > MOST_BYTES; i++) {
        long before = allocated();
        step.run();
        least = Math.min(least, allocated() - before);
      }
      assertThat(least).as("bytes allocated by a step").isLessThanOrEqualTo(MOST_BYTES);
      assertThat(MemoryUse.liveBytes()).as("bytes of live tensors").isEqualTo(live);
      assertThat(HeapStorage.pooledBytes()).as("bytes of pooled arrays").isEqualTo(pooled);
      assertThat(outsideTheHeap()).as("bytes of buffers outside the heap").isEqualTo(outside);
    }
  }
}
