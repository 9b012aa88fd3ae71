package dev.changenet.backbone;

import dev.changenet.autograd.Variable;
import dev.changenet.nn.Module;
import dev.changenet.tensor.Device;
import java.util.List;

/** Turns an image into four feature maps. */
public abstract class Backbone extends Module {
  protected Backbone(Device device) {
    super(device);
  }

  /**
   * Computes the maps, finest first.
   *
   * @param image [B, H, W, 3], normalised; H and W multiples of {@link #divisor}
   * @return four maps [B, H/s, W/s, channels]
   */
  public abstract List<Variable> features(Variable image);

  /** Channels of the four maps. */
  public abstract int[] channels();

  /** Stops training of what {@code freeze_backbone} freezes: all, unless overridden. */
  public void freezePretrained() {
    freeze();
  }

  /** Image sides must be multiples of this. */
  public abstract int divisor();
}
