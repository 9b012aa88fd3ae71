package dev.changenet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.data.ChangeDataset.Purpose;
import dev.changenet.image.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class DataLoaderTest {
  private static final int COUNT = 11;

  @TempDir Path root;
  private DataSettings settings;

  @BeforeEach
  void writeDataSet() throws IOException {
    settings = DataSetFixture.write(root, COUNT);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void workersDoNotChangeTheResult(int workers) {
    try (DataLoader alone = loader(0, Purpose.TRAINING);
        DataLoader many = loader(workers, Purpose.TRAINING)) {
      for (int epoch = 0; epoch < 3; epoch++) {
        assertSame(all(alone.epoch(epoch)), all(many.epoch(epoch)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5})
  void recycledArraysHoldLaterBatches(int workers) {
    for (Purpose purpose : List.of(Purpose.TRAINING, Purpose.EVALUATION)) {
      try (DataLoader fresh = loader(workers, purpose);
          DataLoader recycling = loader(workers, purpose)) {
        for (int epoch = 0; epoch < 4; epoch++) {
          Set<float[]> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
          Iterator<Batch> expected = fresh.epoch(epoch).iterator();
          for (Batch batch : recycling.epoch(epoch)) {
            assertSame(List.of(expected.next()), List.of(batch));
            arrays.add(batch.a());
            recycling.recycle(batch);
            recycling.recycle(batch);
          }
          // Of three batches, or four of which the incomplete one has arrays of its own.
          int atOnce = workers == 0 ? 1 : 1 + Math.ceilDiv(workers, 3);
          int own = purpose == Purpose.TRAINING ? 0 : 1;
          assertThat(arrays).hasSize(Math.min(3, atOnce) + own);
        }
      }
    }
  }

  @Test
  void epochsDifferAndCanBeRepeatedInAnyOrder() {
    try (DataLoader first = loader(2, Purpose.TRAINING);
        DataLoader second = loader(2, Purpose.TRAINING)) {
      List<Batch> epoch0 = all(first.epoch(0));
      List<Batch> epoch1 = all(first.epoch(1));
      assertThat(epoch0.getFirst().a()).isNotEqualTo(epoch1.getFirst().a());
      assertThat(epoch0.stream().flatMap(b -> b.names().stream()).toList())
          .isNotEqualTo(epoch1.stream().flatMap(b -> b.names().stream()).toList());
      assertSame(epoch1, all(second.epoch(1)));
      assertSame(epoch0, all(second));
      assertSame(epoch1.subList(2, 3), all(second.epoch(1, 2)));
    }
  }

  @Test
  void trainingShufflesAndDropsTheIncompleteBatch() {
    try (DataLoader loader = loader(0, Purpose.TRAINING)) {
      assertThat(loader.batches()).isEqualTo(3);
      List<Batch> batches = all(loader.epoch(4));
      assertThat(batches).hasSize(3);
      Set<String> names = new HashSet<>();
      for (int i = 0; i < 3; i++) {
        Batch batch = batches.get(i);
        assertThat(batch.index()).isEqualTo(i);
        assertThat(batch.size()).isEqualTo(3);
        assertThat(batch.a()).hasSize(3 * 32 * 32 * 3);
        assertThat(batch.labels()).hasSize(3 * 32 * 32);
        names.addAll(batch.names());
      }
      assertThat(names).hasSize(9);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void evaluationKeepsListOrderAndTheIncompleteBatch(int workers) {
    try (DataLoader loader = loader(workers, Purpose.EVALUATION)) {
      List<Batch> batches = all(loader);
      assertThat(batches).hasSize(4);
      List<String> names = batches.stream().flatMap(b -> b.names().stream()).toList();
      assertThat(names).hasSize(COUNT).startsWith("s0.png", "s1.png").endsWith("s10.png");
      assertThat(batches.getLast().size()).isEqualTo(2);
      assertThat(batches.getLast().b()).hasSize(2 * 32 * 32 * 3);
    }
  }

  @Test
  void valuesAreNormalizedPixelsChannelsLast() {
    DataSettings odd =
        settings.withAugmentation(
            AugmentationSettings.none()
                .withNormalization(List.of(0.1, 0.2, 0.3), List.of(0.5, 0.25, 2.0)));
    ChangeDataset dataset = ChangeDataset.open(odd, "val", Purpose.VALIDATION);
    try (DataLoader loader = new DataLoader(dataset, 1)) {
      Batch batch = loader.iterator().next();
      Sample sample = dataset.read(1);
      int at = ((1 * 32 + 5) * 32 + 9) * 3;
      assertThat(batch.a()[at + 1]).isEqualTo((sample.a().get(9, 5, 1) / 255f - 0.2f) / 0.25f);
      assertThat(batch.b()[at + 2]).isEqualTo((sample.b().get(9, 5, 2) / 255f - 0.3f) / 2f);
      assertThat(batch.labels()[(32 + 5) * 32 + 9]).isEqualTo(sample.mask().get(9, 5));
    }
  }

  @Test
  void inferenceHasNoLabels() {
    try (DataLoader loader = loader(1, Purpose.INFERENCE)) {
      assertThat(loader.iterator().next().labels()).isNull();
    }
  }

  @Test
  void ignoredPixelsStay255() {
    AugmentationSettings d = AugmentationSettings.none();
    DataSettings shrink =
        settings.withAugmentation(
            new AugmentationSettings(
                d.randomFlip(),
                d.randomRotate(),
                d.randomColor(),
                new AugmentationSettings.ScaleRandomCrop(true, 0.5, 0.5),
                false,
                false,
                d.mean(),
                d.std()));
    ChangeDataset dataset = ChangeDataset.open(shrink, "train", Purpose.TRAINING);
    try (DataLoader loader = new DataLoader(dataset, 3)) {
      int[] labels = loader.iterator().next().labels();
      assertThat(Arrays.stream(labels).filter(v -> v == 255).count()).isEqualTo(3 * 768);
      assertThat(labels).containsOnly(0, 1, 255);
    }
  }

  @Test
  void ranksTakeDisjointPartsOfTheSameShuffle() {
    DataSettings two = settings.withBatchSize(2);
    ChangeDataset dataset = ChangeDataset.open(two, "train", Purpose.TRAINING);
    try (DataLoader rank0 = new DataLoader(dataset, 9, 0, 2);
        DataLoader rank1 = new DataLoader(dataset, 9, 1, 2)) {
      assertThat(rank0.batches()).isEqualTo(2);
      List<String> names = new ArrayList<>();
      all(rank0.epoch(3)).forEach(b -> names.addAll(b.names()));
      all(rank1.epoch(3)).forEach(b -> names.addAll(b.names()));
      assertThat(names).hasSize(8).doesNotHaveDuplicates();
    }
  }

  @Test
  void tooFewTrainingSamplesAreAnErrorWithAdvice() {
    ChangeDataset big = ChangeDataset.open(settings.withBatchSize(12), "train", Purpose.TRAINING);
    assertThatThrownBy(() -> new DataLoader(big, 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("11 samples for train")
        .hasMessageContaining("one step takes 12")
        .hasMessageContaining("batch_size to 11 or less");
    ChangeDataset six = ChangeDataset.open(settings.withBatchSize(6), "train", Purpose.TRAINING);
    assertThatThrownBy(() -> new DataLoader(six, 1, 0, 2)).hasMessageContaining("6 × 2 GPUs)");
    ChangeDataset val = ChangeDataset.open(settings.withBatchSize(12), "val", Purpose.VALIDATION);
    try (DataLoader loader = new DataLoader(val, 1)) {
      assertThat(loader.batches()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void aBrokenSampleSurfacesInItsBatchWithItsPath(int workers) throws IOException {
    Files.writeString(root.resolve("B/s4.png"), "broken");
    try (DataLoader loader = loader(workers, Purpose.EVALUATION)) {
      Iterator<Batch> batches = loader.iterator();
      assertThat(batches.next().names()).contains("s0.png");
      assertThatThrownBy(batches::next)
          .isInstanceOf(DataException.class)
          .hasMessageContaining(root.resolve("B/s4.png").toString());
      assertThat(batches.hasNext()).isFalse();
      assertThatThrownBy(batches::next).isInstanceOf(NoSuchElementException.class);
    }
  }

  @Test
  void closingMidEpochEndsAllThreads() throws InterruptedException {
    Set<Thread> before = workerThreads();
    DataLoader loader = loader(3, Purpose.TRAINING);
    Iterator<Batch> batches = loader.iterator();
    batches.next();
    assertThat(workerThreads()).hasSizeGreaterThan(before.size());
    Set<Thread> started = workerThreads();
    started.removeAll(before);
    loader.close();
    loader.close();
    for (Thread thread : started) {
      assertThat(thread.join(Duration.ofSeconds(1))).as(thread + " has ended").isTrue();
    }
    assertThatThrownBy(batches::next).hasMessageContaining("closed");
  }

  @Test
  void anAbandonedLoaderLosesItsThreadsByItself() throws InterruptedException {
    Set<Thread> before = workerThreads();
    loader(3, Purpose.TRAINING).iterator().next();
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!before.containsAll(workerThreads()) && System.nanoTime() < deadline) {
      Thread.sleep(50);
    }
    assertThat(workerThreads()).isSubsetOf(before);
  }

  @Test
  void anAbandonedEpochDoesNotDisturbTheNext() {
    try (DataLoader loader = loader(2, Purpose.TRAINING);
        DataLoader fresh = loader(0, Purpose.TRAINING)) {
      loader.epoch(0).iterator().next();
      loader.epoch(1).iterator().next();
      assertSame(all(fresh.epoch(2)), all(loader.epoch(2)));
    }
  }

  @Test
  void wrongPositionsAreRefused() {
    try (DataLoader loader = loader(0, Purpose.TRAINING)) {
      assertThatThrownBy(() -> loader.epoch(-1)).hasMessageContaining("at least 0, got -1");
      assertThat(loader.epoch(0, 99)).isEmpty();
    }
    ChangeDataset dataset = ChangeDataset.open(settings, "train", Purpose.TRAINING);
    assertThatThrownBy(() -> new DataLoader(dataset, 1, 2, 2)).hasMessageContaining("rank");
  }

  private DataLoader loader(int workers, Purpose purpose) {
    return new DataLoader(
        ChangeDataset.open(settings.withWorkers(workers), "train", purpose), 1234);
  }

  private static List<Batch> all(Iterable<Batch> batches) {
    List<Batch> list = new ArrayList<>();
    batches.forEach(list::add);
    return list;
  }

  private static void assertSame(List<Batch> got, List<Batch> expected) {
    assertThat(got).hasSameSizeAs(expected);
    for (int i = 0; i < got.size(); i++) {
      assertThat(got.get(i).names()).isEqualTo(expected.get(i).names());
      assertThat(got.get(i).index()).isEqualTo(expected.get(i).index());
      assertThat(got.get(i).a()).isEqualTo(expected.get(i).a());
      assertThat(got.get(i).b()).isEqualTo(expected.get(i).b());
      assertThat(got.get(i).labels()).isEqualTo(expected.get(i).labels());
    }
  }

  private static Set<Thread> workerThreads() {
    Set<Thread> threads = new HashSet<>();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("data-worker-")) {
        threads.add(thread);
      }
    }
    return threads;
  }
}
