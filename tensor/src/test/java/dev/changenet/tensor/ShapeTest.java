package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void countsElementsAndRows() {
    Shape shape = Shape.of(2, 3, 5);
    assertThat(shape.elements()).isEqualTo(30);
    assertThat(shape.rows()).isEqualTo(6);
    assertThat(shape.rank()).isEqualTo(3);
  }

  @Test
  void aScalarHasOneElementAndOneRow() {
    assertThat(Shape.of().elements()).isEqualTo(1);
    assertThat(Shape.of().rows()).isEqualTo(1);
  }

  @Test
  void anEmptyDimensionMakesTheShapeEmpty() {
    assertThat(Shape.of(3, 0).elements()).isZero();
  }

  @Test
  void negativeIndicesCountFromTheEnd() {
    Shape shape = Shape.of(2, 3, 5);
    assertThat(shape.dim(-1)).isEqualTo(5);
    assertThat(shape.dim(-3)).isEqualTo(shape.dim(0)).isEqualTo(2);
  }

  @Test
  void keepsItsSizesWhenTheCallersArrayChanges() {
    int[] dims = {2, 3};
    Shape shape = Shape.of(dims);
    dims[0] = 7;
    shape.toArray()[1] = 7;
    assertThat(shape).isEqualTo(Shape.of(2, 3)).hasSameHashCodeAs(Shape.of(2, 3));
  }

  @Test
  void differsFromAShapeOfTheSameSizeInAnotherOrder() {
    assertThat(Shape.of(2, 3)).isNotEqualTo(Shape.of(3, 2)).isNotEqualTo(Shape.of(2, 3, 1));
  }

  @Test
  void refusesNegativeSizesAndOverflow() {
    assertThatThrownBy(() -> Shape.of(2, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative size in shape [2, -1]");
    assertThatThrownBy(() -> Shape.of(1 << 30, 1 << 30, 1 << 30))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void printsAsAList() {
    assertThat(Shape.of(2, 3)).hasToString("[2, 3]");
  }
}
