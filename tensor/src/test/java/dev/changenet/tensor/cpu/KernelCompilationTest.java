package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.KernelSamples.randomTensor;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.backend.Dense;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The JIT compiler may give up on a kernel with many vectors and leave it interpreted or half
 * compiled, many times slower but correct. Runs the hot kernels in a JVM of its own with the flags
 * that users get and reads its compilation log.
 */
class KernelCompilationTest {
  private static final String RATE = "matrix product over peak: ";

  /** A matrix product reaches 0.75 to 0.9 of the peak; half of that would be a lost kernel. */
  private static final double LEAST_RATE = 0.4;

  private static final List<String> HOT_KERNELS =
      List.of(
          "GemmKernels::rows" + GemmKernels.MR,
          "GemmColumnKernels::rows" + GemmKernels.MR,
          "RowDots::fourByTwo",
          "DepthwiseKernels::eightPixels",
          "DepthwiseKernels::fiveTaps",
          // The compiler inlines the transforms into one or the other caller.
          "(WinogradTiles::|WinogradTransforms::input|WinogradConvolution::transform)",
          "(WinogradTransforms::output|WinogradConvolution::store)");

  /** Entry point of the observed JVM. */
  static final class HotKernels {
    private HotKernels() {}

    public static void main(String[] args) {
      Convolution convolution = new CpuConvolution();
      Dense dense = new CpuDense();
      ConvGeometry same = new ConvGeometry(1, 1, 1);
      ConvGeometry depthwise = new ConvGeometry(1, 1, 64);
      Tensor x = randomTensor(1, 1, 28, 28, 64);
      Tensor w = randomTensor(2, 64, 64, 3, 3);
      Tensor few = randomTensor(3, 2, 64);
      Tensor each = randomTensor(4, 64, 1, 3, 3);
      Tensor out = x.emptyLike();
      Tensor gradW = w.emptyLike();
      Tensor two = x.emptyLike(1, 28, 28, 2);
      Tensor gradEach = each.emptyLike();
      for (int i = 0; i < 400; i++) {
        ConvolutionMode.set(i % 2 == 0 ? ConvolutionMode.EXACT : ConvolutionMode.FAST);
        convolution.conv2d(x, w, null, same, false, out);
        convolution.conv2dBackwardWeight(x, x, same, gradW, null);
        convolution.conv2d(x, each, null, depthwise, false, out);
        convolution.conv2dBackwardWeight(x, x, depthwise, gradEach, null);
        dense.linear(x, few, null, two);
      }
      System.out.println(RATE + matrixProductOverPeak(dense));
    }

    /** FLOP/s of a matrix product over those of the peak, the best of several tries of both. */
    private static double matrixProductOverPeak(Dense dense) {
      Parallel.setThreads(1);
      int n = 256;
      Tensor a = randomTensor(5, 1, n, n);
      Tensor b = randomTensor(6, 1, n, n);
      Tensor c = a.emptyLike();
      double best = Double.MAX_VALUE;
      for (int i = 0; i < 400; i++) {
        long began = System.nanoTime();
        dense.matmul(a, false, b, false, c);
        best = Math.min(best, (System.nanoTime() - began) * 1e-9);
      }
      return 2.0 * n * n * n / best / MachinePeak.flops();
    }
  }

  @Test
  void noHotKernelIsRefusedByTheCompiler() throws IOException {
    List<Thread> load = new ArrayList<>();
    for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
      load.add(Thread.ofPlatform().daemon().start(KernelCompilationTest::spin));
    }
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "@" + Path.of("..", "scripts", "java.options"),
                "-XX:-BackgroundCompilation",
                "-XX:+PrintCompilation",
                "-cp",
                System.getProperty("java.class.path"),
                HotKernels.class.getName())
            .redirectErrorStream(true)
            .start();
    List<String> log =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
            .lines()
            .toList();
    load.forEach(Thread::interrupt);
    for (String kernel : HOT_KERNELS) {
      List<String> lines =
          log.stream()
              .filter(l -> l.matches(".*dev\\.changenet\\.tensor\\.cpu\\." + kernel + ".*"))
              .toList();
      assertThat(lines)
          .as(kernel)
          .anyMatch(l -> l.matches("\\s*\\d+\\s+\\d+\\s[\\s%sbn!]{6}\\s*4\\s.*"));
    }
    assertThat(log)
        .noneMatch(l -> l.contains("COMPILE SKIPPED") && l.contains("dev.changenet.tensor.cpu"));
    assertThat(log)
        .filteredOn(l -> l.contains(RATE))
        .singleElement()
        .satisfies(
            l -> {
              double rate = Double.parseDouble(l.substring(l.indexOf(RATE) + RATE.length()));
              assertThat(rate).as(RATE).isGreaterThan(LEAST_RATE);
            });
  }

  /** Other work on the machine, which delays the compiler. */
  private static void spin() {
    while (!Thread.currentThread().isInterrupted()) {
      Thread.onSpinWait();
    }
  }
}
