package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class StoredTensorTest {

  @Test
  void viewsAFloatArrayWithoutCopying() {
    float[] pooled = {1, 2, 3, 4, 99};
    StoredTensor tensor = StoredTensor.ofFloats(new int[] {2, 2}, pooled);
    pooled[3] = 5;
    assertThat(tensor.toFloats()).containsExactly(1, 2, 3, 5);
    assertThat(tensor.count()).isEqualTo(4);
    assertThat(tensor.stride()).containsExactly(2, 1);
  }

  @Test
  void readsStridedViewsInRowMajorOrder() {
    Storage storage =
        StoredTensor.ofFloats(new int[] {6}, new float[] {0, 1, 2, 3, 4, 5}).storage();
    assertThat(view(storage, new int[] {3, 2}, new long[] {1, 3}, 0).toFloats())
        .containsExactly(0, 3, 1, 4, 2, 5);
    assertThat(view(storage, new int[] {2, 2}, new long[] {0, 2}, 1).toDoubles())
        .containsExactly(1, 3, 1, 3);
    assertThat(view(storage, new int[] {}, new long[] {}, 4).item()).isEqualTo(4);
    assertThat(view(storage, new int[] {2, 0}, new long[] {9, 9}, 0).toFloats()).isEmpty();
  }

  private static StoredTensor view(Storage storage, int[] shape, long[] stride, long offset) {
    return new StoredTensor(storage, shape, stride, offset);
  }

  @Test
  void readsPieceByPiece() {
    StoredTensor whole =
        StoredTensor.ofLongs(new int[] {3, 4}, new long[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    assertThat(pieces(whole, 5)).containsExactly(whole.toDoubles());
    StoredTensor transposed =
        new StoredTensor(whole.storage(), new int[] {4, 3}, new long[] {1, 4}, 0);
    assertThat(pieces(transposed, 5)).containsExactly(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11);
    assertThat(whole.isExpanded()).isFalse();
    StoredTensor repeated =
        new StoredTensor(whole.storage(), new int[] {9, 12}, new long[] {0, 1}, 0);
    assertThat(repeated.isExpanded()).isTrue();
  }

  private static double[] pieces(StoredTensor t, int length) {
    StoredTensor.Values values = t.values();
    double[] buffer = new double[length];
    double[] all = new double[(int) t.count()];
    int done = 0;
    for (int n = values.read(buffer); n > 0; n = values.read(buffer)) {
      System.arraycopy(buffer, 0, all, done, n);
      done += n;
    }
    assertThat(done).isEqualTo(all.length);
    return all;
  }

  @Test
  void copiesIntoPartOfALargerArray() {
    float[] target = new float[5];
    StoredTensor.ofLongs(new int[] {3}, new long[] {7, 8, 9}).copyTo(target, 1);
    assertThat(target).containsExactly(0, 7, 8, 9, 0);
    assertThatThrownBy(() -> StoredTensor.floatScalar(1).copyTo(target, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("copying 1 elements to position 5 of an array of 5");
  }

  @Test
  void keepsWholeNumbersExact() {
    long[] values = {Long.MAX_VALUE, Long.MIN_VALUE, 9007199254740993L};
    assertThat(StoredTensor.ofLongs(new int[] {3}, values).toLongs()).containsExactly(values);
    assertThat(StoredTensor.longScalar(3).item()).isEqualTo(3);
    assertThat(StoredTensor.ofDoubles(new int[] {1}, new double[] {0.1}).item()).isEqualTo(0.1);
  }

  @Test
  void refusesMisuse() {
    assertThatThrownBy(() -> StoredTensor.ofFloats(new int[] {2, 3}, new float[5]))
        .hasMessage("shape [2, 3] needs more than the given 5 values");
    assertThatThrownBy(() -> StoredTensor.ofFloats(new int[] {-1}, new float[5]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> StoredTensor.floatScalar(1).toLongs())
        .hasMessage("a tensor of type float32 holds no whole numbers; use toDoubles()");
    assertThatThrownBy(() -> StoredTensor.ofFloats(new int[] {2}, new float[2]).item())
        .hasMessage("item() of a tensor with 2 elements, not 1");
  }
}
