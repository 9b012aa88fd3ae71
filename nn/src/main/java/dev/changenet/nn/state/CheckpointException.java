package dev.changenet.nn.state;

import dev.changenet.tensor.ChangeNetException;
import java.nio.file.Path;

/** A weight file that can't be read, trusted or written; the message starts with its path. */
public final class CheckpointException extends ChangeNetException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN_CHARACTERS = 100;

  private final transient Path path;

  public CheckpointException(Path path, String problem) {
    super(path + ": " + problem);
    this.path = path;
  }

  public CheckpointException(Path path, String problem, Throwable cause) {
    super(path + ": " + problem, cause);
    this.path = path;
  }

  /** Returns the file this is about. */
  public Path path() {
    return path;
  }

  /** Returns {@code text} from a file in quotes, on one line, shortened if it is long. */
  static String quote(String text) {
    StringBuilder out = new StringBuilder("'");
    text.codePoints()
        .limit(SHOWN_CHARACTERS)
        .map(c -> Character.isISOControl(c) ? '?' : c)
        .forEach(out::appendCodePoint);
    return out.append(text.length() > SHOWN_CHARACTERS ? "…'" : "'").toString();
  }
}
