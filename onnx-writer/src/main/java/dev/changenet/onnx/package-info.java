/**
 * ONNX models: objects to build a graph, structural checks, and the file format. Nothing here knows
 * the operations of ChangeNet; {@link dev.changenet.onnx.lowering} translates them.
 */
package dev.changenet.onnx;
