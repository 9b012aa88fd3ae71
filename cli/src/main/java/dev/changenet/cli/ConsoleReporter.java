package dev.changenet.cli;

import dev.changenet.train.Reporter;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Shows a run: on a terminal a progress line that is rewritten in place, elsewhere a plain line now
 * and then; warnings on standard error.
 */
class ConsoleReporter implements Reporter {
  private static final long REDRAW_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long PLAIN_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final String ERASE_LINE = "\r\u001b[K";

  private final Terminal terminal;
  private final LongSupplier clock;
  private String label = "";
  private int width;
  private long doneBefore;
  private long shownDone;
  private long shownAt;
  private boolean drawn;

  ConsoleReporter(Terminal terminal) {
    this(terminal, System::nanoTime);
  }

  ConsoleReporter(Terminal terminal, LongSupplier nanoClock) {
    this.terminal = terminal;
    this.clock = nanoClock;
  }

  @Override
  public synchronized void info(String line) {
    erase();
    terminal.out().println(line);
  }

  @Override
  public synchronized void warn(String line) {
    erase();
    terminal.out().flush();
    terminal.err().println("WARNING: " + line);
  }

  @Override
  public synchronized void progress(
      String newLabel, long done, long total, double seconds, String details) {
    long now = clock.getAsLong();
    if (!newLabel.equals(label)) {
      label = newLabel;
      // A resumed epoch does not begin at 0.
      doneBefore = done - 1;
      shownDone = doneBefore;
      shownAt = terminal.interactive() ? now - REDRAW_NANOS : now;
      width = terminal.width();
    }
    long silent = now - shownAt;
    boolean due =
        terminal.interactive()
            ? silent >= REDRAW_NANOS || done == total
            : done < total
                && silent >= PLAIN_NANOS
                && (10 * (done - shownDone) >= total || silent >= PATIENCE_NANOS);
    if (!due) {
      return;
    }
    shownAt = now;
    shownDone = done;
    double rate = seconds > 0 ? (done - doneBefore) / seconds : 0;
    String bar = terminal.interactive() ? ProgressLine.bar(done, total, terminal.unicode()) : "";
    String text = ProgressLine.text(label, bar, done, total, seconds, rate, details);
    if (terminal.interactive()) {
      // The last column stays free: some terminals wrap as soon as it is used.
      terminal.out().print(ERASE_LINE + text.substring(0, Math.min(text.length(), width - 1)));
      terminal.out().flush();
      drawn = true;
    } else {
      terminal.out().println(text);
    }
  }

  @Override
  public synchronized void progressDone(String line) {
    erase();
    label = "";
    terminal.out().println(line);
  }

  private void erase() {
    if (drawn) {
      terminal.out().print(ERASE_LINE);
      drawn = false;
    }
  }

  /** Removes the progress line. */
  synchronized void clear() {
    erase();
    label = "";
  }

  /** Leaves the progress line where it is, so that what follows starts on a line of its own. */
  synchronized void finish() {
    if (drawn) {
      terminal.out().println();
      drawn = false;
    }
    label = "";
  }
}
