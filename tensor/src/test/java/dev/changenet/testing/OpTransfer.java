package dev.changenet.testing;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;

/** How the op table's inputs reach a device and its outputs come back. */
public interface OpTransfer {
  /** For devices whose tensors are Java arrays: the CPU and the reference. */
  OpTransfer HEAP =
      new OpTransfer() {
        @Override
        public Tensor upload(double[] values, int[] shape, DType dtype, Device device) {
          Tensor t = Tensor.empty(Shape.of(shape), dtype, device);
          for (int i = 0; i < values.length; i++) {
            t.set(i, values[i]);
          }
          return t;
        }

        @Override
        public double[] download(Tensor tensor) {
          double[] values = new double[(int) tensor.elements()];
          for (int i = 0; i < values.length; i++) {
            values[i] = tensor.at(i);
          }
          return values;
        }
      };

  /** Returns a tensor on {@code device} holding {@code values} rounded to {@code dtype}. */
  Tensor upload(double[] values, int[] shape, DType dtype, Device device);

  /** Returns the elements of {@code tensor} as doubles. */
  double[] download(Tensor tensor);
}
