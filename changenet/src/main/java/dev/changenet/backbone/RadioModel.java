package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.JoinedBatches;
import dev.changenet.nn.Layer;
import dev.changenet.nn.Module;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.StepDraws;
import dev.changenet.nn.StepRandom;
import dev.changenet.nn.init.Initializer;
import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;
import java.util.ArrayList;
import java.util.List;

/**
 * The transformer of C-RADIO v2 (Ranzinger et al., "AM-RADIO"): patches, positions from a table,
 * four class and four register tokens, blocks.
 */
final class RadioModel extends Module {
  /** Class and register tokens. */
  static final int PREFIX = 8;

  private final List<VitBlock> blocks = new ArrayList<>();
  private final PatchGenerator patchGenerator;

  RadioModel(Device device, VitVariant variant, StepRandom random) {
    super(device);
    for (int i = 0; i < variant.depth(); i++) {
      VitBlock block = new VitBlock(device, variant, variant.blockDropPath(i), random);
      blocks.add(child("blocks." + i, block));
    }
    patchGenerator = child("patch_generator", new PatchGenerator(device, variant, random));
  }

  /** Image [B, H, W, 3] → prefix and patch tokens [B, 8 + N, D]. */
  Variable embed(Variable image) {
    return patchGenerator.call(image);
  }

  List<VitBlock> blocks() {
    return blocks;
  }

  private static final class PatchGenerator extends Layer {
    private final Parameter posEmbed;
    private final Embedder embedder;
    private final PrefixTokens clsToken;
    private final StepDraws draws;
    private final boolean randomPositions;
    private final int width;
    private final int table;

    PatchGenerator(Device device, VitVariant variant, StepRandom random) {
      super(device);
      width = variant.width();
      table = variant.positionTable();
      randomPositions = variant.randomPositions();
      draws = new StepDraws(random);
      Initializer init = Initializer.normal(1 / Math.sqrt(width));
      posEmbed = parameter("pos_embed", init, 1, table * table, width);
      embedder = child("embedder", new Embedder(device, width));
      clsToken = child("cls_token", new PrefixTokens(device, width, init));
    }

    @Override
    protected Variable forward(Variable image) {
      int h = image.dim(1) / VitVariant.PATCH;
      int w = image.dim(2) / VitVariant.PATCH;
      Variable patches = embedder.call(image);
      Variable placed =
          randomPositions && isTraining()
              ? Functional.add(patches, randomCrops(patches.dim(0), h, w))
              : Functional.addRepeated(patches, resized(h, w));
      return clsToken.call(placed);
    }

    /** The table at the size of the larger side, cut to h × w: [1, h·w, D]. */
    private Variable resized(int h, int w) {
      int m = Math.max(h, w);
      Variable map = Functional.tokensToMap(posEmbed, table, table);
      map = Functional.interpolate(map, Mode.BILINEAR, m, m, true);
      if (h < m) {
        map = Functional.narrow(map, 1, 0, h);
      }
      if (w < m) {
        map = Functional.narrow(map, 2, 0, w);
      }
      return Functional.mapToTokens(map);
    }

    /** For every sample a random window of the table, or nothing for one in ten: [B, h·w, D]. */
    private Variable randomCrops(int batch, int h, int w) {
      int samples = batch / JoinedBatches.count();
      RandomStream random = null;
      float[] positions = new float[batch * h * w * 2];
      float[] keep = new float[batch];
      for (int b = 0; b < batch; b++) {
        if (b % samples == 0) {
          random = draws.next("position_crop/" + path());
        }
        crop(random, h, w, positions, b * h * w * 2);
        keep[b] = random.nextDouble() > 0.1 ? 1 : 0;
      }
      Variable map = Functional.reshape(posEmbed, table, table, width);
      return Functional.sampleTable(map, tensor(positions, batch, h * w, 2), tensor(keep, batch));
    }

    private static void crop(RandomStream random, int h, int w, float[] positions, int from) {
      double scale = random.uniform(Math.sqrt(0.1), 1);
      double aspect = StrictMath.exp(random.uniform(Math.log(3.0 / 4), Math.log(4.0 / 3)));
      double sx = Math.min(1, scale * aspect);
      double sy = Math.min(1, scale / aspect);
      double x0 = random.uniform(0, 1 - sx);
      double y0 = random.uniform(0, 1 - sy);
      int at = from;
      for (int i = 0; i < h; i++) {
        for (int j = 0; j < w; j++) {
          positions[at++] = (float) (x0 + sx * j / (w - 1));
          positions[at++] = (float) (y0 + sy * i / (h - 1));
        }
      }
    }

    private Tensor tensor(float[] values, int... shape) {
      Tensor t = Tensor.empty(Shape.of(shape), device().floating(), device());
      write(t, values);
      return t;
    }
  }

  /** Patches of 16 × 16 pixels, in the order channel, row, column, times a matrix. */
  private static final class Embedder extends Layer {
    private final Parameter weight;

    Embedder(Device device, int width) {
      super(device);
      int in = 3 * VitVariant.PATCH * VitVariant.PATCH;
      weight = parameter("weight", Initializer.fanIn(in), width, in);
    }

    @Override
    protected Variable forward(Variable image) {
      int patch = VitVariant.PATCH;
      Variable kernel = Functional.reshape(weight, weight.dim(0), 3, patch, patch);
      return Functional.mapToTokens(Functional.conv2d(image, kernel, null, patch, 0, 1));
    }
  }

  /** Puts the class and register tokens in front. */
  private static final class PrefixTokens extends Layer {
    private final Parameter token;

    PrefixTokens(Device device, int width, Initializer init) {
      super(device);
      token = parameter("token", init, PREFIX, width);
    }

    @Override
    protected Variable forward(Variable patches) {
      Variable prefix = Functional.reshape(token, 1, PREFIX, token.dim(1));
      return Functional.concat(1, Functional.repeatBatch(prefix, patches), patches);
    }
  }
}
