package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ScopeTest {
  private static Tensor tensor() {
    return Tensor.of(new float[4], 4);
  }

  @Test
  void closesWhatWasMadeInside() {
    Tensor before = tensor();
    Tensor inside;
    try (Scope _ = Scope.open()) {
      inside = tensor();
      assertThat(inside.isClosed()).isFalse();
    }
    assertThat(inside.isClosed()).isTrue();
    assertThat(before.isClosed()).isFalse();
    before.close();
  }

  @Test
  void keptTensorsGoToTheEnclosingScope() {
    Tensor result;
    try (Scope _ = Scope.open()) {
      try (Scope inner = Scope.open()) {
        result = inner.keep(tensor());
      }
      assertThat(result.isClosed()).isFalse();
    }
    assertThat(result.isClosed()).isTrue();
  }

  @Test
  void aTensorKeptByTheOutermostScopeBelongsToTheCaller() {
    Tensor result;
    try (Scope scope = Scope.open()) {
      result = scope.keep(tensor());
    }
    assertThat(result.isClosed()).isFalse();
    result.close();
  }

  @Test
  void keepingAnOuterScopesTensorChangesNothing() {
    Tensor t;
    try (Scope _ = Scope.open()) {
      t = tensor();
      try (Scope inner = Scope.open()) {
        inner.keep(t);
      }
      assertThat(t.isClosed()).isFalse();
    }
    assertThat(t.isClosed()).isTrue();
  }

  @Test
  void detachedAndSharedTensorsOutliveTheScope() {
    Tensor detached;
    Tensor shared;
    try (Scope _ = Scope.open()) {
      detached = tensor().detached();
      shared = tensor().share();
    }
    assertThat(detached.isClosed()).isFalse();
    assertThat(shared.isClosed()).isFalse();
    assertThat(shared.exclusive()).isTrue();
    detached.close();
    shared.close();
  }

  @Test
  void aTensorClosedEarlyIsNotReleasedAgain() {
    long live = MemoryUse.liveStorages();
    try (Scope _ = Scope.open()) {
      tensor().close();
      assertThat(MemoryUse.liveStorages()).isEqualTo(live);
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(live);
  }

  @Test
  void viewsMadeInsideAreClosedButTheirMemoryLives() {
    Tensor t = tensor();
    try (Scope _ = Scope.open()) {
      t.reshape(2, 2);
      assertThat(t.exclusive()).isFalse();
    }
    assertThat(t.exclusive()).isTrue();
    t.close();
  }

  @Test
  void closingInTheWrongOrderIsAnError() {
    Scope outer = Scope.open();
    Scope inner = Scope.open();
    assertThatThrownBy(outer::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("scopes must be closed in the reverse order of opening");
    inner.close();
    outer.close();
  }

  @Test
  void anExceptionInsideReleasesEverything() {
    long live = MemoryUse.liveStorages();
    assertThatThrownBy(
            () -> {
              try (Scope _ = Scope.open()) {
                tensor();
                throw new IllegalArgumentException("wrong");
              }
            })
        .hasMessage("wrong");
    assertThat(MemoryUse.liveStorages()).isEqualTo(live);
  }

  @Test
  void anotherThreadsTensorsAreNotCollected() throws InterruptedException {
    Tensor[] made = new Tensor[1];
    try (Scope _ = Scope.open()) {
      Thread thread = new Thread(() -> made[0] = tensor());
      thread.start();
      thread.join();
    }
    assertThat(made[0].isClosed()).isFalse();
    made[0].close();
  }

  @Test
  void aThousandStepsLeaveNothingBehind() {
    long storages = MemoryUse.liveStorages();
    long bytes = MemoryUse.liveBytes();
    for (int step = 0; step < 1000; step++) {
      try (Scope outer = Scope.open()) {
        Tensor kept;
        try (Scope inner = Scope.open()) {
          Tensor a = Tensor.empty(Shape.of(64, 64), DType.FLOAT32, Device.REFERENCE);
          kept = inner.keep(a.reshape(4096));
        }
        outer.keep(kept).close();
      }
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
    assertThat(MemoryUse.liveBytes()).isEqualTo(bytes);
  }
}
