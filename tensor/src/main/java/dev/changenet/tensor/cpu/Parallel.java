package dev.changenet.tensor.cpu;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * The pool that runs kernels on several threads.
 *
 * <p>Work is cut into numbered tasks; which thread runs a task may vary, what a task computes
 * doesn't, so results are the same for any number of threads as long as the kernel cuts its sums
 * without looking at {@link #threads()}.
 *
 * <p>Idle workers spin for a moment before they park, because waking a parked thread costs hundreds
 * of microseconds while kernels follow each other closely.
 */
public final class Parallel {
  private static final long SPIN_NANOS = 200_000;
  private static final long YIELD_NANOS = 20_000;

  /** Distance of counters in ints: a cache line, so that no two threads write to the same. */
  private static final int LINE = 16;

  private static final String THREADS = "[1-9][0-9]{0,3}";

  private static volatile int threads = defaultThreads();
  private static Worker[] workers = new Worker[0];
  private static final ThreadLocal<Boolean> INSIDE = ThreadLocal.withInitial(() -> false);

  private Parallel() {}

  private static int defaultThreads() {
    String omp = System.getenv("OMP_NUM_THREADS");
    if (omp != null && omp.strip().matches(THREADS)) {
      return Integer.parseInt(omp.strip());
    }
    return Runtime.getRuntime().availableProcessors();
  }

  /** Says what is wrong with the value of {@code OMP_NUM_THREADS}, null if it is not set. */
  public static Optional<String> environmentProblem(String omp) {
    return omp == null || omp.isBlank() || omp.strip().matches(THREADS)
        ? Optional.empty()
        : Optional.of(
            "the environment variable OMP_NUM_THREADS is '"
                + omp
                + "', expected a number from 1 to 9999; it is ignored");
  }

  /** Number of threads that kernels use, the calling one included. */
  public static int threads() {
    return threads;
  }

  /** Sets the number of threads (at least 1). */
  public static synchronized void setThreads(int n) {
    if (n < 1) {
      throw new IllegalArgumentException("threads: expected at least 1, got " + n);
    }
    threads = n;
  }

  /**
   * One parallel loop: the tasks not yet claimed, and those not yet finished. Each thread has a
   * share of them, the same part of every loop, so that it finds in its core's cache what it wrote
   * in the loop before; a thread that is done helps the others.
   */
  private static final class Job {
    final IntConsumer body;
    final int tasks;
    final int shares;

    /** Next task of each share; the array's length, which all read, has a line for itself. */
    final AtomicIntegerArray next;

    final AtomicInteger finished = new AtomicInteger();
    final AtomicReference<Throwable> failure = new AtomicReference<>();

    Job(IntConsumer body, int tasks, int shares) {
      this.body = body;
      this.tasks = tasks;
      this.shares = shares;
      next = new AtomicIntegerArray((shares + 1) * LINE);
      for (int i = 0; i < shares; i++) {
        next.setPlain((i + 1) * LINE, first(i));
      }
    }

    /** First task of a share. */
    private int first(int share) {
      return (int) ((long) share * tasks / shares);
    }

    /** Runs the tasks of a share, then what is left of the others. */
    void work(int share) {
      for (int i = 0; i < shares; i++) {
        drain((share + i) % shares);
      }
    }

    private void drain(int share) {
      int end = first(share + 1);
      int at = (share + 1) * LINE;
      int done = 0;
      int i;
      // Looks first: many threads at the end of a loop would fight for a counter.
      while (next.get(at) < end && (i = next.getAndIncrement(at)) < end) {
        try {
          body.accept(i);
        } catch (Throwable t) {
          failure.compareAndSet(null, t);
        }
        done++;
      }
      if (done > 0) {
        finished.addAndGet(done);
      }
    }
  }

  private static final class Worker extends Thread {
    private final AtomicReference<Job> job = new AtomicReference<>();
    private final int share;

    Worker(int number) {
      super("changenet-compute-" + number);
      share = number;
      setDaemon(true);
    }

    void submit(Job j) {
      job.set(j);
      LockSupport.unpark(this);
    }

    @Override
    public void run() {
      INSIDE.set(true);
      long idleSince = System.nanoTime();
      while (true) {
        Job j = job.get();
        if (j != null) {
          j.work(share);
          // Not a plain write: the next loop's job may have arrived already.
          job.compareAndSet(j, null);
          idleSince = System.nanoTime();
        } else if (System.nanoTime() - idleSince < SPIN_NANOS) {
          spin(idleSince);
        } else {
          LockSupport.park(this);
          idleSince = System.nanoTime();
        }
      }
    }
  }

  /** Waits a moment; a longer wait lets others have the core, who may be what is waited for. */
  private static void spin(long since) {
    if (System.nanoTime() - since < YIELD_NANOS) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }

  /**
   * Runs {@code body} for 0 … {@code tasks} − 1, on the calling thread and the workers, and returns
   * when all are done. Loops inside a task run on the task's own thread.
   */
  public static void forEach(int tasks, IntConsumer body) {
    int n = Math.min(threads, tasks);
    if (n <= 1 || INSIDE.get()) {
      for (int i = 0; i < tasks; i++) {
        body.accept(i);
      }
      return;
    }
    runShared(tasks, body, n);
  }

  private static synchronized void runShared(int tasks, IntConsumer body, int n) {
    if (workers.length < n - 1) {
      Worker[] more = java.util.Arrays.copyOf(workers, n - 1);
      for (int i = workers.length; i < more.length; i++) {
        more[i] = new Worker(i + 1);
        more[i].start();
      }
      workers = more;
    }
    Job job = new Job(body, tasks, n);
    for (int i = 0; i < n - 1; i++) {
      workers[i].submit(job);
    }
    INSIDE.set(true);
    try {
      job.work(0);
    } finally {
      INSIDE.set(false);
    }
    long waitingSince = System.nanoTime();
    while (job.finished.get() < tasks) {
      spin(waitingSince);
    }
    Throwable failure = job.failure.get();
    if (failure instanceof RuntimeException e) {
      throw e;
    } else if (failure instanceof Error e) {
      throw e;
    } else if (failure != null) {
      throw new IllegalStateException(failure);
    }
  }

  /** Body of {@link #forBlocks}: works on [from, to). */
  public interface RangeBody {
    void run(int from, int to);
  }

  /**
   * Cuts 0 … {@code n} into blocks of {@code block} (the last may be shorter) and runs them in
   * parallel. The cut depends on n and block alone.
   */
  public static void forBlocks(int n, int block, RangeBody body) {
    forEach(Math.ceilDiv(n, block), i -> body.run(i * block, (int) Math.min(n, (i + 1L) * block)));
  }
}
