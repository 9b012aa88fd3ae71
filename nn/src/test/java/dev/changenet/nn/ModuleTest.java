package dev.changenet.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.autograd.RemovableHandle;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModuleTest {
  private static final class Net extends Module {
    final BatchNorm2d norm;
    final Linear head;

    Net() {
      super(Device.CPU);
      norm = child("block.norm", new BatchNorm2d(Device.CPU, 3));
      head = child("head", new Linear(Device.CPU, 3, 2));
      parameter("gamma", Initializer.constant(0.5), 3);
    }
  }

  private static Variable ramp(int... shape) {
    Tensor t = Tensor.empty(Shape.of(shape), DType.FLOAT32, Device.CPU);
    for (int i = 0; i < t.elements(); i++) {
      t.set(i, i);
    }
    return new Variable(t);
  }

  @Test
  void stateIsNamedAndOrderedAsInPyTorch() {
    try (Net net = new Net()) {
      assertThat(net.stateDict().keySet())
          .containsExactly(
              "gamma",
              "block.norm.weight",
              "block.norm.bias",
              "block.norm.running_mean",
              "block.norm.running_var",
              "block.norm.num_batches_tracked",
              "head.weight",
              "head.bias");
      assertThat(net.parameters().stream().map(Parameter::name))
          .containsExactly(
              "gamma", "block.norm.weight", "block.norm.bias", "head.weight", "head.bias");
      assertThat(net.find("block.norm")).isSameAs(net.norm);
      assertThatThrownBy(() -> net.find("tail"))
          .hasMessage("no module 'tail' below ''; its children are block.norm, head");
      assertThatThrownBy(() -> net.find("head.weight"))
          .hasMessage("no module 'weight' below 'head'; it has no children");
      Linear again = new Linear(Device.CPU, 1, 1);
      assertThatThrownBy(() -> net.child("head", again)).hasMessageContaining("head");
      again.close();
    }
  }

  /** A network made of parts that exist already. */
  private static final class Parts extends Module {
    Parts() {
      super(Device.CPU);
    }
  }

  @Test
  void partsThatWereUsedBeforeTheyWereAttachedAreNamedByTheirParent() {
    Linear a = new Linear(Device.CPU, 3, 2);
    Linear b = new Linear(Device.CPU, 3, 2);
    a.initialize(1);
    assertThat(a.stateDict().keySet()).containsExactly("weight", "bias");
    assertThat(b.path()).isEmpty();
    Parts inner = new Parts();
    inner.child("one", a);
    assertThat(inner.stateDict().keySet()).containsExactly("one.weight", "one.bias");
    try (Parts net = new Parts()) {
      net.child("inner", inner);
      net.child("two", b);
      assertThat(net.stateDict().keySet())
          .containsExactly("inner.one.weight", "inner.one.bias", "two.weight", "two.bias");
      net.initialize(1);
      assertThat(a.stateDict().get("inner.one.weight").toFloatArray())
          .isNotEqualTo(b.stateDict().get("two.weight").toFloatArray());
    }
  }

  @Test
  void namesInUseAreRefused() {
    try (Parts net = new Parts();
        Linear other = new Linear(Device.CPU, 1, 1)) {
      Linear a = net.child("a", new Linear(Device.CPU, 1, 1));
      net.parameter("w", Initializer.constant(0), 1);
      net.buffer("steps", DType.INT64, 0);
      long before = MemoryUse.liveStorages();
      for (String used : new String[] {"a", "w", "steps", "a.b", ""}) {
        assertThatThrownBy(() -> net.child(used, other)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> net.parameter(used, Initializer.constant(0), 1))
            .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> net.buffer(used, DType.INT64, 0))
            .isInstanceOf(IllegalStateException.class);
      }
      assertThat(MemoryUse.liveStorages()).isEqualTo(before);
      assertThatThrownBy(() -> net.parameter("w", Initializer.constant(0), 1))
          .hasMessage("name used twice: 'w', where there is 'w' already");
      assertThatThrownBy(() -> net.child("b", a))
          .hasMessage("module is a child already, 'a'; got a second name 'b'");
      assertThat(net.children()).containsOnlyKeys("a");
      net.child("ab", new Linear(Device.CPU, 1, 1));
    }
  }

  @Test
  void equalSeedsGiveEqualInitialValues() {
    try (Net a = new Net();
        Net b = new Net()) {
      a.initialize(5);
      b.initialize(5);
      float[] first = a.stateDict().get("head.weight").toFloatArray();
      assertThat(b.stateDict().get("head.weight").toFloatArray()).containsExactly(first);
      b.initialize(6);
      assertThat(b.stateDict().get("head.weight").toFloatArray()).isNotEqualTo(first);
      for (float v : first) {
        assertThat(Math.abs(v)).isLessThanOrEqualTo((float) (1 / Math.sqrt(3)));
      }
      assertThat(a.stateDict().get("gamma").toFloatArray()).containsOnly(0.5f);
    }
  }

  @Test
  void normalInitialValuesHaveTheirDeviation() {
    try (Linear layer =
        new Linear(Device.CPU, 100, 200, Initializer.heFanOut(50), Initializer.constant(0))) {
      layer.initialize(1);
      double squares = 0;
      float[] w = layer.stateDict().get("weight").toFloatArray();
      for (float v : w) {
        squares += v * v;
      }
      assertThat(Math.sqrt(squares / w.length)).isCloseTo(0.2, within(0.005));
    }
  }

  @Test
  void batchNormKeepsStatisticsInTrainingOnly() {
    try (Scope _ = Scope.open();
        Net net = new Net()) {
      net.initialize(1);
      Map<String, Tensor> state = net.stateDict();
      net.eval();
      net.norm.call(ramp(2, 2, 2, 3));
      assertThat(state.get("block.norm.num_batches_tracked").item()).isZero();
      net.train(true);
      float[] out = net.norm.call(ramp(2, 2, 2, 3)).data().toFloatArray();
      assertThat(state.get("block.norm.num_batches_tracked").item()).isEqualTo(1);
      // Channel 0 holds 0, 3 … 21: mean 10.5, unbiased variance 54.
      assertThat(state.get("block.norm.running_mean").at(0)).isCloseTo(1.05, within(1e-6));
      assertThat(state.get("block.norm.running_var").at(0)).isCloseTo(0.9 + 5.4, within(1e-5));
      assertThat(out[0]).isCloseTo((float) (-10.5 / Math.sqrt(47.25)), within(1e-5f));
      net.freeze();
      net.train(true);
      net.norm.call(ramp(2, 2, 2, 3));
      assertThat(state.get("block.norm.num_batches_tracked").item()).isEqualTo(1);
      assertThat(state.get("block.norm.running_mean").at(0)).isCloseTo(1.05, within(1e-6));
    }
  }

  @Test
  void frozenParametersGetNoGradient() {
    try (Net net = new Net()) {
      net.initialize(1);
      net.norm.freeze();
      try (Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        Variable out = net.head.call(net.norm.call(ramp(1, 1, 1, 3)));
        dev.changenet.autograd.Functional.crossEntropy(out, Tensor.of(new int[1], 1, 1, 1), 255)
            .backward();
      }
      assertThat(net.stateDict()).isNotEmpty();
      for (Parameter p : net.parameters()) {
        assertThat(p.grad() == null).as(p.name()).isEqualTo(!p.name().startsWith("head"));
      }
    }
  }

  @Test
  void hooksSeeEveryOutput() {
    List<String> seen = new ArrayList<>();
    try (Scope _ = Scope.open();
        Net net = new Net()) {
      net.head.registerForwardHook((m, out) -> seen.add(m.path() + out.shape()));
      net.head.call(ramp(4, 3));
      assertThat(seen).containsExactly("head" + Shape.of(4, 2));
    }
  }

  @Test
  void hooksCanBeRemoved() {
    List<String> seen = new ArrayList<>();
    try (Scope _ = Scope.open();
        Net net = new Net()) {
      RemovableHandle first = net.head.registerForwardHook((m, out) -> seen.add("first"));
      try (RemovableHandle _ = net.head.registerForwardHook((m, out) -> seen.add("second"))) {
        net.head.call(ramp(4, 3));
      }
      assertThat(net.isObserved()).isTrue();
      first.remove();
      first.remove();
      assertThat(net.isObserved()).isFalse();
      net.head.call(ramp(4, 3));
      assertThat(seen).containsExactly("first", "second");
      assertThatThrownBy(() -> net.head.registerForwardHook(null))
          .isInstanceOf(NullPointerException.class);
    }
  }

  @Test
  void hooksMayRegisterAndRemoveHooksOfTheirOwnModule() {
    List<String> seen = new ArrayList<>();
    List<RemovableHandle> once = new ArrayList<>();
    try (Scope _ = Scope.open();
        Net net = new Net()) {
      once.add(
          net.head.registerForwardHook(
              (m, out) -> {
                seen.add("once");
                m.registerForwardHook((_, _) -> seen.add("later"));
                once.getFirst().remove();
              }));
      net.head.call(ramp(4, 3));
      net.head.call(ramp(4, 3));
      assertThat(seen).containsExactly("once", "later");
    }
  }

  @Test
  void aTraceMayBeginInAHook() {
    List<Trace> traces = new ArrayList<>();
    try (Scope _ = Scope.open();
        Net net = new Net()) {
      net.norm.registerForwardHook((m, out) -> traces.add(Trace.open()));
      Variable normed = net.norm.call(ramp(1, 2, 2, 3));
      net.head.call(normed);
      try (Trace trace = traces.getFirst()) {
        assertThat(trace.nodes().stream().map(Trace.Node::path)).containsExactly("head");
      }
    }
    assertThat(Trace.isOpen()).isFalse();
  }

  @Test
  void closingReleasesEverything() {
    long before = MemoryUse.liveStorages();
    try (Net net = new Net()) {
      net.initialize(1);
      assertThat(MemoryUse.liveStorages()).isEqualTo(before + 8);
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(before);
  }
}
