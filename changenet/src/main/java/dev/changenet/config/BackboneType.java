package dev.changenet.config;

import java.util.List;

/** The encoders of {@code model.backbone.type}. */
public enum BackboneType {
  FAN_TINY_8_P4_HYBRID("fan_tiny_8_p4_hybrid", List.of(128, 256, 192, 192), 16, true),
  FAN_SMALL_12_P4_HYBRID("fan_small_12_p4_hybrid", List.of(128, 256, 384, 384), 16, true),
  FAN_BASE_16_P4_HYBRID("fan_base_16_p4_hybrid", List.of(128, 256, 448, 448), 16, true),
  FAN_LARGE_16_P4_HYBRID("fan_large_16_p4_hybrid", List.of(128, 256, 480, 480), 16, true),
  VIT_LARGE_NVDINOV2("vit_large_nvdinov2", equal(1024), 32, true),
  C_RADIO_V2_VIT_BASE_PATCH16_224("c_radio_v2_vit_base_patch16_224", equal(768), 32, true),
  C_RADIO_V2_VIT_LARGE_PATCH16_224("c_radio_v2_vit_large_patch16_224", equal(1024), 32, true),
  C_RADIO_V2_VIT_HUGE_PATCH16_224("c_radio_v2_vit_huge_patch16_224", equal(1280), 32, true),
  C_RADIO_P1_VIT_HUGE_PATCH16_224_MLPNORM(
      "c_radio_p1_vit_huge_patch16_224_mlpnorm", equal(1280), 32, false),
  C_RADIO_P2_VIT_HUGE_PATCH16_224_MLPNORM(
      "c_radio_p2_vit_huge_patch16_224_mlpnorm", equal(1280), 32, false),
  C_RADIO_P3_VIT_HUGE_PATCH16_224_MLPNORM(
      "c_radio_p3_vit_huge_patch16_224_mlpnorm", equal(1280), 32, false);

  private final String key;
  private final List<Integer> widths;
  private final int divisor;
  private final boolean supported;

  BackboneType(String key, List<Integer> widths, int divisor, boolean supported) {
    this.key = key;
    this.widths = widths;
    this.divisor = divisor;
    this.supported = supported;
  }

  private static List<Integer> equal(int width) {
    return List.of(width, width, width, width);
  }

  /**
   * Returns the encoder with this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static BackboneType of(String key) {
    for (BackboneType type : values()) {
      if (type.key.equals(key)) {
        return type;
      }
    }
    throw new IllegalArgumentException("unknown backbone " + key);
  }

  /** Returns the name used in specs. */
  public String key() {
    return key;
  }

  /** Returns the channels of the four feature maps, finest first. */
  public List<Integer> widths() {
    return widths;
  }

  /** Returns the number by which the image side must divide. */
  public int divisor() {
    return divisor;
  }

  /** Returns true if the last two feature maps have the same size (FAN), false for 1:2. */
  public boolean isFan() {
    return divisor == 16;
  }

  /** Returns true if this build can run the encoder. */
  public boolean isSupported() {
    return supported;
  }
}
