package dev.changenet.image;

/** A picture file that is cut short or whose content contradicts its header. */
public final class DamagedPictureException extends DataException {
  private static final long serialVersionUID = 1L;

  public DamagedPictureException(String message, Throwable cause) {
    super(message, cause);
  }
}
