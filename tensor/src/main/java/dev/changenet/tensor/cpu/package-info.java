/**
 * The CPU backend: Vector API kernels on heap arrays, channels-last, with a thread pool. The only
 * package that uses {@code jdk.incubator.vector}. One class per op family; each kernel is tested
 * against {@link dev.changenet.tensor.reference}.
 */
package dev.changenet.tensor.cpu;
