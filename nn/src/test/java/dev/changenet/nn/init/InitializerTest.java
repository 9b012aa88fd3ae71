package dev.changenet.nn.init;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensor.cpu.Parallel;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Blocks that threads share hold what one loop over a stream would have drawn. */
class InitializerTest {
  private static final int N = 100_001;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void valuesAreThoseOfOneLoop(int threads) {
    int before = Parallel.threads();
    Parallel.setThreads(threads);
    try {
      RandomStream random = RandomStream.of(7, "init");
      float[] values = new float[2 * N + 3];
      Initializer.halves(Initializer.normal(0.02), Initializer.uniform(0.5))
          .fill(values, 2 * N, random);

      RandomStream expected = RandomStream.of(7, "init");
      for (int i = 0; i < N; i++) {
        assertThat(values[i]).isEqualTo((float) (0.02 * expected.nextGaussian()));
      }
      for (int i = N; i < 2 * N; i++) {
        assertThat(values[i]).isEqualTo((float) expected.uniform(-0.5, 0.5));
      }
      assertThat(values[2 * N]).isZero();
      assertThat(random.nextLong()).isEqualTo(expected.nextLong());
    } finally {
      Parallel.setThreads(before);
    }
  }
}
