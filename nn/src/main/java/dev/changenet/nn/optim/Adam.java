package dev.changenet.nn.optim;

import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.backend.Optimize;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Adam (Kingma, Ba 2015) and AdamW (Loshchilov, Hutter 2019), arithmetic as {@code torch.optim}.
 */
public final class Adam extends Optimizer {
  private final boolean decoupled;
  private double beta1;
  private double beta2;
  private double eps = 1e-8;
  private double weightDecay;

  private Adam(
      List<Parameter> parameters,
      double lr,
      double beta1,
      double beta2,
      double weightDecay,
      boolean decoupled) {
    super(parameters, lr, List.of("exp_avg", "exp_avg_sq"));
    this.beta1 = beta(0, beta1);
    this.beta2 = beta(1, beta2);
    this.weightDecay = atLeastZero("weight_decay value", weightDecay);
    this.decoupled = decoupled;
  }

  /**
   * Weight decay shrinks the parameter directly.
   *
   * @throws IllegalArgumentException when a number is outside its range ({@code lr} and {@code
   *     weightDecay} from 0, betas from 0 to below 1) or a parameter is listed twice
   */
  public static Adam adamW(
      List<Parameter> parameters, double lr, double beta1, double beta2, double weightDecay) {
    return new Adam(parameters, lr, beta1, beta2, weightDecay, true);
  }

  /**
   * Weight decay is added to the gradient.
   *
   * @throws IllegalArgumentException when a number is outside its range ({@code lr} and {@code
   *     weightDecay} from 0, betas from 0 to below 1) or a parameter is listed twice
   */
  public static Adam adam(
      List<Parameter> parameters, double lr, double beta1, double beta2, double weightDecay) {
    return new Adam(parameters, lr, beta1, beta2, weightDecay, false);
  }

  private static double beta(int index, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(
          "invalid beta parameter at index "
              + index
              + ": got "
              + value
              + ", expected 0 or more and less than 1");
    }
    return value;
  }

  @Override
  public String name() {
    return decoupled ? "adamw" : "adam";
  }

  @Override
  void update(List<Pending> pending, long step, Tensor guard) {
    List<Optimize.AdamTensors> tensors = new ArrayList<>();
    for (Pending p : pending) {
      tensors.add(
          new Optimize.AdamTensors(
              p.parameter().data(), p.parameter().grad(), p.slots()[0], p.slots()[1]));
    }
    Backends.of(pending.getFirst().parameter().data().device())
        .optimize()
        .adamAll(tensors, lr(), beta1, beta2, eps, weightDecay, decoupled, step, guard);
  }

  @Override
  public Map<String, Object> hyperparameters() {
    return ordered(
        "lr",
        lr(),
        "betas",
        new double[] {beta1, beta2},
        "eps",
        eps,
        "weight_decay",
        weightDecay,
        "amsgrad",
        false,
        "foreach",
        null,
        "maximize",
        false,
        "capturable",
        false,
        "differentiable",
        false,
        "fused",
        null);
  }

  @Override
  public void setHyperparameters(Map<?, ?> group) {
    requireOff(group, "amsgrad", "maximize");
    setLr(number(group, "lr", lr()));
    eps = atLeastZero("epsilon value", number(group, "eps", eps));
    weightDecay = atLeastZero("weight_decay value", number(group, "weight_decay", weightDecay));
    if (group.get("betas") instanceof List<?> b
        && b.size() == 2
        && b.get(0) instanceof Number b1
        && b.get(1) instanceof Number b2) {
      beta1 = beta(0, b1.doubleValue());
      beta2 = beta(1, b2.doubleValue());
    }
  }
}
