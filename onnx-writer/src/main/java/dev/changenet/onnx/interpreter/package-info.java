/**
 * Computes ONNX files with plain loops, to prove what was written. Shares no code with the lowering
 * or with the kernels of the engine, so that a mistake there can't hide here.
 */
package dev.changenet.onnx.interpreter;
