/**
 * Tensors: shape, element type, device, storage with an owner, and the scopes that release what a
 * computation no longer needs. Kernels live behind {@link dev.changenet.tensor.backend.Backend}.
 */
package dev.changenet.tensor;
