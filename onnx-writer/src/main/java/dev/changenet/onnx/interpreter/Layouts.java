package dev.changenet.onnx.interpreter;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Operators that move elements or speak of shapes. */
final class Layouts {
  private Layouts() {}

  static NdArray reshape(Call call) {
    NdArray x = call.input(0);
    int[] dims = Call.toInts(call.input(1).longs());
    boolean zeroIsZero = call.integer("allowzero", 0) == 1;
    int known = 1;
    int open = -1;
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == 0 && !zeroIsZero) {
        dims[i] = x.dim(i);
      }
      if (dims[i] == -1) {
        open = i;
      } else {
        known *= dims[i];
      }
    }
    if (open >= 0) {
      dims[open] = known == 0 ? 0 : x.size() / known;
    }
    if (NdArray.count(dims) != x.size()) {
      throw call.error("reshapes " + x + " to " + Arrays.toString(call.input(1).longs()));
    }
    return x.shaped(dims);
  }

  static NdArray transpose(Call call) {
    NdArray x = call.input(0);
    int rank = x.rank();
    int[] perm = call.integers("perm", IntStream.range(0, rank).map(i -> rank - 1 - i).toArray());
    int[] strides = strides(x.dims());
    int[] dims = new int[rank];
    int[] steps = new int[rank];
    for (int i = 0; i < rank; i++) {
      dims[i] = x.dim(perm[i]);
      steps[i] = strides[perm[i]];
    }
    return gather(x, dims, steps, 0);
  }

  private static int[] strides(int[] dims) {
    int[] strides = new int[dims.length];
    int step = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = step;
      step *= dims[i];
    }
    return strides;
  }

  /** Elements at start + Σ index·step, as an array of shape {@code dims}. */
  private static NdArray gather(NdArray x, int[] dims, int[] steps, int start) {
    int count = NdArray.count(dims);
    int last = dims.length == 0 ? 1 : dims[dims.length - 1];
    int step = dims.length == 0 ? 1 : steps[dims.length - 1];
    Object out = x.empty(count);
    IntStream.range(0, last == 0 ? 0 : count / last)
        .parallel()
        .forEach(
            r -> {
              int from = start;
              int rest = r;
              for (int i = dims.length - 2; i >= 0; i--) {
                from += rest % dims[i] * steps[i];
                rest /= dims[i];
              }
              copy(x, from, step, out, r * last, last);
            });
    return x.like(out, dims);
  }

  private static void copy(NdArray x, int from, int step, Object out, int to, int count) {
    if (step == 1) {
      System.arraycopy(x.elements(), from, out, to, count);
    } else if (x.isFloat()) {
      float[] target = (float[]) out;
      for (int i = 0; i < count; i++) {
        target[to + i] = x.floats()[from + i * step];
      }
    } else {
      long[] target = (long[]) out;
      for (int i = 0; i < count; i++) {
        target[to + i] = x.longs()[from + i * step];
      }
    }
  }

  static NdArray concat(Call call) {
    NdArray first = call.input(0);
    int axis = axis(call.integer("axis", 0), first.rank());
    int[] dims = first.dims();
    dims[axis] = call.inputs().stream().mapToInt(x -> x.dim(axis)).sum();
    int outer = NdArray.count(Arrays.copyOf(dims, axis));
    int total = NdArray.count(dims) / Math.max(1, outer);
    Object out = first.empty(outer * total);
    int at = 0;
    for (NdArray x : call.inputs()) {
      int run = x.size() / Math.max(1, outer);
      for (int o = 0; o < outer; o++) {
        System.arraycopy(x.elements(), o * run, out, o * total + at, run);
      }
      at += run;
    }
    return first.like(out, dims);
  }

  private static int axis(int axis, int rank) {
    return axis < 0 ? axis + rank : axis;
  }

  static NdArray slice(Call call) {
    NdArray x = call.input(0);
    long[] starts = call.input(1).longs();
    long[] ends = call.input(2).longs();
    long[] axes = call.optional(3) == null ? null : call.input(3).longs();
    long[] by = call.optional(4) == null ? null : call.input(4).longs();
    int[] dims = x.dims();
    int[] steps = strides(dims);
    int from = 0;
    for (int i = 0; i < starts.length; i++) {
      int axis = axes == null ? i : axis((int) axes[i], x.rank());
      call.require(by == null || by[i] > 0, "a step that isn't positive");
      int step = by == null ? 1 : Math.toIntExact(by[i]);
      int n = dims[axis];
      int start = bound(starts[i], n);
      int end = bound(ends[i], n);
      from += start * steps[axis];
      dims[axis] = Math.max(0, (end - start + step - 1) / step);
      steps[axis] *= step;
    }
    return gather(x, dims, steps, from);
  }

  private static int bound(long index, int n) {
    long i = index < 0 ? index + n : index;
    return (int) Math.max(0, Math.min(n, i));
  }

  /** Entries of an axis by an index array of any rank. */
  static NdArray gather(Call call) {
    NdArray x = call.input(0);
    NdArray indices = call.input(1);
    int axis = axis(call.integer("axis", 0), x.rank());
    int[] all = x.dims();
    int n = all[axis];
    int outer = NdArray.count(Arrays.copyOf(all, axis));
    int inner = NdArray.count(Arrays.copyOfRange(all, axis + 1, all.length));
    int[] dims = new int[all.length - 1 + indices.rank()];
    System.arraycopy(all, 0, dims, 0, axis);
    System.arraycopy(indices.dims(), 0, dims, axis, indices.rank());
    System.arraycopy(all, axis + 1, dims, axis + indices.rank(), all.length - axis - 1);
    Object out = x.empty(NdArray.count(dims));
    int at = 0;
    for (int o = 0; o < outer; o++) {
      for (long index : indices.longs()) {
        long i = index < 0 ? index + n : index;
        if (i < 0 || i >= n) {
          throw call.error("takes entry " + index + " of " + n);
        }
        System.arraycopy(x.elements(), (o * n + (int) i) * inner, out, at, inner);
        at += inner;
      }
    }
    return x.like(out, dims);
  }

  static NdArray expand(Call call) {
    NdArray x = call.input(0);
    Broadcast shape = Broadcast.of(call, x.dims(), Call.toInts(call.input(1).longs()));
    return gather(x, shape.dims(), shape.strides()[0], 0);
  }

  static NdArray shape(Call call) {
    NdArray x = call.input(0);
    int start = bound(call.integer("start", 0), x.rank());
    int end = bound(call.integer("end", x.rank()), x.rank());
    long[] dims = Arrays.stream(x.dims(), start, Math.max(start, end)).asLongStream().toArray();
    return NdArray.of(dims, dims.length);
  }

  /** To float32 (1) or int64 (7). */
  static NdArray cast(Call call) {
    NdArray x = call.input(0);
    int to = call.integer("to", 0);
    call.require(to == 1 || to == 7, "element type " + to);
    if (x.isFloat() == (to == 1)) {
      return x;
    }
    if (to == 1) {
      float[] out = new float[x.size()];
      for (int i = 0; i < out.length; i++) {
        out[i] = x.longs()[i];
      }
      return NdArray.of(out, x.dims());
    }
    long[] out = new long[x.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = (long) x.floats()[i];
    }
    return NdArray.of(out, x.dims());
  }

  /** Numbers from start to below limit, all three operands floats. */
  static NdArray range(Call call) {
    float start = call.input(0).floats()[0];
    float limit = call.input(1).floats()[0];
    float delta = call.input(2).floats()[0];
    float[] out = new float[(int) Math.max(0, Math.ceil((limit - start) / delta))];
    for (int i = 0; i < out.length; i++) {
      out[i] = start + i * delta;
    }
    return NdArray.of(out, out.length);
  }
}
