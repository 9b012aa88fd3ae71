/** From a checkpoint to an ONNX file. */
package dev.changenet.export;
