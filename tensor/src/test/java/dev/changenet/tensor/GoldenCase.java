package dev.changenet.tensor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.testing.Npy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** One case of the golden operations among the test resources. */
record GoldenCase(String op, String name, JsonNode attributes, Path folder) {
  /** Returns every case of the index. */
  static List<GoldenCase> all() {
    URL index = GoldenCase.class.getResource("/golden/ops/index.json");
    try {
      Path file = Path.of(index.toURI());
      List<GoldenCase> cases = new ArrayList<>();
      for (JsonNode c : new ObjectMapper().readTree(file.toFile())) {
        String op = c.get("op").asText();
        String name = c.get("case").asText();
        cases.add(
            new GoldenCase(op, name, c.get("attributes"), file.resolveSibling(op).resolve(name)));
      }
      return cases;
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Npy read(String file) {
    return Npy.read(folder.resolve(file + ".npy"));
  }

  boolean has(String file) {
    return Files.exists(folder.resolve(file + ".npy"));
  }

  int integer(String attribute, int fallback) {
    return attributes.path(attribute).asInt(fallback);
  }

  double number(String attribute) {
    return attributes.get(attribute).asDouble();
  }

  @Override
  public String toString() {
    return op + "/" + name;
  }
}
