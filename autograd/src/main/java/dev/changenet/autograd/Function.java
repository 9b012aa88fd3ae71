package dev.changenet.autograd;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backend;
import dev.changenet.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * One application of a differentiable operation: computes the output, saves what the backward pass
 * needs, and turns the output's gradient into those of the inputs.
 *
 * <p>Subclasses hold the operation's attributes in final fields. Saved tensors are references on
 * shared storage: they keep the memory alive until this function's backward has run or the tape is
 * closed.
 */
public abstract class Function {
  private Variable[] inputs;
  private final List<Tensor> saved = new ArrayList<>(4);
  private boolean recording;
  private boolean released;
  private long sequence;
  private Tape tape;
  private final List<Integer> savedVersions = new ArrayList<>(4);
  private List<Consumer<Tensor>> gradientHooks;

  /** Which primitive this is. */
  public abstract Op op();

  /** Computes the output; calls {@link #save} for what backward needs. */
  protected abstract Tensor forward(Tensor... in);

  /** Computes the inputs' gradients from the output's. */
  protected abstract void backward(Tensor gradOut, Gradients gradients);

  /**
   * Applies the function: computes, and records when a tape is open and an input wants a gradient.
   */
  public final Variable apply(Variable... in) {
    tape = Tape.current();
    boolean any = false;
    Tensor[] tensors = new Tensor[in.length];
    for (int i = 0; i < in.length; i++) {
      if (in[i] != null) {
        tensors[i] = in[i].data();
        any |= in[i].requiresGrad();
      }
    }
    recording = tape != null && any;
    inputs = in;
    Profile profile = Profile.current();
    if (profile != null) {
      profile.begin();
    }
    Tensor out = forward(tensors);
    if (profile != null) {
      profile.forward(this, tensors, out);
    }
    Variable result;
    if (recording) {
      sequence = tape.record(this);
      result = new Variable(out, this);
    } else {
      result = new Variable(out);
    }
    Trace trace = Trace.current();
    if (trace != null) {
      trace.record(this, in, result);
    }
    if (!recording) {
      inputs = null;
      tape = null;
    }
    return result;
  }

  /** Keeps {@code t} for the backward pass, when there will be one. */
  protected final void save(Tensor... tensors) {
    if (recording) {
      for (Tensor t : tensors) {
        saved.add(t == null ? null : t.share());
        savedVersions.add(t == null ? 0 : t.storage().version());
      }
    }
  }

  /**
   * Saved tensor number {@code i}, in the order of {@link #save}.
   *
   * @throws IllegalStateException when its content has been replaced since
   */
  protected final Tensor saved(int i) {
    Tensor t = saved.get(i);
    if (t != null && t.storage().version() != savedVersions.get(i)) {
      throw new IllegalStateException(
          "backward(): a tensor "
              + t.shape()
              + " that the gradient of "
              + op()
              + " needs was changed after the forward pass; run forward again");
    }
    return t;
  }

  /** True when a backward pass will follow. */
  protected final boolean recording() {
    return recording;
  }

  /** True when a backward pass will follow, after which input {@code i} may change. */
  protected final boolean trains(int i) {
    return recording && inputs[i] != null && inputs[i].requiresGrad();
  }

  /** Kernels of the device that {@code t} lives on. */
  protected static Backend backend(Tensor t) {
    return Backends.of(t.device());
  }

  final List<Tensor> savedTensors() {
    return saved;
  }

  final Variable input(int i) {
    return inputs[i];
  }

  final Variable[] inputs() {
    return inputs;
  }

  final Tape tape() {
    return tape;
  }

  final long sequence() {
    return sequence;
  }

  final void addGradientHooks(List<Consumer<Tensor>> hooks) {
    gradientHooks = hooks;
  }

  final List<Consumer<Tensor>> gradientHooks() {
    return gradientHooks;
  }

  final boolean isReleased() {
    return released;
  }

  /** Gives up the saved tensors. */
  final void release() {
    if (!released) {
      released = true;
      for (Tensor t : saved) {
        if (t != null) {
          t.close();
        }
      }
      saved.clear();
      savedVersions.clear();
      inputs = null;
      tape = null;
    }
  }
}
