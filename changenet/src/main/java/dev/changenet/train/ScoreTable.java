package dev.changenet.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The scores of an evaluation for people: all by name, as TAO lists them, then a row per class. */
final class ScoreTable {
  private static final String[] COLUMNS = {"iou", "precision", "recall", "F1"};
  private static final String[] HEADS = {"IoU", "precision", "recall", "F1"};
  private static final String[] MEANS = {"miou", "mprecision", "mrecall", "mf1"};
  private static final int LIST_WIDTH = 80;
  private static final int LONGEST_NAME = 24;

  private ScoreTable() {}

  /**
   * Returns the lines.
   *
   * @param scores {@code acc}, the means and the scores of each class, in the order to list them
   * @param classNames a name for each class
   */
  static String of(Map<String, Double> scores, List<String> classNames) {
    StringBuilder text = new StringBuilder("Test metrics:\n");
    list(scores, text);
    text.append('\n');
    List<String[]> rows = new ArrayList<>();
    rows.add(row("class", "", HEADS));
    for (int c = 0; c < classNames.size(); c++) {
      String[] names = COLUMNS.clone();
      for (int i = 0; i < names.length; i++) {
        names[i] += "_" + c;
      }
      rows.add(row(Integer.toString(c), shortened(classNames.get(c), c), values(scores, names)));
    }
    rows.add(row("mean", "", values(scores, MEANS)));
    table(rows, text);
    return text.append(String.format(Locale.ROOT, "  Accuracy %.4f", scores.get("acc"))).toString();
  }

  /** As many to a line as fit, in their order. */
  private static void list(Map<String, Double> scores, StringBuilder text) {
    int width = scores.keySet().stream().mapToInt(String::length).max().orElse(0);
    int cell = width + "  ".length() + " 0.0000".length();
    int perLine = LIST_WIDTH / cell;
    int shown = 0;
    for (Map.Entry<String, Double> e : scores.entrySet()) {
      text.append(String.format(Locale.ROOT, "  %-" + width + "s %.4f", e.getKey(), e.getValue()));
      if (++shown % perLine == 0 || shown == scores.size()) {
        text.append('\n');
      }
    }
  }

  private static String[] values(Map<String, Double> scores, String[] names) {
    String[] values = new String[names.length];
    for (int i = 0; i < names.length; i++) {
      values[i] = String.format(Locale.ROOT, "%.4f", scores.get(names[i]));
    }
    return values;
  }

  /** The name that classes have without names would repeat the number. */
  private static String shortened(String name, int id) {
    if (name.equals("class " + id)) {
      return "";
    }
    return name.length() > LONGEST_NAME ? name.substring(0, LONGEST_NAME - 1) + "…" : name;
  }

  private static String[] row(String id, String name, String[] cells) {
    String[] row = new String[cells.length + 1];
    row[0] = name.isEmpty() ? id : id + " " + name;
    System.arraycopy(cells, 0, row, 1, cells.length);
    return row;
  }

  private static void table(List<String[]> rows, StringBuilder text) {
    int[] widths = new int[rows.getFirst().length];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    for (String[] row : rows) {
      text.append("  ").append(row[0]).append(" ".repeat(widths[0] - row[0].length()));
      for (int i = 1; i < row.length; i++) {
        text.append("  ").append(" ".repeat(widths[i] - row[i].length())).append(row[i]);
      }
      text.append('\n');
    }
  }
}
