package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.backend.Sampling.Levels;

/**
 * Multi-scale deformable attention (Zhu et al., "Deformable DETR"), with values of half the width
 * as the ViT-Adapter uses it.
 */
final class DeformableAttention extends Module {
  /** Sampling points per head and level. */
  static final int POINTS = 4;

  private static final Initializer ZERO = Initializer.constant(0);

  private final Linear samplingOffsets;
  private final Linear attentionWeights;
  private final Linear valueProj;
  private final Linear outputProj;
  private final int heads;

  DeformableAttention(Device device, int width, int levels, int heads) {
    super(device);
    this.heads = heads;
    int each = heads * levels * POINTS;
    int values = width / 2;
    Initializer directions = (v, n, r) -> directions(v, levels, heads);
    samplingOffsets =
        child("sampling_offsets", new Linear(device, width, 2 * each, ZERO, directions));
    attentionWeights = child("attention_weights", new Linear(device, width, each, ZERO, ZERO));
    Initializer xavier = Initializer.xavier(width, values);
    valueProj = child("value_proj", new Linear(device, width, values, xavier, ZERO));
    outputProj = child("output_proj", new Linear(device, values, width, xavier, ZERO));
  }

  /** Head k looks in direction 2πk/heads; point p is p + 1 pixels away along the longer axis. */
  private static void directions(float[] v, int levels, int heads) {
    int at = 0;
    for (int k = 0; k < heads; k++) {
      double t = 2 * Math.PI * k / heads;
      double longest = Math.max(Math.abs(Math.cos(t)), Math.abs(Math.sin(t)));
      for (int l = 0; l < levels; l++) {
        for (int p = 1; p <= POINTS; p++) {
          v[at++] = (float) (p * Math.cos(t) / longest);
          v[at++] = (float) (p * Math.sin(t) / longest);
        }
      }
    }
  }

  /**
   * Attention of queries to values.
   *
   * @param query [B, Nq, D]
   * @param reference reference points [Nq, 2]
   * @param values [B, Nv, D]
   * @param levels maps that the values make up
   * @return [B, Nq, D]
   */
  Variable call(Variable query, Variable reference, Variable values, Levels levels) {
    return run(
        () -> {
          Variable weights =
              Functional.softmax(attentionWeights.call(query), levels.count() * POINTS);
          Variable sampled =
              Functional.deformableAttention(
                  valueProj.call(values),
                  levels,
                  reference,
                  samplingOffsets.call(query),
                  weights,
                  heads,
                  POINTS);
          return outputProj.call(sampled);
        });
  }
}
