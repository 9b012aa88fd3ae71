package dev.changenet.tensor.cuda;

import dev.changenet.tensor.ChangeNetException;

/** A failure of the GPU, its driver or a CUDA library; the message names call and device. */
public final class CudaException extends ChangeNetException {
  private static final long serialVersionUID = 1L;

  public CudaException(String message) {
    super(message);
  }

  public CudaException(String message, Throwable cause) {
    super(message, cause);
  }
}
