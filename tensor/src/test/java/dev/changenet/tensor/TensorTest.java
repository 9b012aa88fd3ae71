package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {
  @Test
  void wrapsAnArrayWithoutCopying() {
    float[] data = {1, 2, 3, 4, 5, 6};
    try (Tensor t = Tensor.of(data, 2, 3)) {
      assertThat(t.floats()).isSameAs(data);
      assertThat(t.dtype()).isEqualTo(DType.FLOAT32);
      assertThat(t.device()).isEqualTo(Device.CPU);
      assertThat(t.rows()).isEqualTo(2);
      assertThat(t).hasToString("Tensor[2, 3] FLOAT32 on cpu");
    }
  }

  @Test
  void float64LivesOnTheReferenceDevice() {
    try (Tensor t = Tensor.of(new double[] {0.1}, 1)) {
      assertThat(t.device()).isEqualTo(Device.REFERENCE);
      assertThat(t.item()).isEqualTo(0.1);
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everyTypeReadsWhatWasWritten(DType dtype) {
    try (Tensor t = Tensor.empty(Shape.of(3), dtype, Device.REFERENCE)) {
      t.set(1, -7);
      assertThat(t.at(1)).isEqualTo(-7);
      assertThat(t.storage().bytes()).isEqualTo(3L * dtype.bytes());
    }
  }

  @Test
  void settingAnElementCountsAsAChange() {
    try (Tensor t = Tensor.of(new float[2], 2)) {
      int before = t.storage().version();
      t.set(1, 3);
      assertThat(t.storage().version()).isNotEqualTo(before);
    }
  }

  @Test
  void fillsWithZeroOrAValue() {
    try (Tensor zeros = Tensor.zeros(Shape.of(2, 2), DType.FLOAT32, Device.REFERENCE);
        Tensor full = Tensor.full(Shape.of(3), DType.INT32, Device.REFERENCE, 4)) {
      assertThat(zeros.floats()).containsOnly(0f);
      assertThat(full.ints()).containsExactly(4, 4, 4);
    }
  }

  @Test
  void reshapeSharesMemory() {
    Tensor t = Tensor.of(new float[6], 2, 3);
    Tensor view = t.reshape(3, 2);
    view.set(4, 9);
    assertThat(t.at(4)).isEqualTo(9);
    assertThat(t.exclusive()).isFalse();
    t.close();
    assertThat(view.at(4)).isEqualTo(9);
    assertThat(view.exclusive()).isTrue();
    view.close();
  }

  @Test
  void reshapeToAnotherSizeIsRefused() {
    try (Tensor t = Tensor.of(new float[6], 2, 3)) {
      assertThatThrownBy(() -> t.reshape(4, 2))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[4, 2] needs 8 elements")
          .hasMessageContaining("6");
      assertThat(t.exclusive()).as("no reference is left behind").isTrue();
    }
  }

  @Test
  void theDataMustFitTheShape() {
    assertThatThrownBy(() -> Tensor.of(new float[5], 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[2, 3] needs 6 elements");
  }

  @Test
  void aClosedTensorCannotBeRead() {
    Tensor t = Tensor.of(new float[6], 2, 3);
    t.close();
    assertThat(t.isClosed()).isTrue();
    assertThatThrownBy(t::floats)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("tensor [2, 3] used after close()");
    assertThatThrownBy(() -> t.reshape(6)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(t::share).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aClosedHandleCannotBeReadWhileAnotherLives() {
    Tensor t = Tensor.of(new float[6], 6);
    try (Tensor other = t.share()) {
      t.close();
      assertThatThrownBy(() -> t.at(0)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(t::share).isInstanceOf(IllegalStateException.class);
      assertThat(other.at(0)).isZero();
    }
  }

  @Test
  void closingTwiceReleasesOnce() {
    Tensor t = Tensor.of(new float[2], 2);
    try (Tensor other = t.share()) {
      t.close();
      t.close();
      assertThat(other.storage().references()).isEqualTo(1);
      assertThat(other.floats()).hasSize(2);
    }
  }

  @Test
  void itemNeedsExactlyOneElement() {
    try (Tensor t = Tensor.of(new float[2], 2)) {
      assertThatThrownBy(t::item)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("item(): tensor has 2 elements, not 1");
    }
  }

  @Test
  void emptyLikeKeepsTypeAndDevice() {
    try (Tensor t = Tensor.of(new double[6], 2, 3);
        Tensor same = t.emptyLike();
        Tensor other = t.emptyLike(4)) {
      assertThat(same.shape()).isEqualTo(t.shape());
      assertThat(same.dtype()).isEqualTo(DType.FLOAT64);
      assertThat(other.shape()).isEqualTo(Shape.of(4));
      assertThat(other.device()).isEqualTo(t.device());
    }
  }

  @Test
  void toFloatArrayCopies() {
    try (Tensor f = Tensor.of(new float[] {1, 2}, 2);
        Tensor d = Tensor.of(new double[] {0.1, 2}, 2)) {
      f.toFloatArray()[0] = 5;
      assertThat(f.at(0)).isEqualTo(1);
      assertThat(d.toFloatArray()).containsExactly(0.1f, 2f);
    }
  }

  @Test
  void theArrayOfAnotherTypeIsRefused() {
    try (Tensor labels = Tensor.of(new int[] {1, 2}, 2).detached()) {
      assertThatThrownBy(labels::floats)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("a tensor [2] of INT32 was given where FLOAT32 is needed");
      assertThat(labels.ints()).containsExactly(1, 2);
    }
  }

  @Test
  void dataThatDoesNotFitLeavesNoStorage() {
    long before = MemoryUse.liveStorages();
    assertThatThrownBy(() -> Tensor.of(new float[3], 2, 2))
        .hasMessage("shape [2, 2] needs 4 elements, storage has 3");
    assertThat(MemoryUse.liveStorages()).isEqualTo(before);
  }
}
