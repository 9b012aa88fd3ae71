package dev.changenet.cli;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * Where a command prints.
 *
 * @param out standard output
 * @param err standard error
 * @param interactive whether a person watches, so that lines can be rewritten in place
 * @param unicode whether block characters can be shown
 */
record Terminal(PrintWriter out, PrintWriter err, boolean interactive, boolean unicode) {
  private static final int USUAL_WIDTH = 80;

  /**
   * Returns the streams of the process.
   *
   * @param out where standard output goes
   */
  static Terminal standard(OutputStream out) {
    return new Terminal(
        new PrintWriter(out, true, System.out.charset()),
        new PrintWriter(System.err, true, System.err.charset()),
        isInteractive(),
        canShowBlocks(System.out));
  }

  private static boolean isInteractive() {
    // The plain console starts faster than the line editor, which is of no use here.
    if (System.getProperty("jdk.console") == null) {
      System.setProperty("jdk.console", "java.base");
    }
    java.io.Console console = System.console();
    return console != null && console.isTerminal() && !"dumb".equals(System.getenv("TERM"));
  }

  private static boolean canShowBlocks(PrintStream stream) {
    Charset charset = stream.charset();
    return charset.canEncode() && charset.newEncoder().canEncode("█▌");
  }

  /** Returns the number of columns; asks the terminal anew, as windows are resized. */
  int width() {
    if (!interactive) {
      return Integer.MAX_VALUE;
    }
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(new File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!stty.waitFor(1, TimeUnit.SECONDS)) {
        stty.destroyForcibly();
        return USUAL_WIDTH;
      }
      // Few bytes, which the pipe has held.
      String answer =
          new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
      if (answer.matches("\\d+ [1-9]\\d*")) {
        return Integer.parseInt(answer.substring(answer.indexOf(' ') + 1));
      }
    } catch (IOException e) {
      // No stty on this system: the usual width will do.
      return USUAL_WIDTH;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return USUAL_WIDTH;
  }
}
