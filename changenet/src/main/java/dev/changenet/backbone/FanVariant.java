package dev.changenet.backbone;

/**
 * Sizes of a FAN-hybrid backbone.
 *
 * @param convNeXtDepths blocks of the two ConvNeXt stages
 * @param convNeXtDims widths of the two stages
 * @param width token width C
 * @param depth number of FAN blocks
 * @param heads heads, each C / heads wide
 * @param outIndex block whose output is the third map (the name does not give the depth, and in the
 *     large variant it is not the last block)
 * @param classBlocks class-attention blocks after the last FAN block
 */
public record FanVariant(
    int[] convNeXtDepths,
    int[] convNeXtDims,
    int width,
    int depth,
    int heads,
    int outIndex,
    int classBlocks) {

  /** Returns the variant of a {@code model.backbone.type}, or null for other names. */
  public static FanVariant of(String type) {
    return switch (type) {
      case "fan_tiny_8_p4_hybrid" -> hybrid(3, 192, 8, 8, 7);
      case "fan_small_12_p4_hybrid" -> hybrid(3, 384, 10, 8, 9);
      case "fan_base_16_p4_hybrid" -> hybrid(3, 448, 16, 8, 15);
      case "fan_large_16_p4_hybrid" -> hybrid(5, 480, 22, 10, 18);
      default -> null;
    };
  }

  private static FanVariant hybrid(int secondDepth, int width, int depth, int heads, int outIndex) {
    return new FanVariant(
        new int[] {3, secondDepth}, new int[] {128, 256}, width, depth, heads, outIndex, 2);
  }
}
