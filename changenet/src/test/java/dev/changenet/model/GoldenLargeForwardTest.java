package dev.changenet.model;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.changenet.tensor.HeapStorage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link GoldenForwardTest} for networks of 350 to 700 million parameters, where memory allows. */
class GoldenLargeForwardTest {
  @AfterEach
  void forgetPooledArrays() {
    HeapStorage.trimPool();
  }

  /**
   * @param gib heap that weights, their packed copies and the test's own arrays need
   */
  @ParameterizedTest
  @CsvSource({
    "vit_large_nvdinov2/b1_64, 5",
    "vit_large_nvdinov2/b2_32, 5",
    "vit_large_nvdinov2/model96_input128, 5",
    "c_radio_v2_vit_large_patch16_224/b1_64, 5",
    "c_radio_v2_vit_huge_patch16_224/b1_64, 9",
  })
  void matchesEveryGoldenTensor(String name, int gib) {
    long heap = Runtime.getRuntime().maxMemory() >> 30;
    assumeTrue(heap >= gib, name + " needs a heap of " + gib + " GiB, this one has " + heap);
    GoldenForwardTest.check(name);
  }
}
