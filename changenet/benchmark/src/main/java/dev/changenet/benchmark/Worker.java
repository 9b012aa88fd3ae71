package dev.changenet.benchmark;

import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.cpu.Parallel;
import dev.changenet.tensor.io.FolderEntries;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * Times cases on request, so that a comparison can interleave this engine with others: one line on
 * standard input is answered with one line on standard output.
 *
 * <pre>
 * prep THREADS CASE   @ok, or @skip and the reason
 * warm MS             @ok
 * run MS              @res RUNS BEST_NS MEDIAN_NS CPU_NS_PER_RUN WAIT_NS_PER_RUN
 * check               @chk COUNT RMS and eight values, or @chk 0
 * quit
 * </pre>
 */
public final class Worker {
  private Worker() {}

  public static void main(String[] args) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    serve(in, System.out);
  }

  static void serve(BufferedReader in, PrintStream out) throws IOException {
    Case current = null;
    Scope scope = null;
    answer(out, "@ready");
    for (String line; (line = in.readLine()) != null && !line.equals("quit"); ) {
      String[] words = line.split(" ", 3);
      String reply;
      try {
        switch (words[0]) {
          case "prep" -> {
            close(current, scope);
            current = null;
            scope = Scope.open();
            Parallel.setThreads(Integer.parseInt(words[1]));
            CaseSpec spec = new CaseSpec(words[2]);
            current = KernelCases.of(spec);
            if (current == null) {
              current = NetworkCases.of(spec);
            }
            reply = current == null ? "@skip unsupported" : "@ok";
          }
          case "warm" -> {
            long end = System.nanoTime() + Long.parseLong(words[1]) * 1_000_000L;
            do {
              current.run();
            } while (System.nanoTime() < end);
            reply = "@ok";
          }
          case "run" ->
              reply =
                  current == null
                      ? "@skip nothing prepared"
                      : measure(current, Long.parseLong(words[1]));
          case "check" -> reply = check(current.output());
          default -> reply = "@skip unknown command " + words[0];
        }
      } catch (RuntimeException e) {
        reply = "@skip " + e.toString().replace('\n', ' ');
      }
      answer(out, reply);
    }
    close(current, scope);
  }

  private static void close(Case current, Scope scope) {
    if (current != null) {
      current.close();
    }
    if (scope != null) {
      scope.close();
      HeapStorage.trimPool();
    }
  }

  private static void answer(PrintStream out, String line) {
    out.println(line);
    out.flush();
  }

  private static String measure(Case c, long milliseconds) {
    long[] times = new long[64];
    int n = 0;
    long[] before = processorTimes();
    long now = System.nanoTime();
    long end = now + milliseconds * 1_000_000L;
    do {
      c.run();
      long t = System.nanoTime();
      if (n == times.length) {
        times = Arrays.copyOf(times, 2 * n);
      }
      times[n++] = t - now;
      now = t;
    } while (now < end);
    long[] after = processorTimes();
    Arrays.sort(times, 0, n);
    return String.format(
        Locale.ROOT,
        "@res %d %d %d %d %d",
        n,
        times[0],
        times[n / 2],
        (after[0] - before[0]) / n,
        (after[1] - before[1]) / n);
  }

  private static String check(float[] y) {
    if (y == null) {
      return "@chk 0";
    }
    double squares = 0;
    for (float v : y) {
      squares += (double) v * v;
    }
    StringBuilder reply = new StringBuilder("@chk ").append(y.length);
    reply.append(' ').append(Math.sqrt(squares / y.length));
    for (int i = 0; i < 8; i++) {
      reply.append(' ').append(y[(int) ((long) i * (y.length - 1) / 7)]);
    }
    return reply.toString();
  }

  /** Nanoseconds that this process's threads ran and that they waited for a processor (Linux). */
  private static long[] processorTimes() {
    long[] sums = new long[2];
    try {
      for (Path task : FolderEntries.matching(Path.of("/proc/self/task"), "*")) {
        String[] words = Files.readString(task.resolve("schedstat")).strip().split(" ");
        sums[0] += Long.parseLong(words[0]);
        sums[1] += Long.parseLong(words[1]);
      }
    } catch (IOException e) {
      // A thread has ended meanwhile, or the system has no such files: the times stay partial.
      return sums;
    }
    return sums;
  }
}
