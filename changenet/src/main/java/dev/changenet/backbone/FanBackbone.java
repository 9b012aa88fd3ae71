package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.Conv2d;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.StepRandom;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;
import java.util.ArrayList;
import java.util.List;

/**
 * FAN-hybrid backbone: ConvNeXt stem, 2×2 patch projection, position encoding, FAN blocks,
 * class-attention blocks. Maps: both stem stages, one block's output, the final patch tokens;
 * strides 4, 8, 16, 16.
 */
public final class FanBackbone extends Backbone {
  /** Channels of the position encoding for each axis, half of them sines, half cosines. */
  public static final int POSITION_CHANNELS = 32;

  /** Ratio of the longest to the shortest wavelength of the position encoding, nearly. */
  public static final double POSITION_TEMPERATURE = 10000;

  /** Added to height and width where positions are divided by them. */
  public static final double POSITION_EPS = 1e-6;

  private final FanVariant variant;
  private final boolean checkpoint;
  private final Parameter clsToken;
  private final ConvNeXtStem stem;
  private final Conv2d proj;
  private final FourierPositionEncoding posEmbed;
  private final List<FanBlock> blocks = new ArrayList<>();
  private final List<ClassAttentionBlock> classBlocks = new ArrayList<>();
  private final List<Parameter> idle = new ArrayList<>();
  private boolean computeClassToken;

  /**
   * @param checkpoint in training, compute the blocks again in the backward pass instead of keeping
   *     their activations
   */
  public FanBackbone(
      Device device, FanVariant variant, double dropPath, boolean checkpoint, StepRandom random) {
    super(device);
    this.variant = variant;
    this.checkpoint = checkpoint;
    int c = variant.width();
    clsToken = parameter("cls_token", FanBlock.WEIGHT, 1, 1, c);
    stem =
        child(
            "patch_embed.backbone",
            new ConvNeXtStem(device, variant.convNeXtDepths(), variant.convNeXtDims(), checkpoint));
    int stemOut = variant.convNeXtDims()[1];
    Initializer init = Initializer.fanIn(4 * stemOut);
    proj = child("patch_embed.proj", new Conv2d(device, stemOut, c, 2, 2, 0, 1, false, init, init));
    posEmbed = child("pos_embed", new FourierPositionEncoding(device, c));
    for (int i = 0; i < variant.depth(); i++) {
      blocks.add(child("blocks." + i, new FanBlock(device, c, variant.heads(), dropPath, random)));
    }
    idle.add(clsToken);
    for (int i = 0; i < variant.classBlocks(); i++) {
      ClassAttentionBlock block = new ClassAttentionBlock(device, c, variant.heads());
      classBlocks.add(child("cls_attn_blocks." + i, block));
      idle.addAll(block.idleParameters());
    }
  }

  /**
   * Computes the class token too, although no map depends on it, so that hooks on the
   * class-attention blocks see what the definition says.
   */
  public void setComputeClassToken(boolean on) {
    computeClassToken = on;
  }

  @Override
  public List<Variable> features(Variable image) {
    return runAll(
        () -> {
          List<Variable> maps = new ArrayList<>(stem.features(image));
          Variable grid = proj.call(maps.get(1));
          int h = grid.dim(1);
          int w = grid.dim(2);
          Variable x = Functional.mapToTokens(Functional.addRepeated(grid, posEmbed.encode(h, w)));
          for (int i = 0; i < blocks.size(); i++) {
            x = blocks.get(i).call(x, h, w, checkpoint);
            if (i == variant.outIndex()) {
              maps.add(Functional.tokensToMap(x, h, w));
            }
          }
          maps.add(Functional.tokensToMap(classAttention(x), h, w));
          return maps;
        });
  }

  private Variable classAttention(Variable tokens) {
    Variable x = tokens;
    if (computeClassToken) {
      int n = x.dim(1);
      x = Functional.concat(1, Functional.repeatBatch(clsToken, x), x);
      for (ClassAttentionBlock block : classBlocks) {
        x = block.withClassToken(x);
      }
      return Functional.narrow(x, 1, 1, n);
    }
    for (ClassAttentionBlock block : classBlocks) {
      x = block.patchTokens(x);
    }
    // The reference computes the class token, so its parameters get a gradient of zero there and
    // optimizers still apply weight decay to them.
    return isTraining() ? Functional.attachIdle(x, idle) : x;
  }

  @Override
  public int[] channels() {
    int[] d = variant.convNeXtDims();
    return new int[] {d[0], d[1], variant.width(), variant.width()};
  }

  @Override
  public int divisor() {
    return 16;
  }
}
