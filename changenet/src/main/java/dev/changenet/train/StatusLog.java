package dev.changenet.train;

import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * {@code status.json}: one JSON object per line, appended, with Python's separators. Scores once
 * given are repeated on every later line until replaced, as TAO's logger does.
 */
public final class StatusLog {
  /** Values of the {@code status} field that task runs write. */
  public enum Status {
    STARTED,
    RUNNING,
    FAILURE
  }

  private final Path file;
  private Map<String, Double> kpi = Map.of();

  /** Opens {@code status.json} in {@code resultsDir}, which must exist. */
  public StatusLog(Path resultsDir) {
    file = resultsDir.resolve("status.json");
  }

  /** Appends a line. */
  public void write(Status status, String message) {
    write(Map.of(), status, message);
  }

  /** Appends a line with new scores. */
  public void write(Status status, String message, Map<String, Double> scores) {
    kpi = new LinkedHashMap<>(scores);
    write(Map.of(), status, message);
  }

  /** Appends a line that starts with {@code data}: numbers, or text. */
  public void write(Map<String, Object> data, Status status, String message) {
    LocalDateTime now = LocalDateTime.now();
    Map<String, Object> line = new LinkedHashMap<>(data);
    line.put("date", now.getMonthValue() + "/" + now.getDayOfMonth() + "/" + now.getYear());
    line.put("time", now.getHour() + ":" + now.getMinute() + ":" + now.getSecond());
    line.put("status", status.name());
    line.put("verbosity", "INFO");
    line.put("message", message);
    if (!kpi.isEmpty()) {
      line.put("kpi", kpi);
    }
    StringBuilder text = new StringBuilder();
    append(text, line);
    text.append('\n');
    try {
      append(text.toString().getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new ChangeNetException(
          file
              + ": cannot append a status line ("
              + IoProblem.of(e)
              + "); check space and"
              + " permissions of the results directory",
          e);
    }
  }

  /** Appends all of {@code line} or nothing: half a line would spoil the next one as well. */
  private void append(byte[] line) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      long end = channel.size();
      ByteBuffer left = ByteBuffer.wrap(line);
      try {
        while (left.hasRemaining()) {
          channel.write(left);
        }
      } catch (IOException e) {
        channel.truncate(end);
        throw e;
      }
    }
  }

  private static void append(StringBuilder out, Object value) {
    switch (value) {
      case Map<?, ?> map -> {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> e : map.entrySet()) {
          out.append(separator);
          quote(out, String.valueOf(e.getKey()));
          out.append(": ");
          append(out, e.getValue());
          separator = ", ";
        }
        out.append('}');
      }
      case String s -> quote(out, s);
      // Python writes these three as bare words; its readers skip them.
      case Double d when d.isNaN() -> out.append("NaN");
      case Double d when d.isInfinite() -> out.append(d > 0 ? "Infinity" : "-Infinity");
      default -> out.append(value);
    }
  }

  private static void quote(StringBuilder out, String s) {
    out.append('"');
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < 0x20 || c > 0x7e) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  /** Formats a duration as Python does: {@code [D day[s], ]H:MM:SS[.ffffff]}. */
  public static String duration(double seconds) {
    long micros = Math.round(seconds * 1e6);
    Duration d = Duration.ofNanos(micros * 1000);
    StringBuilder out = new StringBuilder();
    long days = d.toDays();
    if (days > 0) {
      out.append(days).append(days == 1 ? " day, " : " days, ");
    }
    out.append(
        String.format(
            Locale.ROOT, "%d:%02d:%02d", d.toHoursPart(), d.toMinutesPart(), d.toSecondsPart()));
    long fraction = micros % 1_000_000;
    if (fraction > 0) {
      out.append(String.format(Locale.ROOT, ".%06d", fraction));
    }
    return out.toString();
  }
}
