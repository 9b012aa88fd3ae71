package dev.changenet.nn.optim;

import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.backend.Optimize;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** SGD with heavy-ball momentum, no Nesterov, no dampening, L2 weight decay. */
public final class Sgd extends Optimizer {
  private double momentum;
  private double weightDecay;

  /**
   * @throws IllegalArgumentException when a number is negative or a parameter is listed twice
   */
  public Sgd(List<Parameter> parameters, double lr, double momentum, double weightDecay) {
    super(parameters, lr, List.of("momentum_buffer"));
    this.momentum = atLeastZero("momentum value", momentum);
    this.weightDecay = atLeastZero("weight_decay value", weightDecay);
  }

  @Override
  public String name() {
    return "sgd";
  }

  @Override
  void update(List<Pending> pending, long step, Tensor guard) {
    List<Optimize.SgdTensors> tensors = new ArrayList<>();
    for (Pending p : pending) {
      tensors.add(
          new Optimize.SgdTensors(p.parameter().data(), p.parameter().grad(), p.slots()[0]));
    }
    Backends.of(pending.getFirst().parameter().data().device())
        .optimize()
        .sgdAll(tensors, lr(), momentum, weightDecay, step == 1, guard);
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
    requireOff(group, "dampening", "nesterov", "maximize");
    setLr(number(group, "lr", lr()));
    momentum = atLeastZero("momentum value", number(group, "momentum", momentum));
    weightDecay = atLeastZero("weight_decay value", number(group, "weight_decay", weightDecay));
  }
}
