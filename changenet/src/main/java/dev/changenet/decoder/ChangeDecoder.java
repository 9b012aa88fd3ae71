package dev.changenet.decoder;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.BatchNorm2d;
import dev.changenet.nn.Conv2d;
import dev.changenet.nn.ConvTranspose2d;
import dev.changenet.nn.Layer;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.backend.ResizeGeometry;
import java.util.ArrayList;
import java.util.List;

/**
 * The decode head: compares the maps of both images scale by scale, coarsest first, fuses the four
 * differences and refines them to full resolution.
 */
public final class ChangeDecoder extends Module {
  private static final int SCALES = 4;

  private final Linear[] embed = new Linear[SCALES];
  private final Difference[] difference = new Difference[SCALES];
  private final Head[] head = new Head[SCALES];
  private final Fuse fuse;
  private final ConvTranspose2d convd2x;
  private final ResidualConv dense2x;
  private final ConvTranspose2d convd1x;
  private final ResidualConv dense1x;
  private final Conv2d changeProbability;
  private final boolean equalLastStrides;
  private final boolean alignCorners;

  /**
   * @param inChannels channels of the four maps, finest first
   * @param embedDim width E of the head
   * @param classes number of classes K
   * @param equalLastStrides whether the two coarsest maps have the same size
   * @param alignCorners corner-aligned instead of half-pixel resizing
   */
  public ChangeDecoder(
      Device device,
      int[] inChannels,
      int embedDim,
      int classes,
      boolean equalLastStrides,
      boolean alignCorners) {
    super(device);
    this.equalLastStrides = equalLastStrides;
    this.alignCorners = alignCorners;
    // Registration order is the checkpoint's: coarsest first.
    for (int k = SCALES; k >= 1; k--) {
      embed[k - 1] =
          child("linear_c" + k + ".proj", new Linear(device, inChannels[k - 1], embedDim));
    }
    for (int k = SCALES; k >= 1; k--) {
      difference[k - 1] = child("diff_c" + k, new Difference(device, embedDim));
    }
    for (int k = SCALES; k >= 1; k--) {
      head[k - 1] = child("make_pred_c" + k, new Head(device, embedDim, classes));
    }
    fuse = child("linear_fuse", new Fuse(device, embedDim));
    convd2x = child("convd2x.conv2d", new ConvTranspose2d(device, embedDim, embedDim, 4, 2, 1));
    dense2x = child("dense_2x.0", new ResidualConv(device, embedDim));
    convd1x = child("convd1x.conv2d", new ConvTranspose2d(device, embedDim, embedDim, 4, 2, 1));
    dense1x = child("dense_1x.0", new ResidualConv(device, embedDim));
    changeProbability =
        child("change_probability.conv2d", Conv2d.conv3x3(device, embedDim, classes, false));
  }

  /**
   * Computes the logits.
   *
   * @param a four maps of the first image, finest first, [B, h, w, in]
   * @param b those of the second image
   * @return [p4, p3, p2, p1, cp]: four auxiliary maps, coarsest first, and the full-resolution one,
   *     each [B, h, w, K]
   */
  public List<Variable> decode(List<Variable> a, List<Variable> b) {
    return runAll(
        () -> {
          List<Variable> outputs = new ArrayList<>();
          Variable[] d = new Variable[SCALES];
          for (int k = SCALES - 1; k >= 0; k--) {
            Variable diff =
                difference[k].call(
                    Functional.concat(3, embed[k].call(a.get(k)), embed[k].call(b.get(k))));
            d[k] = k == SCALES - 1 ? diff : Functional.add(diff, fromCoarser(d[k + 1], k));
            outputs.add(head[k].call(d[k]));
          }
          Variable x = fuse.isObserved() ? fuse.call(toFinest(d)) : fuse.enlarging(d, alignCorners);
          x = dense2x.call(convd2x.call(x));
          x = convd1x.call(x);
          outputs.add(
              dense1x.isObserved() || changeProbability.isObserved()
                  ? changeProbability.call(dense1x.call(x))
                  : dense1x.into(changeProbability, x));
          return outputs;
        });
  }

  private Variable fromCoarser(Variable coarser, int k) {
    return k == SCALES - 2 && equalLastStrides
        ? coarser
        : Functional.interpolateBilinear(coarser, 2, alignCorners);
  }

  /** All four differences at the finest size, concatenated coarsest first: [B, h₁, w₁, 4E]. */
  private Variable toFinest(Variable[] d) {
    int h = d[0].dim(1);
    int w = d[0].dim(2);
    Variable[] parts = new Variable[SCALES];
    for (int i = 0; i < SCALES; i++) {
      Variable map = d[SCALES - 1 - i];
      boolean same = map.dim(1) == h && map.dim(2) == w;
      parts[i] =
          same
              ? map
              : Functional.interpolate(map, ResizeGeometry.Mode.BILINEAR, h, w, alignCorners);
    }
    return Functional.concat(3, parts);
  }

  /** Conv, ReLU, BN, Conv, ReLU: the norm follows the activation. */
  private static final class Difference extends Layer {
    private final Conv2d conv0;
    private final BatchNorm2d bn;
    private final Conv2d conv3;

    Difference(Device device, int e) {
      super(device);
      conv0 = child("0", Conv2d.conv3x3(device, 2 * e, e, true));
      bn = child("2", new BatchNorm2d(device, e));
      conv3 = child("3", Conv2d.conv3x3(device, e, e, true));
    }

    @Override
    protected Variable forward(Variable x) {
      return conv3.call(bn.call(conv0.call(x)));
    }
  }

  /** Conv, ReLU, BN, Conv to K logits. */
  private static final class Head extends Layer {
    private final Conv2d conv0;
    private final BatchNorm2d bn;
    private final Conv2d conv3;

    Head(Device device, int e, int classes) {
      super(device);
      conv0 = child("0", Conv2d.conv3x3(device, e, classes, true));
      bn = child("2", new BatchNorm2d(device, classes));
      conv3 = child("3", Conv2d.conv3x3(device, classes, classes, false));
    }

    @Override
    protected Variable forward(Variable x) {
      return conv3.call(bn.call(conv0.call(x)));
    }
  }

  /** 1×1 convolution and batch norm, no activation. */
  private static final class Fuse extends Layer {
    private final Linear conv;
    private final BatchNorm2d bn;

    private final int e;

    Fuse(Device device, int e) {
      super(device);
      this.e = e;
      Initializer init = Initializer.fanIn(4 * e);
      conv = child("0", Linear.conv1x1(device, 4 * e, e, init, init));
      bn = child("1", new BatchNorm2d(device, e));
    }

    @Override
    protected Variable forward(Variable x) {
      return bn.call(conv.call(x));
    }

    /**
     * The same for differences of four sizes, finest first: a 1×1 convolution and bilinear
     * enlargement may change places, because the weights of the latter sum to 1, so that the
     * coarser maps are convolved at their own sizes.
     */
    Variable enlarging(Variable[] d, boolean alignCorners) {
      Variable finest = d[0];
      Variable sum = conv.contribution(finest, (SCALES - 1) * e, true);
      Variable same = null;
      for (int k = SCALES - 1; k > 0; k--) {
        Variable part = conv.contribution(d[k], (SCALES - 1 - k) * e, false);
        same = same == null ? part : Functional.add(same, part);
        boolean nextIsAlike = d[k - 1].dim(1) == d[k].dim(1) && d[k - 1].dim(2) == d[k].dim(2);
        if (k > 1 && nextIsAlike) {
          continue;
        }
        boolean full = finest.dim(1) == d[k].dim(1) && finest.dim(2) == d[k].dim(2);
        sum =
            Functional.add(
                sum,
                full
                    ? same
                    : Functional.interpolate(
                        same,
                        ResizeGeometry.Mode.BILINEAR,
                        finest.dim(1),
                        finest.dim(2),
                        alignCorners));
        same = null;
      }
      return bn.call(sum);
    }
  }

  /** x + 0.1·conv2(ReLU(conv1(x))). */
  private static final class ResidualConv extends Layer {
    private static final float FACTOR = 0.1f;

    private final Conv2d conv1;
    private final Conv2d conv2;

    ResidualConv(Device device, int e) {
      super(device);
      conv1 = child("conv1.conv2d", Conv2d.conv3x3(device, e, e, true));
      conv2 = child("conv2.conv2d", Conv2d.conv3x3(device, e, e, false));
    }

    @Override
    protected Variable forward(Variable x) {
      return Functional.add(x, conv2.call(conv1.call(x)), FACTOR);
    }

    /**
     * {@code next} of this block's result, without computing that: next(x + 0.1·conv2(r)) = next(x)
     * + 0.1·next(conv2(r)), and the last two convolutions become one with few channels.
     */
    Variable into(Conv2d next, Variable x) {
      return Functional.add(next.call(x), conv2.followedBy(next, conv1.call(x)), FACTOR);
    }
  }
}
