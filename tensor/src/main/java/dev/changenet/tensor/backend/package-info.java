/**
 * The contract between tensors and devices: one interface per op family. A backend implements all
 * of them; {@link dev.changenet.tensor.backend.Backends} finds the one of a device.
 *
 * <p>Conventions: tensors are contiguous; images are [B, H, W, C], tokens [B, N, C]; "rows" means
 * all dimensions but the last. Outputs are allocated by the caller and fully overwritten; an
 * argument named {@code grad…} that is null is not computed. No kernel keeps a reference to its
 * arguments. Results don't depend on the number of threads.
 */
package dev.changenet.tensor.backend;
