package dev.changenet.backbone;

import dev.changenet.autograd.Variable;
import dev.changenet.nn.StepRandom;
import dev.changenet.tensor.Device;
import java.util.List;

/**
 * C-RADIO v2 with the ViT-Adapter. The class and register tokens may be fused into the maps ({@code
 * use_summary_token}).
 */
public final class RadioBackbone extends VitAdapter {
  private final RadioModel radio;

  /**
   * @param summary fuse class and register tokens into the maps
   * @param checkpoint compute blocks again in the backward pass
   */
  public RadioBackbone(
      Device device, VitVariant variant, boolean summary, boolean checkpoint, StepRandom random) {
    super(device, variant, checkpoint);
    registerLevelEmbed();
    // Three wrappers in the reference, without parameters of their own.
    radio = child("radio.radio.radio.model", new RadioModel(device, variant, random));
    registerAdapter(summary ? RadioModel.PREFIX : 0, random);
  }

  @Override
  Variable embed(Variable image) {
    return radio.embed(image);
  }

  @Override
  List<VitBlock> blocks() {
    return radio.blocks();
  }

  /** Stops training of the transformer with all its tokens; the adapter stays trainable. */
  @Override
  public void freezePretrained() {
    radio.freeze();
  }
}
