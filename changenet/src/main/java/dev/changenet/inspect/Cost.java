package dev.changenet.inspect;

/**
 * What a part of a network has and takes.
 *
 * @param parameters elements of parameters
 * @param trainable those that training changes
 * @param buffers elements of buffers
 * @param flops floating-point operations, two per multiply-add
 * @param kept bytes of activations kept for the backward pass
 * @param forwardNanos time in forward passes
 * @param backwardNanos time in backward passes
 */
public record Cost(
    long parameters,
    long trainable,
    long buffers,
    double flops,
    long kept,
    double forwardNanos,
    double backwardNanos) {
  static final Cost NONE = new Cost(0, 0, 0, 0, 0, 0, 0);

  static Cost of(TensorInfo tensor) {
    long n = tensor.elements();
    return switch (tensor.kind()) {
      case TRAINABLE -> new Cost(n, n, 0, 0, 0, 0, 0);
      case FROZEN -> new Cost(n, 0, 0, 0, 0, 0, 0);
      case BUFFER -> new Cost(0, 0, n, 0, 0, 0, 0);
    };
  }

  static Cost flops(double flops) {
    return new Cost(0, 0, 0, flops, 0, 0, 0);
  }

  static Cost kept(long bytes) {
    return new Cost(0, 0, 0, 0, bytes, 0, 0);
  }

  /** Arithmetic and time of one pass of an operation. */
  static Cost of(double flops, boolean backward, double nanos) {
    return new Cost(0, 0, 0, flops, 0, backward ? 0 : nanos, backward ? nanos : 0);
  }

  Cost plus(Cost o) {
    return new Cost(
        parameters + o.parameters,
        trainable + o.trainable,
        buffers + o.buffers,
        flops + o.flops,
        kept + o.kept,
        forwardNanos + o.forwardNanos,
        backwardNanos + o.backwardNanos);
  }

  /** Time of both passes. */
  public double nanos() {
    return forwardNanos + backwardNanos;
  }
}
