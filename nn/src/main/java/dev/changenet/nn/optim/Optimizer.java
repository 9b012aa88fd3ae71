package dev.changenet.nn.optim;

import dev.changenet.nn.Module;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Updates parameters from their gradients. Parameters without a gradient are skipped, weight decay
 * included; those with a gradient of zero are not.
 *
 * <p>State is kept by position in the parameter list, as PyTorch's state dictionaries do.
 */
public abstract class Optimizer implements AutoCloseable {
  private final List<Parameter> parameters;
  private final List<String> slots;
  private final Tensor[][] state;
  private final long[] steps;
  private final BitSet stepped = new BitSet();
  private double lr;

  /**
   * @param slots names of the per-parameter tensors, such as {@code exp_avg}
   * @throws IllegalArgumentException when a parameter is listed twice
   */
  Optimizer(List<Parameter> parameters, double lr, List<String> slots) {
    this.parameters = List.copyOf(parameters);
    Set<Parameter> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Parameter p : parameters) {
      if (!seen.add(p)) {
        throw new IllegalArgumentException(
            "duplicate parameter: got '" + p.name() + "' twice, expected each parameter once");
      }
    }
    atLeastZero("learning rate", lr);
    this.lr = lr;
    this.slots = slots;
    this.state = new Tensor[parameters.size()][];
    this.steps = new long[parameters.size()];
  }

  /** Name in specs and checkpoints, such as {@code adamw}. */
  public abstract String name();

  /** All parameters, frozen ones included, in state-dict order. */
  public final List<Parameter> parameters() {
    return parameters;
  }

  public final double lr() {
    return lr;
  }

  /**
   * Sets the learning rate of the next steps.
   *
   * @throws IllegalArgumentException when it is negative or no number
   */
  public final void setLr(double lr) {
    this.lr = atLeastZero("learning rate", lr);
  }

  /** Names of the state tensors of a parameter. */
  public final List<String> slots() {
    return slots;
  }

  /**
   * State tensors of parameter {@code i} in the order of {@link #slots}, or null before its first
   * step.
   */
  public final Tensor[] state(int i) {
    return state[i];
  }

  /** Number of updates parameter {@code i} has had. */
  public final long steps(int i) {
    return steps[i];
  }

  /** Restores the state of parameter {@code i}; {@code values} follow {@link #slots}. */
  public final void restore(int i, long updates, List<float[]> values) {
    Tensor[] s = allocate(i);
    for (int k = 0; k < s.length; k++) {
      Module.write(s[k], values.get(k));
    }
    steps[i] = updates;
  }

  /**
   * Makes the state of parameter {@code i}, which the caller fills.
   *
   * @return tensors in the order of {@link #slots}
   */
  public final Tensor[] restore(int i, long updates) {
    steps[i] = updates;
    return allocate(i);
  }

  /** Hyperparameters as PyTorch names them in {@code param_groups}, without {@code params}. */
  public abstract Map<String, Object> hyperparameters();

  /**
   * Takes over hyperparameters read from a checkpoint; those that {@code group} lacks stay as they
   * are.
   *
   * @throws IllegalArgumentException when a value is outside its range or the group asks for
   *     another optimization than this one does, such as {@code amsgrad}
   */
  public abstract void setHyperparameters(Map<?, ?> group);

  /**
   * A parameter that has a gradient.
   *
   * @param slots its state, as {@link #slots} names it
   */
  record Pending(Parameter parameter, Tensor[] slots) {}

  /**
   * Updates parameters that are all at the same step.
   *
   * @param guard see {@link #step(Tensor)}; may be null
   */
  abstract void update(List<Pending> pending, long step, Tensor guard);

  private Tensor[] allocate(int i) {
    if (state[i] == null) {
      Tensor like = parameters.get(i).data();
      state[i] = new Tensor[slots.size()];
      for (int k = 0; k < state[i].length; k++) {
        state[i][k] = Tensor.zeros(like.shape(), like.dtype(), like.device()).detached();
      }
    }
    return state[i];
  }

  /** Updates every parameter that has a gradient. */
  public final void step() {
    step(null);
  }

  /**
   * Updates every parameter that has a gradient, unless {@code guard} says no. The device looks at
   * it, so that the host need not wait; once it knows, it calls {@link #takeBack}.
   *
   * @param guard [1]: nothing changes where its value is not finite; null to update in any case
   */
  public final void step(Tensor guard) {
    Map<Long, List<Pending>> byStep = new LinkedHashMap<>();
    stepped.clear();
    for (int i = 0; i < state.length; i++) {
      Parameter p = parameters.get(i);
      if (p.grad() != null) {
        steps[i]++;
        stepped.set(i);
        byStep.computeIfAbsent(steps[i], s -> new ArrayList<>()).add(new Pending(p, allocate(i)));
      }
    }
    byStep.forEach(
        (step, pending) -> {
          update(pending, step, guard);
          pending.forEach(p -> p.parameter().data().storage().changed());
        });
  }

  /** Counts the last step as not taken, since its guard left the parameters as they were. */
  public final void takeBack() {
    stepped.stream().forEach(i -> steps[i]--);
    stepped.clear();
  }

  /** Releases all gradients. */
  public final void zeroGrad() {
    parameters.forEach(Parameter::zeroGrad);
  }

  /** Number of float state elements, for memory reports. */
  public final long stateElements() {
    long n = 0;
    for (Tensor[] s : state) {
      if (s != null) {
        for (Tensor t : s) {
          n += t.elements();
        }
      }
    }
    return n;
  }

  @Override
  public final void close() {
    for (Tensor[] s : state) {
      if (s != null) {
        for (Tensor t : s) {
          t.close();
        }
      }
    }
  }

  /** Refuses a group where one of {@code options} is on: they aren't implemented. */
  final void requireOff(Map<?, ?> group, String... options) {
    for (String option : options) {
      Object value = group.get(option);
      if (Boolean.TRUE.equals(value) || (value instanceof Number n && n.doubleValue() != 0)) {
        throw new IllegalArgumentException(
            name() + " has no " + option + ": got " + option + "=" + value + ", expected it off");
      }
    }
  }

  /** Returns {@code value}, checked as PyTorch checks it. */
  static double atLeastZero(String what, double value) {
    // NaN is refused, too.
    if (!(value >= 0)) {
      throw new IllegalArgumentException(
          "invalid " + what + ": got " + value + ", expected 0 or more");
    }
    return value;
  }

  static double number(Map<?, ?> group, String key, double fallback) {
    return group.get(key) instanceof Number n ? n.doubleValue() : fallback;
  }

  static Map<String, Object> ordered(Object... keysAndValues) {
    Map<String, Object> m = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      m.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return m;
  }
}
