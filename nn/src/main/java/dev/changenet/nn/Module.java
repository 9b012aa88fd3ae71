package dev.changenet.nn;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Profile;
import dev.changenet.autograd.RemovableHandle;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.init.Initializer;
import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * A part of a network: parameters, buffers and child modules under PyTorch's state-dict names.
 *
 * <p>Traversal order is PyTorch's: a module's own parameters, then its buffers, then its children
 * in order of registration, depth first. Constructors allocate; {@link #initialize} or a weight
 * file fills.
 */
public abstract class Module implements AutoCloseable {
  /** Names in an error message. */
  private static final int SHOWN_NAMES = 20;

  private final Map<String, Parameter> parameters = new LinkedHashMap<>();
  private final Map<String, Tensor> buffers = new LinkedHashMap<>();
  private final Map<String, Module> children = new LinkedHashMap<>();
  private final List<BiConsumer<Module, Variable>> forwardHooks =
      new CopyOnWriteArrayList<>(); // a hook may register or remove hooks
  private final Device device;
  private Module parent;
  private String name = "";
  private String path;
  private boolean training = true;
  private boolean frozen;

  protected Module(Device device) {
    this.device = device;
  }

  /** Device of the parameters. */
  public final Device device() {
    return device;
  }

  /**
   * Registers a float32 parameter.
   *
   * @throws IllegalStateException when the name is in use
   */
  protected final Parameter parameter(String name, Initializer initializer, int... shape) {
    requireFree(name);
    Parameter p =
        new Parameter(
            this, name, Tensor.empty(Shape.of(shape), device.floating(), device), initializer);
    parameters.put(name, p);
    return p;
  }

  /**
   * Registers a buffer: part of the state, not trained. Counters stay in the CPU's memory.
   *
   * @throws IllegalStateException when the name is in use
   */
  protected final Tensor buffer(String name, DType dtype, double value, int... shape) {
    requireFree(name);
    Device place = dtype == DType.INT64 ? Device.CPU : device;
    Tensor t = Tensor.full(Shape.of(shape), dtype, place, value).detached();
    buffers.put(name, t);
    return t;
  }

  /**
   * Registers a child under {@code name}; dots make nested names ({@code "conv1.conv2d"}).
   *
   * @throws IllegalStateException when the name is in use or the module has a parent
   */
  protected final <M extends Module> M child(String name, M child) {
    Module m = child;
    requireFree(name);
    if (m.parent != null) {
      throw new IllegalStateException(
          "module is a child already, '" + m.path() + "'; got a second name '" + name + "'");
    }
    children.put(name, m);
    m.parent = this;
    m.name = name;
    m.forgetPath();
    return child;
  }

  /**
   * Refuses a name that is in use, and one below or above it: 'a' with a child 'b' and 'a.b' would
   * be the same path.
   */
  private void requireFree(String name) {
    if (name.isEmpty()) {
      throw new IllegalStateException("the name of a module, parameter or buffer can't be empty");
    }
    for (Map<String, ?> names : List.of(parameters, buffers, children)) {
      for (String used : names.keySet()) {
        if ((used + ".").startsWith(name + ".") || (name + ".").startsWith(used + ".")) {
          throw new IllegalStateException(
              "name used twice: '" + name + "', where there is '" + used + "' already");
        }
      }
    }
  }

  /** Dotted path from the root; empty for the root itself. */
  public final String path() {
    if (path == null) {
      String above = parent == null ? "" : parent.path();
      path = above.isEmpty() ? name : above + "." + name;
    }
    return path;
  }

  /** A part may have been asked for its path before it was attached. */
  private void forgetPath() {
    path = null;
    children.values().forEach(Module::forgetPath);
  }

  /**
   * Calls {@code hook} with this module and its output after every forward pass. The output is
   * closed when the caller's scope or module ends: copy what you keep, or keep a {@link
   * Tensor#share share} of its data.
   *
   * @return removes the hook
   */
  public final RemovableHandle registerForwardHook(BiConsumer<Module, Variable> hook) {
    return RemovableHandle.add(forwardHooks, hook);
  }

  /**
   * True when someone looks at the outputs of this module or one inside it: a hook or a trace. A
   * parent may otherwise compute the same result without calling them.
   */
  public final boolean isObserved() {
    return Trace.isOpen()
        || !forwardHooks.isEmpty()
        || children.values().stream().anyMatch(Module::isObserved);
  }

  /**
   * Runs the body of a forward pass: names it for traces, closes its temporaries, calls the hooks.
   */
  protected final Variable run(Supplier<Variable> body) {
    return runAll(() -> List.of(body.get())).get(0);
  }

  /**
   * body(x), a pass of this module, without keeping its activations in training: the backward pass
   * runs it again. Where someone looks at the module's outputs they are kept.
   *
   * @param body reads x and this module's parameters; draws no random numbers
   */
  protected final Variable recomputed(UnaryOperator<Variable> body, Variable x) {
    if (!Tape.isRecording() || isObserved()) {
      return body.apply(x);
    }
    int joined = JoinedBatches.count();
    UnaryOperator<Variable> anytime =
        v -> {
          try (JoinedBatches _ = JoinedBatches.open(joined)) {
            return body.apply(v);
          }
        };
    return Functional.checkpoint(anytime, x, parameters());
  }

  /** {@link #run} for modules with several outputs; hooks see each of them, in order. */
  protected final List<Variable> runAll(Supplier<List<Variable>> body) {
    Trace.enter(path());
    Profile.enter(path());
    // While tracing, the exporter still reads intermediate values, so they stay open.
    Scope scope = Trace.isOpen() ? null : Scope.open();
    try {
      List<Variable> outputs = body.get();
      for (Variable out : outputs) {
        if (scope != null) {
          scope.keep(out.data());
        }
        for (BiConsumer<Module, Variable> hook : forwardHooks) {
          hook.accept(this, out);
        }
      }
      return outputs;
    } finally {
      if (scope != null) {
        scope.close();
      }
      Profile.exit();
      Trace.exit();
    }
  }

  /** True in training mode: batch statistics and drop path. Frozen modules never are. */
  public final boolean isTraining() {
    return training && !frozen;
  }

  /** Switches this module and all below it to training or evaluation mode. */
  public final void train(boolean on) {
    training = on;
    children.values().forEach(c -> c.train(on));
  }

  /** Evaluation mode. */
  public final void eval() {
    train(false);
  }

  /** Stops training of this part: no gradients, evaluation mode for good. */
  public final void freeze() {
    frozen = true;
    parameters.values().forEach(p -> p.setFrozen(true));
    children.values().forEach(Module::freeze);
  }

  /** Child modules by name. */
  public final Map<String, Module> children() {
    return java.util.Collections.unmodifiableMap(children);
  }

  /**
   * Returns the module at a dotted {@code path} below this one.
   *
   * @throws IllegalArgumentException when there is none; the message names the children that the
   *     last module found has
   */
  public final Module find(String path) {
    if (path.isEmpty()) {
      return this;
    }
    for (Map.Entry<String, Module> e : children.entrySet()) {
      String key = e.getKey();
      if (path.equals(key)) {
        return e.getValue();
      }
      if (path.startsWith(key + ".")) {
        return e.getValue().find(path.substring(key.length() + 1));
      }
    }
    throw new IllegalArgumentException(
        "no module '" + path + "' below '" + path() + "'; " + childNames());
  }

  private String childNames() {
    if (children.isEmpty()) {
      return "it has no children";
    }
    String names = children.keySet().stream().limit(SHOWN_NAMES).collect(Collectors.joining(", "));
    int more = children.size() - SHOWN_NAMES;
    return "its children are " + names + (more > 0 ? " and " + more + " more" : "");
  }

  /** All parameters in traversal order. */
  public final List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>(parameters.values());
    children.values().forEach(c -> all.addAll(c.parameters()));
    return all;
  }

  /**
   * Releases what kernels keep with the parameters, such as packed weights; it is made anew on
   * demand.
   */
  public final void forgetDerived() {
    parameters().forEach(p -> p.data().storage().forgetDerived());
  }

  /** Parameters and buffers by full name, in traversal order; live tensors, not copies. */
  public final Map<String, Tensor> stateDict() {
    Map<String, Tensor> all = new LinkedHashMap<>();
    collect(all);
    return all;
  }

  private void collect(Map<String, Tensor> into) {
    String prefix = path().isEmpty() ? "" : path() + ".";
    parameters.forEach((k, v) -> into.put(prefix + k, v.data()));
    buffers.forEach((k, v) -> into.put(prefix + k, v));
    children.values().forEach(c -> c.collect(into));
  }

  /** Fills every parameter from its initializer; each draws from a stream keyed by its name. */
  public final void initialize(long seed) {
    for (Parameter p : parameters()) {
      float[] values = new float[(int) p.shape().elements()];
      p.initializer().fill(values, values.length, RandomStream.of(seed, "init/" + p.name()));
      write(p.data(), values);
    }
  }

  /** Overwrites {@code target}, on any device, with {@code values}. */
  public static void write(Tensor target, float[] values) {
    if (target.dtype() == DType.FLOAT32) {
      try (Tensor source = Tensor.of(values, values.length).detached()) {
        target.copyFrom(source);
      }
      return;
    }
    for (int i = 0; i < values.length; i++) {
      target.set(i, values[i]);
    }
  }

  /** Releases all parameters, gradients and buffers. */
  @Override
  public void close() {
    for (Parameter p : parameters.values()) {
      p.zeroGrad();
      p.data().close();
    }
    buffers.values().forEach(Tensor::close);
    children.values().forEach(Module::close);
  }
}
