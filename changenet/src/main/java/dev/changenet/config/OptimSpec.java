package dev.changenet.config;

import java.util.List;

/**
 * Section {@code train.optim}.
 *
 * @param optim {@code adamw}, {@code adam} or {@code sgd}
 * @param lr initial learning rate
 * @param policy {@code linear} or {@code step}
 * @param momentum momentum of SGD
 * @param weightDecay decoupled decay (AdamW) or L2 term (Adam, SGD)
 * @param betas the two moment decays of AdamW and Adam
 * @param monitorName score that the best model is chosen by
 */
public record OptimSpec(
    String optim,
    double lr,
    String policy,
    double momentum,
    double weightDecay,
    List<Double> betas,
    String monitorName) {

  public OptimSpec {
    betas = List.copyOf(betas);
  }

  static OptimSpec from(SpecReading reading) {
    return new OptimSpec(
        reading.text("train.optim.optim"),
        reading.number("train.optim.lr"),
        reading.text("train.optim.policy"),
        reading.number("train.optim.momentum"),
        reading.number("train.optim.weight_decay"),
        reading.numbers("train.optim.betas"),
        reading.text("train.optim.monitor_name"));
  }
}
