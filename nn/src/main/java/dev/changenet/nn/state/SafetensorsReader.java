package dev.changenet.nn.state;

import static dev.changenet.nn.state.CheckpointException.quote;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads safetensors files: a length, a JSON table of tensors, then their bytes.
 *
 * <p>Source: the format description of the safetensors project. As there, the tensors must cover
 * the data without gaps or overlaps.
 */
public final class SafetensorsReader {
  private static final long MAX_HEADER_BYTES = 10_000_000;
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final MappedFile file;
  private final MemorySegment data;

  /** A tensor's place in the data, in bytes. */
  private record Extent(String name, long begin, long end) {}

  private SafetensorsReader(MappedFile file, MemorySegment data) {
    this.file = file;
    this.data = data;
  }

  /**
   * Returns the tensors of {@code path} by name, in the order of its table.
   *
   * @throws CheckpointException if the file can't be read or is damaged
   */
  public static Map<String, StoredTensor> read(Path path) {
    return read(MappedFile.open(path));
  }

  static Map<String, StoredTensor> read(MappedFile file) {
    ByteCursor in = new ByteCursor(file, "safetensors", file.bytes());
    long headerBytes = in.i64();
    if (headerBytes < 2 || headerBytes > Math.min(in.remaining(), MAX_HEADER_BYTES)) {
      throw file.refuse(
          "safetensors header declares "
              + Long.toUnsignedString(headerBytes)
              + " bytes but "
              + in.remaining()
              + " are left in the file (at most "
              + MAX_HEADER_BYTES
              + ")");
    }
    JsonNode table = parse(file, in.utf8(headerBytes));
    return new SafetensorsReader(file, in.slice(in.remaining())).tensors(table);
  }

  private static JsonNode parse(MappedFile file, String header) {
    try {
      JsonNode table = JSON.readTree(header);
      if (table == null || !table.isObject()) {
        throw file.refuse("safetensors header is no JSON object");
      }
      return table;
    } catch (JsonProcessingException e) {
      throw file.refuse("safetensors header is no valid JSON: " + quote(e.getOriginalMessage()), e);
    }
  }

  private Map<String, StoredTensor> tensors(JsonNode table) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    List<Extent> extents = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : table.properties()) {
      if (!field.getKey().equals("__metadata__")) {
        tensors.put(field.getKey(), tensor(field.getKey(), field.getValue(), extents));
      }
    }
    extents.sort(Comparator.comparingLong(Extent::begin).thenComparingLong(Extent::end));
    long covered = 0;
    for (Extent extent : extents) {
      if (extent.begin() != covered) {
        throw file.refuse(
            "tensor "
                + quote(extent.name())
                + " starts at byte "
                + extent.begin()
                + " of the data, expected "
                + covered
                + " (overlap or gap)");
      }
      covered = extent.end();
    }
    if (covered != data.byteSize()) {
      throw file.refuse("the data has " + data.byteSize() + " bytes, expected " + covered);
    }
    return tensors;
  }

  private StoredTensor tensor(String name, JsonNode entry, List<Extent> extents) {
    StoredType type = StoredType.ofSafetensors(entry.path("dtype").asText());
    if (type == null) {
      throw file.refuse(
          "tensor " + quote(name) + " has unsupported type " + quote(entry.path("dtype").asText()));
    }
    JsonNode sizes = entry.path("shape");
    JsonNode offsets = entry.path("data_offsets");
    if (!sizes.isArray() || !offsets.isArray() || offsets.size() != 2) {
      throw file.refuse("tensor " + quote(name) + " lacks a shape or two data_offsets");
    }
    int[] shape = new int[sizes.size()];
    long bytes = type.bytes();
    for (int i = 0; i < shape.length; i++) {
      long size = number(name, sizes.get(i));
      if (size > Integer.MAX_VALUE) {
        throw file.refuse("tensor " + quote(name) + " has a dimension of " + size);
      }
      shape[i] = (int) size;
      bytes = bytes > Long.MAX_VALUE / Math.max(size, 1) ? Long.MAX_VALUE : bytes * size;
    }
    long begin = number(name, offsets.get(0));
    long end = number(name, offsets.get(1));
    if (begin > end || end > data.byteSize() || end - begin != bytes) {
      throw file.refuse(
          "tensor "
              + quote(name)
              + " of type "
              + type.torchName()
              + " lies at bytes "
              + begin
              + " to "
              + end
              + " of "
              + data.byteSize()
              + ", which doesn't fit its shape "
              + sizes);
    }
    extents.add(new Extent(name, begin, end));
    Storage storage = new Storage(type, bytes / type.bytes(), data.asSlice(begin, end - begin));
    try {
      return new StoredTensor(storage, shape, StoredTensor.contiguousStride(shape), 0);
    } catch (IllegalArgumentException e) {
      throw file.refuse("tensor " + quote(name) + ": " + e.getMessage(), e);
    }
  }

  private long number(String name, JsonNode node) {
    if (!node.isIntegralNumber() || !node.canConvertToLong() || node.longValue() < 0) {
      throw file.refuse("tensor " + quote(name) + " has size or offset " + quote(node.toString()));
    }
    return node.longValue();
  }
}
