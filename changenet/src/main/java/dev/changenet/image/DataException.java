package dev.changenet.image;

import dev.changenet.tensor.ChangeNetException;

/**
 * Something in the user's data set cannot be used: a missing or broken file, a list without
 * samples, a mask value without a class. The message names the path, what was found there and what
 * to do.
 */
public class DataException extends ChangeNetException {
  private static final long serialVersionUID = 1L;

  public DataException(String message) {
    super(message);
  }

  public DataException(String message, Throwable cause) {
    super(message, cause);
  }
}
