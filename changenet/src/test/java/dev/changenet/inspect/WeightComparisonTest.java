package dev.changenet.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.OrderedDict;
import dev.changenet.nn.state.PthWriter;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.nn.state.StoredType;
import dev.changenet.tensor.io.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightComparisonTest {
  @TempDir Path folder;

  private static Map<String, StoredTensor> weights() {
    Map<String, StoredTensor> weights = new LinkedHashMap<>();
    for (int t = 0; t < 5; t++) {
      float[] values = new float[70_000];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) Math.sin(i + 0.1 * t);
      }
      weights.put("layer" + t + ".weight", StoredTensor.ofFloats(new int[] {70, 1000}, values));
    }
    weights.put("norm.num_batches_tracked", StoredTensor.longScalar(40));
    return weights;
  }

  private WeightSource file(String name, String prefix, Map<String, StoredTensor> weights) {
    OrderedDict state = new OrderedDict();
    weights.forEach((k, t) -> state.put(prefix + k, t));
    Path path = folder.resolve(name);
    PthWriter.write(path, Map.of("state_dict", state));
    return WeightSource.open(path);
  }

  private static StoredTensor with(StoredTensor t, int index, float value) {
    float[] values = t.toFloats();
    values[index] = value;
    return StoredTensor.ofFloats(t.shape(), values);
  }

  @Test
  void equalFilesAreEqualWhateverTheirPrefix() {
    WeightSource a = file("a.pth", "", weights());
    WeightSource b = file("b.pth", "model.", weights());
    for (WeightComparison c : List.of(WeightComparison.of(a, b), WeightComparison.of(b, a))) {
      assertThat(c.isEqual()).isTrue();
      assertThat(c.different()).isEmpty();
      assertThat(c.tensors()).hasSize(6);
    }
    assertThat(WeightComparison.of(a, b).prefixA()).isEmpty();
    assertThat(WeightComparison.of(a, b).prefixB()).isEqualTo("model.");
  }

  @Test
  void anEncoderAloneIsComparedWithTheOneInAModel() {
    WeightSource alone = file("a.pth", "", weights());
    WeightSource inside = file("b.pth", "model.backbone.", weights());
    assertThat(WeightComparison.of(alone, inside).isEqual()).isTrue();
  }

  @Test
  void findsExactlyTheAlteredTensor() {
    Map<String, StoredTensor> altered = weights();
    StoredTensor t = altered.get("layer3.weight");
    float[] values = t.toFloats();
    double norm = 0;
    for (float v : values) {
      norm += (double) v * v;
    }
    float old = values[66_000];
    altered.put("layer3.weight", with(t, 66_000, old + 2));
    double product = norm + 2.0 * old;
    WeightComparison c =
        WeightComparison.of(file("a.pth", "model.", weights()), file("b.pth", "model.", altered));
    assertThat(c.isEqual()).isFalse();
    assertThat(c.different()).singleElement().isSameAs(c.tensors().getFirst());
    WeightComparison.Difference d = c.tensors().getFirst();
    assertThat(d.name()).isEqualTo("layer3.weight");
    assertThat(d.different()).isEqualTo(1);
    assertThat(d.maxAbs()).isCloseTo(2, within(1e-6));
    assertThat(d.relativeL2()).isCloseTo(2 / Math.sqrt(norm), within(1e-8));
    double other = norm + 4.0 * old + 4;
    assertThat(d.cosine()).isCloseTo(product / Math.sqrt(norm) / Math.sqrt(other), within(1e-8));
    assertThat(c.together().different()).isEqualTo(1);
    assertThat(c.together().elements()).isEqualTo(350_000);
  }

  @Test
  void ordersByRelativeDifferenceWithCountersLast() {
    Map<String, StoredTensor> b = weights();
    b.put("layer1.weight", with(b.get("layer1.weight"), 5, 3f));
    b.put("layer4.weight", with(b.get("layer4.weight"), 5, 300f));
    b.put("norm.num_batches_tracked", StoredTensor.longScalar(80_000));
    WeightComparison c = WeightComparison.of(file("a.pth", "", weights()), file("b.pth", "", b));
    assertThat(c.different())
        .extracting(WeightComparison.Difference::name)
        .containsExactly("layer4.weight", "layer1.weight", "norm.num_batches_tracked");
  }

  @Test
  void reportsNamesShapesAndTypes() {
    Map<String, StoredTensor> b = weights();
    b.remove("layer0.weight");
    b.put("layer9.weight", StoredTensor.floatScalar(1));
    b.put("layer1.weight", StoredTensor.ofFloats(new int[] {2}, new float[2]));
    b.put(
        "layer2.weight",
        StoredTensor.ofDoubles(new int[] {70, 1000}, b.get("layer2.weight").toDoubles()));
    WeightComparison c = WeightComparison.of(file("a.pth", "", weights()), file("b.pth", "", b));
    assertThat(c.onlyA()).containsExactly("layer0.weight");
    assertThat(c.onlyB()).containsExactly("layer9.weight");
    assertThat(c.shapes()).containsExactly(Map.entry("layer1.weight", "[70, 1000] and [2]"));
    assertThat(c.different())
        .singleElement()
        .satisfies(
            d -> {
              assertThat(d.dtypes()).isEqualTo("float32 and float64");
              assertThat(d.different()).isZero();
            });
    assertThat(Json.text(c.toJson())).contains("\"equal\" : false");
  }

  @Test
  void valuesThatAreNoNumbersComeFirst() {
    Map<String, StoredTensor> b = weights();
    b.put("layer1.weight", with(b.get("layer1.weight"), 5, 300f));
    b.put("layer4.weight", with(b.get("layer4.weight"), 5, Float.NaN));
    WeightSource withNaN = file("b.pth", "", b);
    WeightComparison c = WeightComparison.of(file("a.pth", "", weights()), withNaN);
    assertThat(c.tensors().getFirst().name()).isEqualTo("layer4.weight");
    assertThat(c.tensors().getFirst().nonFiniteB()).isEqualTo(1);
    assertThat(c.tensors().getFirst().nonFiniteA()).isZero();
    assertThat(WeightComparison.of(withNaN, withNaN).isEqual()).isTrue();
  }

  @Test
  void statisticsAreThoseOfTheValues() {
    Map<String, StoredTensor> w = new LinkedHashMap<>();
    float inf = Float.POSITIVE_INFINITY;
    float[] values = {1, 2, 0, -3, Float.NaN, inf, 4};
    w.put("x", StoredTensor.ofFloats(new int[] {7}, values));
    byte[] halves = {0, 0x3C, 0, (byte) 0xC0};
    w.put("half", StoredTensor.ofBytes(StoredType.FLOAT16, new int[] {2}, halves));
    List<TensorStatistics> all = CheckpointSummary.statistics(file("a.pth", "", w));
    TensorStatistics x = all.getFirst();
    assertThat(x.min()).isEqualTo(-3);
    assertThat(x.max()).isEqualTo(4);
    assertThat(x.mean()).isCloseTo(0.8, within(1e-12));
    assertThat(x.std()).isCloseTo(Math.sqrt(30 / 5.0 - 0.64), within(1e-12));
    assertThat(x.zeros()).isEqualTo(1);
    assertThat(x.nans()).isEqualTo(1);
    assertThat(x.infinities()).isEqualTo(1);
    assertThat(all.get(1).dtype()).isEqualTo("float16");
    assertThat(all.get(1).min()).isEqualTo(-2);
    assertThat(all.get(1).max()).isEqualTo(1);
  }

  @Test
  void readsSafetensors() throws IOException {
    String header = "{\"net.w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    byte[] bytes = new byte[8 + header.length() + 8];
    bytes[0] = (byte) header.length();
    System.arraycopy(header.getBytes(StandardCharsets.UTF_8), 0, bytes, 8, header.length());
    Path path = folder.resolve("a.safetensors");
    Files.write(path, bytes);
    WeightSource source = WeightSource.open(path);
    assertThat(source.entry()).isEmpty();
    assertThat(source.tree().find("net").total().parameters()).isEqualTo(2);
    assertThat(NetworkFinder.ofWeights(source)).isEmpty();
    Map<String, StoredTensor> same = new LinkedHashMap<>();
    same.put("net.w", StoredTensor.ofFloats(new int[] {2}, new float[2]));
    assertThat(WeightComparison.of(source, file("b.pth", "", same)).isEqual()).isTrue();
  }

  @Test
  void aFileWithoutTensorsIsRefused() {
    Path path = folder.resolve("a.pth");
    PthWriter.write(path, Map.of("epoch", 3L, "state_dict", Map.of("a", "text")));
    assertThatThrownBy(() -> WeightSource.open(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("holds no named tensors");
    PthWriter.write(path, Map.of("state_dict_encrypted", "secret"));
    assertThatThrownBy(() -> WeightSource.open(path)).hasMessageContaining("encrypted");
  }

  @Test
  void theHashIsThatOfTheBytes() throws IOException {
    Path path = folder.resolve("abc");
    Files.writeString(path, "abc");
    // FIPS 180-2, appendix B.1.
    assertThat(Sha256.of(path))
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
}
