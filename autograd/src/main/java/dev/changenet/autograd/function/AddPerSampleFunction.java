package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** x + y with one y per sample: x [B, …, C], y [B, C]. */
public final class AddPerSampleFunction extends Function {
  @Override
  public Op op() {
    return Op.ADD_PER_SAMPLE;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor out = in[0].emptyLike();
    backend(out).elementwise().addPerSample(in[0], in[1], out);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    g.set(0, gradOut);
    if (g.needed(1)) {
      Tensor gradY = gradOut.emptyLike(gradOut.dim(0), gradOut.dim(-1));
      backend(gradOut).elementwise().sumPerSample(gradOut, gradY);
      g.set(1, gradY);
    }
  }
}
