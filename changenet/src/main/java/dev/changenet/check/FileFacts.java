package dev.changenet.check;

import dev.changenet.image.PictureInfo;
import java.nio.file.Path;

/** What is known about one file. */
final class FileFacts {
  /** What can be wrong with a file as such. */
  enum State {
    UNREAD,
    READABLE,
    MISSING,
    EMPTY,
    UNREADABLE,
    DAMAGED,
    /** A mask with values above 255, or with several channels of 16 bits. */
    TOO_DEEP
  }

  /** Relative to the data root, with forward slashes. */
  final String shown;

  final Path path;
  State state = State.UNREAD;

  /** The message of what is wrong, or null. */
  String problem;

  /** Where a missing file lies under another name, or null. */
  String elsewhere;

  /** Null unless readable. */
  PictureInfo info;

  FileFacts(String shown, Path path) {
    this.shown = shown;
    this.path = path;
  }

  boolean readable() {
    return state == State.READABLE;
  }

  /** Returns what is wrong without the path in front. */
  String cause() {
    String prefix = path + ": ";
    return problem.startsWith(prefix) ? problem.substring(prefix.length()) : problem;
  }
}
