package dev.changenet.autograd;

import dev.changenet.tensor.ChangeNetException;

/** Batch norm in training got a single value per channel, which has no variance. */
public final class TooFewValuesException extends ChangeNetException {
  private static final long serialVersionUID = 1L;

  TooFewValuesException(String message) {
    super(message);
  }
}
