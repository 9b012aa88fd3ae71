package dev.changenet.tensor.io;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Words for what the system says about a file; messages name the file themselves. */
public final class IoProblem {
  private IoProblem() {}

  /** Says in a few words why reading or writing failed. */
  public static String of(IOException e) {
    return switch (e) {
      case NoSuchFileException missing -> "no such file or folder";
      case AccessDeniedException denied -> "access denied";
      case FileAlreadyExistsException there -> "a file is in the way";
      case NotDirectoryException file -> "not a folder";
      case DirectoryNotEmptyException full -> "a folder that is not empty";
      // What is left of such a message is the path alone.
      case FileSystemException f ->
          f.getReason() == null ? f.getClass().getSimpleName() : f.getReason();
      default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    };
  }
}
