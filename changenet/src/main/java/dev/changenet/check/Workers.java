package dev.changenet.check;

import dev.changenet.tensor.ChangeNetException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Runs numbered tasks on some threads; what a task does must not depend on the others. */
final class Workers {
  private static final long LOOK_MILLIS = 100;

  private Workers() {}

  static void forEach(int tasks, int threads, String what, Progress progress, IntConsumer body) {
    AtomicInteger next = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    int count = Math.max(1, Math.min(threads, tasks));
    List<Future<?>> running = new ArrayList<>();
    try (ExecutorService pool =
        Executors.newFixedThreadPool(
            count, Thread.ofPlatform().daemon().name("check-", 0).factory())) {
      try {
        for (int t = 0; t < count; t++) {
          running.add(
              pool.submit(
                  () -> {
                    int i;
                    while ((i = next.getAndIncrement()) < tasks) {
                      body.accept(i);
                      done.incrementAndGet();
                    }
                  }));
        }
        for (Future<?> worker : running) {
          while (!finished(worker)) {
            progress.tell(what, done.get(), tasks);
          }
        }
      } finally {
        // After a failure the rest is of no use.
        next.set(tasks);
      }
    }
  }

  private static boolean finished(Future<?> worker) {
    try {
      worker.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ChangeNetException("interrupted while reading the data set", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw new IllegalStateException(e.getCause());
      }
    }
  }
}
