package dev.changenet.backbone;

import dev.changenet.autograd.Variable;
import dev.changenet.nn.LayerNorm;
import dev.changenet.nn.LayerScale;
import dev.changenet.nn.Module;
import dev.changenet.tensor.Device;

/** Adds to the patch tokens what they find in the prior; weak at first. */
final class Injector extends Module {
  private final LayerNorm queryNorm;
  private final LayerNorm featNorm;
  private final DeformableAttention attn;
  private final LayerScale ls;

  Injector(Device device, VitVariant variant) {
    super(device);
    int width = variant.width();
    queryNorm = child("query_norm", new LayerNorm(device, width, variant.adapterEps(), false));
    featNorm = child("feat_norm", new LayerNorm(device, width, variant.adapterEps(), false));
    attn = child("attn", new DeformableAttention(device, width, 3, variant.deformableHeads()));
    ls = child("ls", new LayerScale(device, width, 1e-5));
  }

  /** Patch tokens [B, N, D] and prior tokens [B, 4N + N + N/4, D] → patch tokens. */
  Variable call(Variable patches, Variable prior, AdapterGrid grid) {
    return run(
        () -> {
          Variable points = AdapterGrid.centres(grid.patchLevel(), device());
          Variable found =
              attn.call(queryNorm.call(patches), points, featNorm.call(prior), grid.prior());
          return ls.residual(patches, found, null);
        });
  }
}
