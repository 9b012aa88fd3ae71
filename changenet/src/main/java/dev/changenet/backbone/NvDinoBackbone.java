package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.Conv2d;
import dev.changenet.nn.Layer;
import dev.changenet.nn.LayerNorm;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.StepRandom;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;
import java.util.ArrayList;
import java.util.List;

/**
 * NV-DINOv2 with the ViT-Adapter: one class token, positions learned for one image size and resized
 * for others. The final norm is part of checkpoints but nothing reads it. The class token is always
 * fused into the maps.
 */
public final class NvDinoBackbone extends VitAdapter {
  private final Parameter clsToken;
  private final Parameter posEmbed;
  private final Conv2d patchEmbed;
  private final Positions positions;
  private final List<VitBlock> blocks = new ArrayList<>();
  private final int grid;

  /**
   * @param imgSize side of the images that the positions are learned for, a multiple of 16
   * @param checkpoint compute blocks again in the backward pass
   */
  public NvDinoBackbone(
      Device device, VitVariant variant, int imgSize, boolean checkpoint, StepRandom random) {
    super(device, variant, checkpoint);
    int d = variant.width();
    int patch = VitVariant.PATCH;
    grid = imgSize / patch;
    clsToken = parameter("cls_token", Initializer.constant(0), 1, 1, d);
    posEmbed = parameter("pos_embed", Initializer.normal(0.02), 1, 1 + grid * grid, d);
    registerLevelEmbed();
    Initializer init = Initializer.fanIn(3 * patch * patch);
    patchEmbed =
        child("patch_embed.proj", new Conv2d(device, 3, d, patch, patch, 0, 1, false, init, init));
    positions = child("pos_drop", new Positions(device));
    for (int i = 0; i < variant.depth(); i++) {
      VitBlock block = new VitBlock(device, variant, variant.blockDropPath(i), random);
      blocks.add(child("blocks." + i, block));
    }
    child("norm", new LayerNorm(device, d, 1e-6, false));
    registerAdapter(1, random);
  }

  /** Adds class token and positions to a map of patches. */
  private final class Positions extends Layer {
    Positions(Device device) {
      super(device);
    }

    @Override
    protected Variable forward(Variable map) {
      Variable patches = Functional.mapToTokens(map);
      Variable x = Functional.concat(1, Functional.repeatBatch(clsToken, patches), patches);
      return Functional.addRepeated(x, positions(map.dim(1), map.dim(2)));
    }
  }

  /** Positions of the class token and of h · w patches, [1, 1 + h·w, D]. */
  private Variable positions(int h, int w) {
    if (h == grid && w == grid) {
      return posEmbed;
    }
    Variable patches = Functional.narrow(posEmbed, 1, 1, grid * grid);
    Variable map = Functional.tokensToMap(patches, grid, grid);
    Variable resized = Functional.interpolate(map, Mode.BICUBIC, h, w, false);
    return Functional.concat(
        1, Functional.narrow(posEmbed, 1, 0, 1), Functional.mapToTokens(resized));
  }

  @Override
  Variable embed(Variable image) {
    return positions.call(patchEmbed.call(image));
  }

  @Override
  List<VitBlock> blocks() {
    return blocks;
  }

  /** Stops training of the transformer; class token and adapter stay trainable. */
  @Override
  public void freezePretrained() {
    posEmbed.setFrozen(true);
    patchEmbed.freeze();
    blocks.forEach(VitBlock::freeze);
    find("norm").freeze();
  }
}
