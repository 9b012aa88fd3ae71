package dev.changenet.onnx.interpreter;

import java.util.Arrays;

/**
 * Multidirectional broadcasting of two shapes.
 *
 * @param dims common shape
 * @param strides element distance of each operand along each axis, 0 where it is repeated
 */
record Broadcast(int[] dims, int[][] strides) {
  static Broadcast of(Call call, int[] a, int[] b) {
    int rank = Math.max(a.length, b.length);
    int[] dims = new int[rank];
    int[][] strides = new int[2][rank];
    int[] step = {1, 1};
    for (int i = rank - 1; i >= 0; i--) {
      int x = size(a, rank, i);
      int y = size(b, rank, i);
      if (x != y && x != 1 && y != 1) {
        throw call.error("combines shapes " + Arrays.toString(a) + " and " + Arrays.toString(b));
      }
      dims[i] = x == 1 ? y : x;
      strides[0][i] = x == 1 ? 0 : step[0];
      strides[1][i] = y == 1 ? 0 : step[1];
      step[0] *= x;
      step[1] *= y;
    }
    return new Broadcast(dims, strides);
  }

  private static int size(int[] shape, int rank, int axis) {
    int i = axis - (rank - shape.length);
    return i < 0 ? 1 : shape[i];
  }

  /** Index into operand {@code operand} of element {@code element} of the result. */
  int index(int operand, int element) {
    int at = 0;
    int rest = element;
    for (int i = dims.length - 1; i >= 0; i--) {
      at += rest % dims[i] * strides[operand][i];
      rest /= dims[i];
    }
    return at;
  }

  /** The number of trailing elements along which each operand moves steadily, by 0 or 1. */
  int run() {
    int run = 1;
    int a = -1;
    int b = -1;
    for (int i = dims.length - 1; i >= 0; i--) {
      if (dims[i] != 1) {
        int x = strides[0][i] == 0 ? 0 : 1;
        int y = strides[1][i] == 0 ? 0 : 1;
        if (a >= 0 && (x != a || y != b)) {
          break;
        }
        a = x;
        b = y;
        run *= dims[i];
      }
    }
    return run;
  }

  /** Step of an operand inside a run. */
  int step(int operand) {
    for (int i = dims.length - 1; i >= 0; i--) {
      if (dims[i] != 1) {
        return strides[operand][i] == 0 ? 0 : 1;
      }
    }
    return 0;
  }
}
