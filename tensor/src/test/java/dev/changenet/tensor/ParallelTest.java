package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.cpu.Parallel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ParallelTest {
  private final int before = Parallel.threads();

  @AfterEach
  void restore() {
    Parallel.setThreads(before);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 8})
  void everyTaskRunsExactlyOnce(int threads) {
    Parallel.setThreads(threads);
    for (int tasks : new int[] {0, 1, 2, 7, 100}) {
      AtomicIntegerArray runs = new AtomicIntegerArray(tasks);
      Parallel.forEach(tasks, runs::incrementAndGet);
      for (int i = 0; i < tasks; i++) {
        assertThat(runs.get(i)).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void blocksCoverTheRangeWithoutOverlap(int threads) {
    Parallel.setThreads(threads);
    List<String> ranges = Collections.synchronizedList(new ArrayList<>());
    Parallel.forBlocks(10, 4, (from, to) -> ranges.add(from + "-" + to));
    assertThat(ranges).containsExactlyInAnyOrder("0-4", "4-8", "8-10");
    ranges.clear();
    Parallel.forBlocks(0, 4, (from, to) -> ranges.add(from + "-" + to));
    assertThat(ranges).isEmpty();
  }

  /** Each of the tasks waits for all others, so they can only finish on threads of their own. */
  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void asManyThreadsWorkAsWereSet(int threads) {
    Parallel.setThreads(threads);
    CountDownLatch all = new CountDownLatch(threads);
    Set<Thread> seen = ConcurrentHashMap.newKeySet();
    Parallel.forEach(
        threads,
        i -> {
          seen.add(Thread.currentThread());
          all.countDown();
          await(all);
        });
    assertThat(seen).hasSize(threads).contains(Thread.currentThread());
  }

  /** What a thread wrote in one loop is still in its core's cache in the next. */
  @Test
  void aThreadGetsTheSamePartOfEveryLoop() {
    Parallel.setThreads(3);
    Thread[] first = new Thread[3];
    for (int k = 0; k < 100; k++) {
      Thread[] seen = new Thread[3];
      CountDownLatch all = new CountDownLatch(3);
      Parallel.forEach(
          3,
          i -> {
            seen[i] = Thread.currentThread();
            all.countDown();
            await(all);
          });
      first = k == 0 ? seen : first;
      assertThat(seen).containsExactly(first).doesNotHaveDuplicates();
    }
    assertThat(first[0]).isSameAs(Thread.currentThread());
  }

  /**
   * The caller's share is tasks 0 and 1; while it waits in the first, another must do the second.
   */
  @Test
  void aThreadThatIsDoneHelpsTheOthers() {
    Parallel.setThreads(2);
    CountDownLatch others = new CountDownLatch(3);
    Parallel.forEach(
        4,
        i -> {
          if (i == 0) {
            await(others);
          } else {
            others.countDown();
          }
        });
    assertThat(others.getCount()).isZero();
  }

  /** A worker that is just finishing one loop must not miss the next: here that would hang. */
  @Test
  void loopsThatFollowEachOtherAtOnceReachTheWorkers() {
    Parallel.setThreads(2);
    for (int k = 0; k < 5_000; k++) {
      CountDownLatch both = new CountDownLatch(2);
      Parallel.forEach(
          2,
          i -> {
            both.countDown();
            await(both);
          });
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(20, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the other tasks did not start");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void oneThreadMeansTheCallersThread() {
    Parallel.setThreads(1);
    Set<Thread> seen = ConcurrentHashMap.newKeySet();
    Parallel.forEach(50, i -> seen.add(Thread.currentThread()));
    assertThat(seen).containsExactly(Thread.currentThread());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void anExceptionOfATaskReachesTheCaller(int threads) {
    Parallel.setThreads(threads);
    for (int failing : new int[] {0, 13, 49}) {
      assertThatThrownBy(
              () ->
                  Parallel.forEach(
                      50,
                      i -> {
                        if (i == failing) {
                          throw new IllegalArgumentException("task " + i);
                        }
                      }))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("task " + failing);
    }
  }

  @Test
  void anErrorOfATaskReachesTheCaller() {
    Parallel.setThreads(2);
    assertThatThrownBy(
            () ->
                Parallel.forEach(
                    4,
                    i -> {
                      throw new AssertionError("broken");
                    }))
        .isInstanceOf(AssertionError.class)
        .hasMessage("broken");
  }

  @Test
  void loopsWorkAfterAFailure() {
    Parallel.setThreads(4);
    assertThatThrownBy(
            () ->
                Parallel.forEach(
                    8,
                    i -> {
                      throw new IllegalStateException("broken");
                    }))
        .isInstanceOf(IllegalStateException.class);
    AtomicInteger sum = new AtomicInteger();
    Parallel.forEach(100, sum::addAndGet);
    assertThat(sum).hasValue(4950);
  }

  @Test
  void aNestedLoopRunsOnItsTasksThread() {
    Parallel.setThreads(4);
    AtomicInteger strays = new AtomicInteger();
    AtomicInteger runs = new AtomicInteger();
    Parallel.forEach(
        8,
        i -> {
          Thread own = Thread.currentThread();
          Parallel.forEach(
              8,
              j -> {
                runs.incrementAndGet();
                if (Thread.currentThread() != own) {
                  strays.incrementAndGet();
                }
              });
        });
    assertThat(runs).hasValue(64);
    assertThat(strays).hasValue(0);
  }

  @Test
  void loopsOfSeveralThreadsDoNotMix() throws InterruptedException {
    Parallel.setThreads(3);
    int callers = 4;
    AtomicIntegerArray sums = new AtomicIntegerArray(callers);
    List<Thread> threads = new ArrayList<>();
    for (int c = 0; c < callers; c++) {
      int caller = c;
      Thread t =
          new Thread(
              () -> {
                for (int k = 0; k < 200; k++) {
                  Parallel.forEach(10, i -> sums.addAndGet(caller, i));
                }
              });
      threads.add(t);
      t.start();
    }
    for (Thread t : threads) {
      t.join();
    }
    for (int c = 0; c < callers; c++) {
      assertThat(sums.get(c)).isEqualTo(200 * 45);
    }
  }

  @Test
  void manyShortLoopsFinishAfterPauses() throws InterruptedException {
    Parallel.setThreads(4);
    AtomicInteger runs = new AtomicInteger();
    for (int k = 0; k < 300; k++) {
      Parallel.forEach(4, i -> runs.incrementAndGet());
      if (k % 50 == 0) {
        // Longer than workers spin, so that they park and must be woken.
        Thread.sleep(2);
      }
    }
    assertThat(runs).hasValue(1200);
  }

  @Test
  void zeroThreadsAreRefused() {
    assertThatThrownBy(() -> Parallel.setThreads(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("threads: expected at least 1, got 0");
  }

  @Test
  void aNumberOfThreadsThatIsNoneIsSaid() {
    for (String good : new String[] {null, "", " 4 ", "9999"}) {
      assertThat(Parallel.environmentProblem(good)).isEmpty();
    }
    for (String bad : new String[] {"abc", "0", "-1", "10000", "4,2"}) {
      assertThat(Parallel.environmentProblem(bad).orElseThrow())
          .contains("OMP_NUM_THREADS is '" + bad + "'", "ignored");
    }
  }
}
