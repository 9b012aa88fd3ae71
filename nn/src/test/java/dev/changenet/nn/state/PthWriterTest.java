package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PthWriterTest {
  @TempDir Path folder;

  private WeightsFile roundTrip(Map<?, ?> root) {
    Path path = folder.resolve("file.pth");
    PthWriter.write(path, root);
    return WeightsFile.read(path);
  }

  @Test
  void plainValuesComeBackEqual() {
    Map<Object, Object> root = new LinkedHashMap<>();
    List<Object> numbers = new ArrayList<>();
    for (long n : new long[] {0, 1, 255, 256, 65535, 65536, Integer.MAX_VALUE, 1L << 31}) {
      numbers.add(n);
      numbers.add(-n);
    }
    numbers.add(Long.MIN_VALUE);
    numbers.add(Long.MAX_VALUE);
    root.put("numbers", numbers);
    root.put("big", BigInteger.TWO.pow(200).negate());
    root.put("reals", List.of(0.0, -0.0, 1e-300, Double.MAX_VALUE, Double.NEGATIVE_INFINITY));
    root.put("nan", Double.NaN);
    root.put("texts", List.of("", "same", "same", "Änderung 変化 😀", "two\nlines"));
    root.put("truths", List.of(true, false));
    root.put("none", null);
    root.put(5L, "integer key");
    root.put("empty", List.of(List.of(), Map.of(), Tuple.of()));
    root.put("tuples", List.of(Tuple.of(1L), Tuple.of(1L, 2L, 3L), Tuple.of(1L, 2L, 3L, 4L)));

    assertThat(roundTrip(root).root()).isEqualTo(root).isInstanceOf(LinkedHashMap.class);
  }

  @Test
  void stateDictionariesStayOrderedDictionariesAndTuplesTuples() {
    OrderedDict state = new OrderedDict();
    state.put("z", StoredTensor.floatScalar(1));
    state.put("a", StoredTensor.floatScalar(2));
    state.attributes().put("_metadata", Map.of("version", 1L));
    WeightsFile file = roundTrip(Map.of("state_dict", state, "betas", Tuple.of(0.9, 0.999)));
    OrderedDict read = (OrderedDict) file.get("state_dict");
    assertThat(read.keySet()).map(String::valueOf).containsExactly("z", "a");
    assertThat(read.attributes().get("_metadata")).isEqualTo(Map.of("version", 1L));
    assertThat(file.get("betas")).isInstanceOf(Tuple.class).isEqualTo(List.of(0.9, 0.999));
  }

  @ParameterizedTest
  @EnumSource(StoredType.class)
  void everyTypeComesBackInEveryShape(StoredType type) {
    int[][] shapes = {{}, {1}, {0}, {0, 3}, {7}, {2, 3}, {2, 1, 4, 3}, {1, 257}};
    Map<String, StoredTensor> written = new LinkedHashMap<>();
    for (int[] shape : shapes) {
      int n = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      byte[] bytes = new byte[n * type.bytes()];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) (type == StoredType.BOOL ? i & 1 : 31 * i % 100);
      }
      written.put(Arrays.toString(shape), StoredTensor.ofBytes(type, shape, bytes));
    }
    WeightsFile file = roundTrip(written);
    for (Map.Entry<String, StoredTensor> entry : written.entrySet()) {
      StoredTensor read = file.tensor(entry.getKey());
      assertThat(read.type()).isEqualTo(type);
      assertThat(read.shape()).isEqualTo(entry.getValue().shape());
      assertThat(read.toDoubles()).containsExactly(entry.getValue().toDoubles());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 255, 256, 1 << 18, (1 << 18) + 1, 1_000_003})
  void sizesAroundTheBufferComeBackExactly(int n) {
    float[] values = new float[n + 5];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(i * 0x9E3779B9 & 0x7F7FFFFF);
    }
    StoredTensor read =
        roundTrip(Map.of("w", StoredTensor.ofFloats(new int[] {n}, values))).tensor("w");
    assertThat(read.toFloats()).isEqualTo(Arrays.copyOf(values, n));
  }

  @Test
  void sharedStoragesAreWrittenOnce() {
    StoredTensor whole = StoredTensor.ofFloats(new int[] {100, 100}, new float[10000]);
    StoredTensor row = new StoredTensor(whole.storage(), new int[] {100}, new long[] {1}, 300);
    WeightsFile file = roundTrip(Map.of("whole", whole, "row", row));
    assertThat(file.tensor("row").sharesStorageWith(file.tensor("whole"))).isTrue();
    assertThat(file.tensor("row").storageOffset()).isEqualTo(300);
    assertThat(file.path()).satisfies(p -> assertThat(Files.size(p)).isLessThan(45_000));
  }

  @ParameterizedTest
  @ValueSource(strings = {"views.pth", "dtypes.pth", "scalar.pth", "legacy.pth", "nested.pth"})
  void whatWasReadCanBeWrittenAgain(String sample) {
    Object original = PthReader.read(TestFiles.sample(sample));
    WeightsFile copy = roundTrip((Map<?, ?>) original);
    assertThat(TestFiles.touchAll(copy.root())).isEqualTo(TestFiles.touchAll(original));
    ((Map<?, ?>) original)
        .forEach(
            (key, value) -> {
              if (value instanceof StoredTensor tensor) {
                StoredTensor again = copy.tensor(key);
                assertThat(again.stride()).containsExactly(tensor.stride());
                assertThat(again.toDoubles()).containsExactly(tensor.toDoubles());
              }
            });
  }

  @Test
  void equalContentsGiveEqualBytesUnderAnyName() {
    Map<String, Object> root = Map.of("w", StoredTensor.ofFloats(new int[] {2}, new float[2]));
    PthWriter.write(folder.resolve("one.pth"), root);
    PthWriter.write(folder.resolve("two.pth"), root);
    assertThat(folder.resolve("one.pth")).hasSameBinaryContentAs(folder.resolve("two.pth"));
  }

  @ParameterizedTest
  @ValueSource(longs = {0xFFFFFFFFL, 300, 0})
  void theArchiveIsAValidZipWithAlignedStoredEntries(long zip32Limit) throws Exception {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (int i = 0; i < 12; i++) {
      tensors.put("t" + i, StoredTensor.ofFloats(new int[] {i}, new float[i]));
    }
    Path path = folder.resolve("aligned.pth");
    PthWriter.write(path, tensors, zip32Limit);

    assertThat(WeightsFile.read(path).tensors()).hasSize(12);
    try (ZipFile zip = new ZipFile(path.toFile());
        RandomAccessFile raw = new RandomAccessFile(path.toFile(), "r")) {
      List<? extends ZipEntry> entries = Collections.list(zip.entries());
      assertThat(entries).hasSize(15);
      assertThat(zip.getInputStream(zip.getEntry("archive/version")).readAllBytes())
          .asString()
          .isEqualTo("3\n");
      long offset = 0;
      for (ZipEntry entry : entries) {
        assertThat(entry.getMethod()).isEqualTo(ZipEntry.STORED);
        assertThat(zip.getInputStream(entry).readAllBytes()).hasSize((int) entry.getSize());
        raw.seek(offset + 26);
        int name = Short.reverseBytes(raw.readShort());
        int extra = Short.reverseBytes(raw.readShort());
        long data = offset + 30 + name + extra;
        assertThat(data % 64).as(entry.getName()).isZero();
        offset = data + entry.getSize();
      }
    }
  }

  @Test
  void manyEntriesNeedAndGetZip64() throws Exception {
    Map<Long, StoredTensor> tensors = new LinkedHashMap<>();
    for (long i = 0; i < 66_000; i++) {
      tensors.put(i, StoredTensor.floatScalar(i));
    }
    WeightsFile file = roundTrip(Map.of("t", tensors));
    assertThat(file.tensor("t", 65_999).item()).isEqualTo(65_999);
    try (ZipFile zip = new ZipFile(file.path().toFile())) {
      assertThat(zip.size()).isEqualTo(66_003);
    }
  }

  @Test
  void replacesAnOlderFileAndLeavesNoOther() {
    roundTrip(Map.of("epoch", 1));
    assertThat(roundTrip(Map.of("epoch", 2)).integer("epoch")).isEqualTo(2);
    assertThat(folder).isDirectoryContaining("glob:**/file.pth");
    assertThat(folder.toFile().list()).hasSize(1);
  }

  @Test
  void aFileCanBeReplacedByAChangedVersionOfItself() {
    WeightsFile file = roundTrip(Map.of("w", StoredTensor.ofFloats(new int[] {3}, new float[3])));
    Map<Object, Object> root = new LinkedHashMap<>(file.map());
    root.put("epoch", 3);
    PthWriter.write(file.path(), root);
    assertThat(WeightsFile.read(file.path()).tensor("w").toFloats()).containsExactly(0, 0, 0);
  }

  @Test
  void refusesValuesThatHaveNoPlaceInAFile() {
    Path path = folder.resolve("refused.pth");
    assertThatThrownBy(() -> PthWriter.write(path, Map.of("x", new StringBuilder())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a value of type java.lang.StringBuilder can't be written to a .pth file");
    List<Object> self = new ArrayList<>();
    self.add(self);
    assertThatThrownBy(() -> PthWriter.write(path, Map.of("x", self)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("contains itself");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void namesPathAndCauseWhenTheFolderIsMissing() {
    Path path = folder.resolve("absent").resolve("file.pth");
    assertThatThrownBy(() -> PthWriter.write(path, Map.of()))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(path + ": can't be written: its folder doesn't exist");
  }
}
