package dev.changenet.nn.state;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URISyntaxException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Checkpoint files for tests: the stored samples and archives put together from parts. */
final class TestFiles {
  private TestFiles() {}

  static Path sample(String name) {
    try {
      return Path.of(TestFiles.class.getResource("/state/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(name, e);
    }
  }

  static JsonNode descriptions() {
    try {
      return new ObjectMapper().readTree(sample("checkpoints.json").toFile());
    } catch (IOException e) {
      throw new IllegalStateException("checkpoints.json", e);
    }
  }

  /** Returns the names of the samples that checkpoints.json lists as "good" or "bad". */
  static List<String> samples(String kind) {
    List<String> names = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : descriptions().path(kind).properties()) {
      if (!entry.getKey().equals("changenet_fan_tiny_e32.pth")) {
        names.add(entry.getKey());
      }
    }
    return names;
  }

  /** Writes a stored zip archive of these entries. */
  static Path zip(Path path, Map<String, byte[]> entries) {
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      StoredZipWriter zip = new StoredZipWriter(channel, 0xFFFFFFFFL);
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.add(entry.getKey(), MemorySegment.ofArray(entry.getValue()));
      }
      zip.finish();
    } catch (IOException e) {
      throw new IllegalStateException(path.toString(), e);
    }
    return path;
  }

  /** Writes a PyTorch archive with this pickle and one storage "0" of 24 float32. */
  static Path archive(Path path, byte[] pickle) {
    return zip(path, Map.of("a/data.pkl", pickle, "a/data/0", new byte[96]));
  }

  static byte[] bytes(Path path) {
    try {
      return Files.readAllBytes(path);
    } catch (IOException e) {
      throw new IllegalStateException(path.toString(), e);
    }
  }

  static Path write(Path path, byte[] bytes) {
    try {
      return Files.write(path, bytes);
    } catch (IOException e) {
      throw new IllegalStateException(path.toString(), e);
    }
  }

  /** Reads every element of every tensor below {@code root} and returns the number of tensors. */
  static int touchAll(Object root) {
    Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Object> open = new ArrayList<>();
    open.add(root);
    int tensors = 0;
    while (!open.isEmpty()) {
      Object value = open.removeLast();
      if (value == null || !seen.add(value)) {
        continue;
      }
      switch (value) {
        case StoredTensor tensor -> {
          tensor.toDoubles();
          tensor.toFloats();
          tensors++;
        }
        case Map<?, ?> map -> open.addAll(map.values());
        case Iterable<?> items -> items.forEach(open::add);
        case PythonObject object -> {
          open.add(object.args());
          open.add(object.state());
        }
        default -> {}
      }
    }
    return tensors;
  }
}
