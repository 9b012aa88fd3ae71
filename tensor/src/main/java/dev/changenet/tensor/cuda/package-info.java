/**
 * The backend for NVIDIA GPUs: JCuda for driver, memory and streams, cuBLAS for matrix products,
 * cuDNN for convolutions, and our own kernels (resources {@code cuda/*.cu}) for all else.
 *
 * <p>One stream per device carries all work, so kernels see each other's results in program order
 * and a released block may be used again at once.
 */
package dev.changenet.tensor.cuda;
