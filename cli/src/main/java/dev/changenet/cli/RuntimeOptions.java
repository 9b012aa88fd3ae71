package dev.changenet.cli;

import dev.changenet.tensor.cpu.Parallel;
import picocli.CommandLine.Option;

/** Options that every command which computes has. */
final class RuntimeOptions {
  private static final String LOG_LEVEL = "changenet.log";
  private static final String STREAM_THREADS =
      "java.util.concurrent.ForkJoinPool.common.parallelism";

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads to compute with (default: one per CPU, or OMP_NUM_THREADS).")
  private Integer threads;

  @Option(names = "--verbose", description = "Show stack traces of errors and the debug log.")
  private boolean verbose;

  boolean verbose() {
    return verbose;
  }

  /** Puts the options into effect; returns what is wrong with them, or null. */
  String apply() {
    if (verbose) {
      System.setProperty(LOG_LEVEL, "DEBUG");
    }
    if (threads != null) {
      int most = 4096;
      if (threads < 1 || threads > most) {
        return "--threads: expected a number from 1 to " + most + ", got " + threads;
      }
      Parallel.setThreads(threads);
    }
    // Of parallel streams, such as those of export's proof; the calling thread comes on top.
    if (System.getProperty(STREAM_THREADS) == null) {
      System.setProperty(STREAM_THREADS, String.valueOf(Parallel.threads() - 1));
    }
    return null;
  }
}
