package dev.changenet.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Standard output that keeps the reason why it could not be written: the writers on top of it say
 * no more than that something went wrong.
 */
final class StandardOutput extends FilterOutputStream {
  private String problem;

  StandardOutput() {
    this(new FileOutputStream(FileDescriptor.out));
  }

  StandardOutput(OutputStream out) {
    super(out);
  }

  /**
   * Returns why something could not be written, or null. A reader that went away early, as {@code
   * head} does, is no problem.
   */
  String problem() {
    return problem;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] b, int from, int length) throws IOException {
    try {
      out.write(b, from, length);
    } catch (IOException e) {
      String reason = String.valueOf(e.getMessage());
      if (problem == null && !reason.contains("Broken pipe")) {
        problem = reason;
      }
      throw e;
    }
  }
}
