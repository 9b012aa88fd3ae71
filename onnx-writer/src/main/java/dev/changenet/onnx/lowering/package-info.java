/**
 * Translates a recorded forward pass into an ONNX graph.
 *
 * <p>The engine keeps maps channels-last, [B, H, W, C]; the graph is natural NCHW. A value may
 * exist as a map [B, C, H, W], as rows in the engine's order [B, N, C], or both; conversions are
 * made on demand and once, so a change of view that nobody needs costs no node.
 */
package dev.changenet.onnx.lowering;
