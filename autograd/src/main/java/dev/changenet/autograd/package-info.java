/**
 * Define-by-run reverse mode: {@link dev.changenet.autograd.Functional} computes and records,
 * {@link dev.changenet.autograd.Tape} owns what was saved, {@link dev.changenet.autograd.Variable}
 * starts the backward pass. A {@link dev.changenet.autograd.Trace} sees the same operations, which
 * is what the ONNX exporter writes.
 */
package dev.changenet.autograd;
