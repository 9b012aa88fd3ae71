package dev.changenet.tensor.backend;

/** Elementwise activation functions. */
public enum Activation {
  NONE,
  RELU,
  /** Exact form, 0.5·x·(1 + erf(x/√2)). */
  GELU,
  SIGMOID,
  /** x·sigmoid(x). */
  SILU
}
