package dev.changenet.tensorboard;

/**
 * Values that belong to one step: scalars and pictures by tag.
 *
 * <p>Source: the field numbers of TensorFlow's {@code Event}, {@code Summary}, {@code
 * SummaryMetadata} and {@code SessionLog}.
 */
public final class Event {
  private static final int WALL_TIME = 1;
  private static final int STEP = 2;
  private static final int FILE_VERSION = 3;
  private static final int SUMMARY = 5;
  private static final int SESSION_LOG = 7;
  private static final int SESSION_STATUS = 1;
  private static final int SESSION_START = 1;
  private static final int SUMMARY_VALUE = 1;
  private static final int VALUE_TAG = 1;
  private static final int VALUE_SIMPLE = 2;
  private static final int VALUE_IMAGE = 4;
  private static final int VALUE_METADATA = 9;
  private static final int METADATA_PLUGIN = 1;
  private static final int METADATA_DESCRIPTION = 3;
  private static final int PLUGIN_NAME = 1;
  private static final int IMAGE_HEIGHT = 1;
  private static final int IMAGE_WIDTH = 2;
  private static final int IMAGE_COLORS = 3;
  private static final int IMAGE_FILE = 4;
  private static final int RGB = 3;

  private final long step;
  private final WireMessage summary = new WireMessage();

  /**
   * @param step optimizer steps done
   */
  public Event(long step) {
    this.step = step;
  }

  /** Adds a number. */
  public Event scalar(String tag, double value) {
    return add(new WireMessage().text(VALUE_TAG, tag).float32(VALUE_SIMPLE, (float) value));
  }

  /**
   * Adds a colour picture.
   *
   * @param file PNG or JPEG
   * @param description what is on it
   */
  public Event picture(String tag, int width, int height, byte[] file, String description) {
    WireMessage image =
        new WireMessage()
            .number(IMAGE_HEIGHT, height)
            .number(IMAGE_WIDTH, width)
            .number(IMAGE_COLORS, RGB)
            .bytes(IMAGE_FILE, file);
    WireMessage metadata =
        new WireMessage()
            .message(METADATA_PLUGIN, new WireMessage().text(PLUGIN_NAME, "images"))
            .text(METADATA_DESCRIPTION, description);
    return add(
        new WireMessage()
            .text(VALUE_TAG, tag)
            .message(VALUE_IMAGE, image)
            .message(VALUE_METADATA, metadata));
  }

  private Event add(WireMessage value) {
    summary.message(SUMMARY_VALUE, value);
    return this;
  }

  byte[] encode() {
    return timed().number(STEP, step).message(SUMMARY, summary).toBytes();
  }

  /** The first event of every file. */
  static byte[] version() {
    return timed().text(FILE_VERSION, "brain.Event:2").toBytes();
  }

  /** Tells readers that what earlier files hold for {@code step} and later is void. */
  static byte[] restart(long step) {
    WireMessage log = new WireMessage().number(SESSION_STATUS, SESSION_START);
    return timed().number(STEP, step).message(SESSION_LOG, log).toBytes();
  }

  private static WireMessage timed() {
    return new WireMessage().float64(WALL_TIME, System.currentTimeMillis() * 1e-3);
  }
}
