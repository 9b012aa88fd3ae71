package dev.changenet.cli;

import dev.changenet.train.Reporter;
import java.util.List;
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

  /** Time between two looks at the terminal's width: each one starts a process. */
  private static final long MEASURE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final String ERASE_LINE = "\r\u001b[K";

  private final Terminal terminal;
  private final LongSupplier clock;
  private String label = "";
  private int width;
  private long measuredAt;
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
    progress(
        newLabel,
        done,
        total,
        seconds,
        details.isEmpty() ? List.of() : List.of(Detail.of(details)));
  }

  @Override
  public synchronized void progress(
      String newLabel, long done, long total, double seconds, List<Detail> details) {
    long now = clock.getAsLong();
    if (!newLabel.equals(label)) {
      label = newLabel;
      // A resumed epoch does not begin at 0. Where no step is told before the first, it was one.
      doneBefore = seconds == 0 ? done : done - 1;
      shownDone = doneBefore;
      shownAt = terminal.interactive() ? now - REDRAW_NANOS : now;
      measureWidth(now);
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
    ProgressLine line = new ProgressLine(label, done, total, seconds, rate);
    if (terminal.interactive()) {
      if (now - measuredAt >= MEASURE_NANOS) {
        measureWidth(now);
      }
      // The last column stays free: some terminals wrap as soon as it is used.
      String text =
          line.fitted(details.stream().map(Detail::brief).toList(), width - 1, terminal.unicode());
      terminal.out().print(ERASE_LINE + text);
      terminal.out().flush();
      drawn = true;
    } else {
      terminal.out().println(line.text("", details.stream().map(Detail::text).toList()));
    }
  }

  private void measureWidth(long now) {
    width = terminal.width();
    measuredAt = now;
  }

  @Override
  public synchronized void progressDone(String line) {
    erase();
    label = "";
    if (terminal.interactive()) {
      measureWidth(clock.getAsLong());
      terminal.out().println(ProgressLine.broken(line, width - 1));
    } else {
      terminal.out().println(line);
    }
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
