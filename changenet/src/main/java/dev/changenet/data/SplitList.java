package dev.changenet.data;

import dev.changenet.image.DataException;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The samples of one split, in file order; duplicates are separate samples.
 *
 * <p>A {@code .txt} list holds one sample per line: the first column between white space; {@code #}
 * starts a comment. In a {@code .csv} list it is the first column between commas; a first line
 * whose first cell is {@code image_names} is a header. Empty lines count in neither.
 *
 * @param path the file the names come from
 * @param names entries as written, for instance {@code city1/x.png}
 */
public record SplitList(Path path, List<String> names) {
  private static final String CSV_HEADER = "image_names";

  public SplitList {
    names = List.copyOf(names);
  }

  /**
   * Reads {@code <folder>/<split>.txt}, or {@code <split>.csv} where that does not exist.
   *
   * @throws DataException if neither exists, the file is not UTF-8 text, has no sample, or an entry
   *     leads out of the data folders
   */
  public static SplitList read(Path folder, String split) {
    Path txt = resolve(folder, split + ".txt");
    Path csv = resolve(folder, split + ".csv");
    if (Files.isRegularFile(txt)) {
      return parse(txt, false);
    }
    if (Files.isRegularFile(csv)) {
      return parse(csv, true);
    }
    throw new DataException(
        "no list for split '"
            + split
            + "': neither "
            + txt
            + " nor "
            + csv
            + " exists; write one with a file name per line, or all with 'changenet split'");
  }

  /** What may help where the file that {@code missing} names does not exist. */
  String headerAdvice(String missing) {
    String first = names.getFirst();
    return first.contains(".") || !missing.endsWith(first)
        ? ""
        : "; '" + first + "' looks like a header, which must be " + CSV_HEADER + " in a .csv list";
  }

  private static Path resolve(Path folder, String name) {
    try {
      return folder.resolve(name);
    } catch (InvalidPathException e) {
      throw new DataException(
          folder + ": the list name '" + name + "' is not a valid file name", e);
    }
  }

  private static SplitList parse(Path path, boolean csv) {
    List<String> lines;
    try {
      lines = Files.readAllLines(path);
    } catch (CharacterCodingException e) {
      throw new DataException(
          path + ": the list is not UTF-8 text; save it as UTF-8 with one file name per line", e);
    } catch (IOException e) {
      throw new DataException(path + ": the list cannot be read (" + IoProblem.of(e) + ")", e);
    }
    List<String> names = new ArrayList<>();
    boolean first = true;
    for (int i = 0; i < lines.size(); i++) {
      // Some editors put a byte-order mark in front of the first name.
      String line = i == 0 ? lines.get(i).replaceFirst("^\uFEFF", "") : lines.get(i);
      String name = csv ? firstCell(line) : firstColumn(line);
      if (name.isEmpty()) {
        continue;
      }
      if (!(csv && first && name.equals(CSV_HEADER))) {
        checkEntry(path, i + 1, name);
        names.add(name);
      }
      first = false;
    }
    if (names.isEmpty()) {
      throw new DataException(
          path + ": no samples in the list; it needs at least one line with a file name");
    }
    return new SplitList(path, names);
  }

  private static String firstColumn(String line) {
    int comment = line.indexOf('#');
    String text = (comment >= 0 ? line.substring(0, comment) : line).strip();
    return text.isEmpty() ? text : text.split("\\s+", 2)[0];
  }

  private static String firstCell(String line) {
    String text = line.strip();
    if (text.length() > 1 && text.startsWith("\"")) {
      int end = text.indexOf('"', 1);
      if (end > 0) {
        return text.substring(1, end).strip();
      }
    }
    int comma = text.indexOf(',');
    return (comma >= 0 ? text.substring(0, comma) : text).strip();
  }

  /** Output files are named after entries, so an entry must stay inside the folders. */
  private static void checkEntry(Path list, int line, String name) {
    String problem = null;
    try {
      Path entry = Path.of(name);
      if (entry.isAbsolute()) {
        problem = "is an absolute path";
      } else if (entry.normalize().startsWith("..")) {
        problem = "leads out of the data folder";
      }
    } catch (InvalidPathException e) {
      problem = "is not a valid file name";
    }
    if (problem != null) {
      throw new DataException(
          list
              + ", line "
              + line
              + ": entry '"
              + name
              + "' "
              + problem
              + "; write the name relative to the picture folders");
    }
  }
}
