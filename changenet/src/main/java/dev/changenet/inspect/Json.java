package dev.changenet.inspect;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Results as JSON. */
public final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  /** A number that JSON can hold: null for NaN and infinities. */
  static Double number(double value) {
    return Double.isFinite(value) ? value : null;
  }

  /** The text, indented, with a line break at its end. */
  public static String text(Map<String, Object> content) {
    try {
      return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(content) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("results can't be written as JSON: " + e.getMessage(), e);
    }
  }

  /** Writes a file, which is replaced as a whole. */
  public static void write(Path file, Map<String, Object> content) {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new ChangeNetException(file + ": is no regular file; give the name of a file to write");
    }
    try {
      AtomicFile.write(file, text(content).getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new ChangeNetException(file + ": can't be written: " + AtomicFile.cause(e), e);
    }
  }
}
