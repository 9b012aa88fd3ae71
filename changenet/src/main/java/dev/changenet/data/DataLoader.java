package dev.changenet.data;

import dev.changenet.data.ChangeDataset.Purpose;
import dev.changenet.image.DataException;
import dev.changenet.image.RgbImage;
import dev.changenet.nn.random.RandomStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Feeds the samples of a data set in batches, loading ahead in {@code workers} threads.
 *
 * <p>Training shuffles anew in each epoch, augments, and drops an incomplete last batch; every
 * other purpose keeps list order and all samples. The batches depend only on the data set, its
 * settings, the seed and the epoch, never on the number of workers, so a run may resume at any
 * epoch and batch.
 *
 * <p>Samples are handed to the workers only a few batches ahead of the caller and idle workers end
 * by themselves, so an epoch that is abandoned in the middle holds neither threads nor memory for
 * long; {@link #close} ends them at once.
 */
public final class DataLoader implements Iterable<Batch>, AutoCloseable {
  private static final long IDLE_SECONDS = 2;
  private static final AtomicInteger THREADS = new AtomicInteger();

  private final ChangeDataset dataset;
  private final DataSettings settings;
  private final long seed;
  private final int rank;
  private final int worldSize;
  private final Normalization normalization;
  private final ThreadPoolExecutor workers;
  private final ArrayDeque<Batch> recycled = new ArrayDeque<>();
  private volatile boolean closed;

  /** Creates a loader for a single process. */
  public DataLoader(ChangeDataset dataset, long seed) {
    this(dataset, seed, 0, 1);
  }

  /**
   * Creates the loader of one process out of several. In training each takes its own part of every
   * epoch; otherwise each sees all samples.
   *
   * @param rank number of this process, from 0
   * @param worldSize number of processes
   * @throws DataException if a training split has too few samples for a single step
   */
  public DataLoader(ChangeDataset dataset, long seed, int rank, int worldSize) {
    if (rank < 0 || rank >= worldSize) {
      throw new IllegalArgumentException(
          "data loader: rank must be within 0…" + (worldSize - 1) + ", got " + rank);
    }
    this.dataset = dataset;
    this.settings = dataset.settings();
    this.seed = seed;
    this.rank = rank;
    this.worldSize = worldSize;
    this.normalization = new Normalization(settings.augmentation());
    if (training() && batches() == 0) {
      throw new DataException(
          DataMessages.tooFewSamples(
              dataset.listPath(),
              dataset.size(),
              dataset.purpose().toString(),
              settings.batchSize(),
              worldSize));
    }
    this.workers = settings.workers() == 0 ? null : workerPool(settings.workers());
  }

  /** Batches per epoch. */
  public int batches() {
    int perStep = settings.batchSize() * (training() ? worldSize : 1);
    return training() ? dataset.size() / perStep : Math.ceilDiv(dataset.size(), perStep);
  }

  /** The data set. */
  public ChangeDataset dataset() {
    return dataset;
  }

  /** Returns the batches of epoch 0. */
  @Override
  public Iterator<Batch> iterator() {
    return epoch(0).iterator();
  }

  /** Returns the batches of epoch {@code epoch} (from 0). */
  public Iterable<Batch> epoch(int epoch) {
    return epoch(epoch, 0);
  }

  /** Returns the batches of epoch {@code epoch} from batch {@code firstBatch} on, both from 0. */
  public Iterable<Batch> epoch(int epoch, int firstBatch) {
    if (epoch < 0 || firstBatch < 0) {
      throw new IllegalArgumentException(
          "data loader: epoch and first batch must be at least 0, got "
              + epoch
              + " and "
              + firstBatch);
    }
    return () -> new Epoch(epoch, firstBatch);
  }

  /**
   * Takes back a batch that nobody looks at any more: its arrays will hold another one of the same
   * epoch. To be called by the thread that asks for batches, once.
   */
  public void recycle(Batch batch) {
    boolean known = recycled.stream().anyMatch(b -> b.a() == batch.a());
    if (batch.size() == settings.batchSize() && recycled.size() < lookAhead() && !known) {
      recycled.add(batch);
    }
  }

  /** Ends all worker threads; epochs still in progress cannot be continued. */
  @Override
  public void close() {
    closed = true;
    if (workers != null) {
      for (Runnable task : workers.shutdownNow()) {
        // Whoever waits for a task that will never start must be told.
        ((Future<?>) task).cancel(false);
      }
      try {
        workers.awaitTermination(1, TimeUnit.MINUTES);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Batches in the making or ready, with workers. */
  private int lookAhead() {
    return 1 + Math.ceilDiv(settings.workers(), settings.batchSize());
  }

  private boolean training() {
    return dataset.purpose() == Purpose.TRAINING;
  }

  private static ThreadPoolExecutor workerPool(int count) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            count,
            count,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "data-worker-" + THREADS.getAndIncrement());
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  /** Sample indices of this rank in one epoch, in order. */
  private int[] order(int epoch) {
    int[] all = new int[dataset.size()];
    if (!training()) {
      for (int i = 0; i < all.length; i++) {
        all[i] = i;
      }
      return all;
    }
    int[] shuffled = RandomStream.of(seed, "shuffle", epoch).permutation(all.length);
    int[] mine = new int[batches() * settings.batchSize()];
    for (int i = 0; i < mine.length; i++) {
      mine[i] = shuffled[i * worldSize + rank];
    }
    return mine;
  }

  /** A batch to be filled, in arrays that were recycled where there are some. */
  private Batch empty(int index, List<String> names) {
    int size = settings.imgSize();
    int pixels = Math.multiplyExact(names.size(), size * size);
    int values = Math.multiplyExact(pixels, RgbImage.CHANNELS);
    Batch old = names.size() == settings.batchSize() ? recycled.poll() : null;
    if (old != null) {
      return new Batch(index, names, size, old.a(), old.b(), old.labels());
    }
    int[] labels = dataset.purpose().needsMasks() ? new int[pixels] : null;
    return new Batch(index, names, size, new float[values], new float[values], labels);
  }

  /** Reads one sample, varies it if in training, and writes it into its place in the batch. */
  private void fill(Batch batch, int slot, int sampleIndex, int epoch) {
    try {
      Sample sample = dataset.read(sampleIndex);
      if (training()) {
        RandomStream random = Augmentation.stream(seed, epoch, rank, sampleIndex);
        sample =
            Augmentation.draw(settings.augmentation(), settings.imgSize(), random).apply(sample);
      }
      int pixels = settings.imgSize() * settings.imgSize();
      normalization.apply(sample.a(), batch.a(), slot * pixels * RgbImage.CHANNELS);
      normalization.apply(sample.b(), batch.b(), slot * pixels * RgbImage.CHANNELS);
      if (batch.labels() != null) {
        byte[] ids = sample.mask().values();
        for (int i = 0; i < pixels; i++) {
          batch.labels()[slot * pixels + i] = ids[i] & 0xFF;
        }
      }
    } catch (DataException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new DataException(
          dataset.pathA(sampleIndex)
              + ": the sample cannot be prepared ("
              + e
              + "); check its files",
          e);
    }
  }

  /** A batch on its way: the arrays and one pending task per sample. */
  private record Pending(Batch batch, List<Future<?>> tasks) {}

  private final class Epoch implements Iterator<Batch> {
    private final int epoch;
    private final int[] order;
    private final ArrayDeque<Pending> ahead = new ArrayDeque<>();
    private int nextToSubmit;
    private int nextToReturn;

    Epoch(int epoch, int firstBatch) {
      this.epoch = epoch;
      this.order = order(epoch);
      this.nextToSubmit = firstBatch;
      this.nextToReturn = firstBatch;
    }

    @Override
    public boolean hasNext() {
      boolean more = nextToReturn < batches();
      if (!more) {
        // Other work follows, which may need the memory.
        recycled.clear();
      }
      return more;
    }

    @Override
    public Batch next() {
      if (!hasNext()) {
        throw new NoSuchElementException("epoch " + epoch + " has no more batches");
      }
      if (closed) {
        throw new IllegalStateException("the data loader is closed");
      }
      int window = workers == null ? 1 : lookAhead();
      while (ahead.size() < window && nextToSubmit < batches()) {
        ahead.add(submit(nextToSubmit++));
      }
      Pending head = ahead.remove();
      try {
        for (Future<?> task : head.tasks) {
          task.get();
        }
      } catch (ExecutionException e) {
        stop();
        rethrow(e.getCause());
      } catch (CancellationException e) {
        stop();
        throw new IllegalStateException("the data loader was closed while samples were awaited", e);
      } catch (InterruptedException e) {
        stop();
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for samples", e);
      }
      nextToReturn++;
      return head.batch;
    }

    private Pending submit(int batchIndex) {
      int from = batchIndex * settings.batchSize();
      int to = Math.min(from + settings.batchSize(), order.length);
      List<String> names = new ArrayList<>();
      for (int i = from; i < to; i++) {
        names.add(dataset.name(order[i]));
      }
      Batch batch = empty(batchIndex, names);
      List<Future<?>> tasks = new ArrayList<>();
      for (int i = from; i < to; i++) {
        int slot = i - from;
        int sample = order[i];
        if (workers == null) {
          // A failure waits in the task until its turn, as with workers.
          FutureTask<Void> task = new FutureTask<>(() -> fill(batch, slot, sample, epoch), null);
          task.run();
          tasks.add(task);
        } else {
          tasks.add(workers.submit(() -> fill(batch, slot, sample, epoch)));
        }
      }
      return new Pending(batch, tasks);
    }

    /** After a failure nothing more is loaded for this epoch. */
    private void stop() {
      nextToReturn = batches();
      for (Pending pending : ahead) {
        pending.tasks.forEach(task -> task.cancel(true));
      }
      ahead.clear();
    }

    private void rethrow(Throwable cause) {
      if (cause instanceof DataException e) {
        // A new one, so that the trace shows where the batch was asked for as well.
        throw new DataException(e.getMessage(), e);
      }
      if (cause instanceof Error e) {
        throw e;
      }
      throw new IllegalStateException("a loading thread failed: " + cause, cause);
    }
  }
}
