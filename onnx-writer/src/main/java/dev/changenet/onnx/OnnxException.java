package dev.changenet.onnx;

import dev.changenet.tensor.ChangeNetException;

/** A model that cannot be exported, written, read or decrypted; the message says which and why. */
public class OnnxException extends ChangeNetException {
  private static final long serialVersionUID = 1L;

  public OnnxException(String message) {
    super(message);
  }

  public OnnxException(String message, Throwable cause) {
    super(message, cause);
  }
}
