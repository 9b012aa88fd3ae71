package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.Conv2d;
import dev.changenet.nn.DropPath;
import dev.changenet.nn.LayerNorm;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.StepRandom;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.backend.Sampling.Levels;

/** Adds to the prior what it finds in the patch tokens, then processes it by convolutions. */
final class Extractor extends Module {
  private final LayerNorm queryNorm;
  private final LayerNorm featNorm;
  private final DeformableAttention attn;
  private final ConvFfn ffn;
  private final LayerNorm ffnNorm;
  private final DropPath dropPath;

  Extractor(Device device, VitVariant variant, StepRandom random) {
    super(device);
    int width = variant.width();
    double eps = variant.adapterEps();
    queryNorm = child("query_norm", new LayerNorm(device, width, eps, false));
    featNorm = child("feat_norm", new LayerNorm(device, width, eps, false));
    attn = child("attn", new DeformableAttention(device, width, 1, variant.deformableHeads()));
    ffn = child("ffn", new ConvFfn(device, width));
    ffnNorm = child("ffn_norm", new LayerNorm(device, width, eps, false));
    dropPath = child("drop_path", new DropPath(device, variant.dropPath(), random));
  }

  /** Prior tokens and patch tokens → prior tokens. */
  Variable call(Variable prior, Variable patches, AdapterGrid grid) {
    return run(
        () -> {
          Levels maps = grid.prior();
          Variable points = AdapterGrid.centres(maps, device());
          Variable found =
              attn.call(queryNorm.call(prior), points, featNorm.call(patches), grid.patchLevel());
          Variable c = Functional.add(prior, found);
          return dropPath.residual(c, ffn.call(ffnNorm.call(c), maps), null);
        });
  }

  /** An MLP with one depthwise convolution, applied to each of the three maps, in between. */
  private static final class ConvFfn extends Module {
    private final Linear fc1;
    private final Conv2d dwconv;
    private final Linear fc2;

    ConvFfn(Device device, int width) {
      super(device);
      Initializer weight = Initializer.normal(0.02);
      Initializer zero = Initializer.constant(0);
      int hidden = width / 4;
      fc1 = child("fc1", new Linear(device, width, hidden, weight, zero));
      dwconv =
          child(
              "dwconv.dwconv", Conv2d.depthwise(device, hidden, 3, Initializer.heFanOut(9), zero));
      fc2 = child("fc2", new Linear(device, hidden, width, weight, zero));
    }

    Variable call(Variable tokens, Levels maps) {
      return run(
          () -> {
            Variable x = fc1.call(tokens);
            Variable[] mixed = new Variable[maps.count()];
            for (int l = 0; l < mixed.length; l++) {
              int height = maps.heights()[l];
              int width = maps.widths()[l];
              Variable part = Functional.narrow(x, 1, maps.start(l), height * width);
              Variable map = dwconv.call(Functional.tokensToMap(part, height, width));
              mixed[l] = Functional.mapToTokens(map);
            }
            return fc2.call(Functional.gelu(Functional.concat(1, mixed)));
          });
    }
  }
}
