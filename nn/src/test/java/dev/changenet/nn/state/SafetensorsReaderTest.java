package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsReaderTest {
  @TempDir Path folder;

  /** Writes a file with this table (' stands for ") and eight bytes of data. */
  private Path file(String table) {
    byte[] header = table.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + 8).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header).putFloat(1.5f).putFloat(-2f);
    return TestFiles.write(folder.resolve("made.safetensors"), bytes.array());
  }

  @Test
  void readsTheTypesOfTheSample() {
    Map<String, StoredTensor> t = SafetensorsReader.read(TestFiles.sample("types.safetensors"));
    assertThat(t.get("h").type()).isEqualTo(StoredType.FLOAT16);
    assertThat(t.get("h").toDoubles()).containsExactly(0.5, -2.0, 0.333251953125);
    assertThat(t.get("b").type()).isEqualTo(StoredType.BFLOAT16);
    assertThat(t.get("b").toDoubles()).containsExactly(0.5, -2.0, 0.333984375);
    assertThat(t.get("i").toLongs()).containsExactly(1, -2);
    assertThat(t.get("e").toFloats()).isEmpty();
    assertThat(t.get("s").shape()).isEmpty();
    assertThat(t.get("s").item()).isEqualTo(2.5);
  }

  @Test
  void ignoresMetadataAndKeepsTheOrderOfTheTable() {
    Map<String, StoredTensor> t =
        SafetensorsReader.read(
            file(
                "{'__metadata__':{'format':'pt'},"
                    + "'b':{'dtype':'F32','shape':[1],'data_offsets':[4,8]},"
                    + "'a':{'dtype':'F32','shape':[1,1],'data_offsets':[0,4]}}   "));
    assertThat(t.keySet()).containsExactly("b", "a");
    assertThat(t.get("a").item()).isEqualTo(1.5);
    assertThat(t.get("b").item()).isEqualTo(-2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,12]}}|doesn't fit its shape",
        "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}|doesn't fit its shape",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}|doesn't fit its shape",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}|overlap or gap",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}|has 8 bytes, expected 4",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
            + "'b':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}|overlap",
        "{'a':{'dtype':'F8_E4M3','shape':[8],'data_offsets':[0,8]}}|unsupported type 'F8_E4M3'",
        "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}|size or offset '-2'",
        "{'a':{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}}|size or offset '2.0'",
        "{'a':{'dtype':'F32','shape':[4294967298],'data_offsets':[0,8]}}|dimension of 4294967298",
        "{'a':{'dtype':'F32','shape':[2147483647,2147483647,2147483647],'data_offsets':[0,8]}}|fit",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'a':{}}|no valid JSON",
        "{'a':{'dtype':'F32','shape':[2]}}|lacks a shape",
        "{'a':7}|unsupported type",
        "[]|no JSON object",
        "{'a'|no valid JSON",
        "{}{}|no valid JSON",
      })
  void refusesTablesThatDontDescribeTheData(String table, String reason) {
    Path path = file(table);
    assertThatThrownBy(() -> SafetensorsReader.read(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(path + ": ")
        .hasMessageContaining(reason)
        .message()
        .hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0,2147483647,2147483647,2147483647", "2147483647,2147483647,2147483647,0"})
  void refusesEmptyTensorsOfImpossibleSize(String sizes) {
    Path path =
        file(
            "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
                + "'e':{'dtype':'F32','shape':["
                + sizes
                + "],'data_offsets':[8,8]}}");
    assertThatThrownBy(() -> SafetensorsReader.read(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tensor 'e': a tensor of shape");
  }

  @Test
  void refusesDeeplyNestedTables() {
    Path path = file("{'a':" + "[".repeat(100_000));
    assertThatThrownBy(() -> SafetensorsReader.read(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("no valid JSON");
  }
}
