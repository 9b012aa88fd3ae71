package dev.changenet.backbone;

/**
 * Sizes of a vision transformer with a ViT-Adapter.
 *
 * @param core which transformer
 * @param width token width D
 * @param depth number of blocks, a multiple of 4: each of the four interactions runs a quarter
 * @param heads attention heads
 * @param hidden width of the MLP; behind the gate for SwiGLU
 * @param dropPath highest drop path rate: grows linearly over the blocks, and applies as it is to
 *     the extractors
 * @param priorWidth first width of the spatial prior
 * @param deformableHeads heads of the deformable attention
 * @param positionTable side of the position table (C-RADIO)
 * @param randomPositions whether training draws crops of the position table (C-RADIO)
 */
public record VitVariant(
    Core core,
    int width,
    int depth,
    int heads,
    int hidden,
    double dropPath,
    int priorWidth,
    int deformableHeads,
    int positionTable,
    boolean randomPositions) {

  /** The transformers that the adapter wraps. */
  public enum Core {
    /** NV-DINOv2: SwiGLU, layer scale, class token, interpolated positions. */
    NV_DINO_V2,
    /** C-RADIO v2: GELU, class and register tokens, a table of positions that is cropped. */
    C_RADIO_V2
  }

  /** Side of a patch in pixels. */
  public static final int PATCH = 16;

  /** Returns the variant of a {@code model.backbone.type}, or null for other names. */
  public static VitVariant of(String type) {
    return switch (type) {
      case "vit_large_nvdinov2" ->
          new VitVariant(Core.NV_DINO_V2, 1024, 24, 16, 2736, 0.4, 56, 16, 0, false);
      case "c_radio_v2_vit_base_patch16_224" -> radio(768, 12, 12);
      case "c_radio_v2_vit_large_patch16_224" -> radio(1024, 24, 16);
      case "c_radio_v2_vit_huge_patch16_224" -> radio(1280, 32, 16);
      default -> null;
    };
  }

  private static VitVariant radio(int width, int depth, int heads) {
    return new VitVariant(Core.C_RADIO_V2, width, depth, heads, 4 * width, 0, 56, 16, 128, true);
  }

  /** This variant without random draws in training: no drop path, positions as in evaluation. */
  public VitVariant deterministic() {
    return new VitVariant(
        core, width, depth, heads, hidden, 0, priorWidth, deformableHeads, positionTable, false);
  }

  /** Drop path rate of block {@code i}. */
  double blockDropPath(int i) {
    return depth == 1 ? 0 : dropPath * i / (depth - 1);
  }

  /** Eps of the adapter's layer norms. */
  double adapterEps() {
    return core == Core.NV_DINO_V2 ? 1e-6 : 1e-5;
  }
}
