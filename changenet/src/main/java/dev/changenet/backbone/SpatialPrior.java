package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.BatchNorm2d;
import dev.changenet.nn.Conv2d;
import dev.changenet.nn.Layer;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;
import java.util.List;

/**
 * The convolutional branch of the ViT-Adapter (Chen et al., "Vision transformer adapter for dense
 * predictions"): maps of strides 4, 8, 16 and 32, projected to the token width.
 */
final class SpatialPrior extends Module {
  private static final Initializer ZERO = Initializer.constant(0);

  private final Stem stem;
  private final ConvNormRelu conv2;
  private final ConvNormRelu conv3;
  private final ConvNormRelu conv4;
  private final Linear fc1;
  private final Linear fc2;
  private final Linear fc3;
  private final Linear fc4;

  SpatialPrior(Device device, int inner, int width) {
    super(device);
    stem = child("stem", new Stem(device, inner));
    conv2 = child("conv2", new ConvNormRelu(device, inner, 2 * inner));
    conv3 = child("conv3", new ConvNormRelu(device, 2 * inner, 4 * inner));
    conv4 = child("conv4", new ConvNormRelu(device, 4 * inner, 4 * inner));
    Initializer init = Initializer.heFanOut(width);
    fc1 = child("fc1", Linear.conv1x1(device, inner, width, init, ZERO));
    fc2 = child("fc2", Linear.conv1x1(device, 2 * inner, width, init, ZERO));
    fc3 = child("fc3", Linear.conv1x1(device, 4 * inner, width, init, ZERO));
    fc4 = child("fc4", Linear.conv1x1(device, 4 * inner, width, init, ZERO));
  }

  /**
   * Computes the prior of an image [B, H, W, 3].
   *
   * @return c1 as a map [B, H/4, W/4, D], and the tokens of c2, c3 and c4
   */
  List<Variable> features(Variable image) {
    return runAll(
        () -> {
          Variable a1 = stem.call(image);
          Variable a2 = conv2.call(a1);
          Variable a3 = conv3.call(a2);
          Variable a4 = conv4.call(a3);
          return List.of(
              fc1.call(a1),
              Functional.mapToTokens(fc2.call(a2)),
              Functional.mapToTokens(fc3.call(a3)),
              Functional.mapToTokens(fc4.call(a4)));
        });
  }

  private static Conv2d conv(Device device, int in, int out, int stride) {
    Initializer init = Initializer.heFanOut(9 * out);
    return new Conv2d(device, in, out, 3, stride, 1, 1, false, init, null);
  }

  /** Three convolutions, the first with stride 2, and a max pool. */
  private static final class Stem extends Layer {
    private final Conv2d[] convs = new Conv2d[3];
    private final BatchNorm2d[] norms = new BatchNorm2d[3];

    Stem(Device device, int inner) {
      super(device);
      for (int i = 0; i < 3; i++) {
        int in = i == 0 ? 3 : inner;
        convs[i] = child(Integer.toString(3 * i), conv(device, in, inner, i == 0 ? 2 : 1));
        norms[i] = child(Integer.toString(3 * i + 1), new BatchNorm2d(device, inner));
      }
    }

    @Override
    protected Variable forward(Variable image) {
      Variable x = image;
      for (int i = 0; i < 3; i++) {
        x = Functional.relu(norms[i].call(convs[i].call(x)));
      }
      return Functional.maxPool2d(x, 3, 2, 1);
    }
  }

  /** Halves the resolution. */
  private static final class ConvNormRelu extends Layer {
    private final Conv2d conv;
    private final BatchNorm2d norm;

    ConvNormRelu(Device device, int in, int out) {
      super(device);
      conv = child("0", SpatialPrior.conv(device, in, out, 2));
      norm = child("1", new BatchNorm2d(device, out));
    }

    @Override
    protected Variable forward(Variable x) {
      return Functional.relu(norm.call(conv.call(x)));
    }
  }
}
