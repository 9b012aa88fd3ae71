package dev.changenet.nn.optim;

import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.util.List;
import java.util.Map;

/** SGD with heavy-ball momentum, no Nesterov, no dampening, L2 weight decay. */
public final class Sgd extends Optimizer {
  private double momentum;
  private double weightDecay;

  public Sgd(List<Parameter> parameters, double lr, double momentum, double weightDecay) {
    super(parameters, lr, List.of("momentum_buffer"));
    this.momentum = momentum;
    this.weightDecay = weightDecay;
  }

  @Override
  public String name() {
    return "sgd";
  }

  @Override
  void update(int i, Parameter p, Tensor[] state, long step) {
    Backends.of(p.data().device())
        .optimize()
        .sgd(p.data(), p.grad(), state[0], lr(), momentum, weightDecay, step == 1);
  }

  @Override
  public Map<String, Object> hyperparameters() {
    return ordered(
        "lr",
        lr(),
        "momentum",
        momentum,
        "dampening",
        0L,
        "weight_decay",
        weightDecay,
        "nesterov",
        false,
        "maximize",
        false,
        "foreach",
        null,
        "differentiable",
        false,
        "fused",
        null);
  }

  @Override
  public void setHyperparameters(Map<?, ?> group) {
    setLr(number(group, "lr", lr()));
    momentum = number(group, "momentum", momentum);
    weightDecay = number(group, "weight_decay", weightDecay);
  }
}
