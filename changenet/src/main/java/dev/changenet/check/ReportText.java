package dev.changenet.check;

import dev.changenet.check.CheckReport.Summary;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A report for the terminal. */
public final class ReportText {
  private static final int WIDTH = 98;
  private static final int FILES = 3;
  private static final int MOST_CLASSES = 7;
  private static final int HEADING = 14;

  private ReportText() {}

  /** Returns the lines of {@code report}. */
  public static String of(CheckReport report) {
    StringBuilder text = new StringBuilder();
    summary(report, text);
    for (Finding finding : report.findings()) {
      finding(finding, text);
    }
    text.append('\n').append(verdict(report)).append('\n');
    return text.toString();
  }

  private static void summary(CheckReport report, StringBuilder text) {
    CheckSettings s = report.settings();
    text.append("Data set ")
        .append(s.data().rootDir())
        .append(" (")
        .append(s.data().numClasses())
        .append(" classes, label_transform ")
        .append(s.data().labelTransform())
        .append(")\n");
    if (report.splits().isEmpty()) {
      return;
    }
    List<String[]> rows = new ArrayList<>();
    boolean shares = report.splits().stream().anyMatch(p -> !p.shares().isEmpty());
    boolean each = s.data().numClasses() <= MOST_CLASSES;
    List<String> head = new ArrayList<>(List.of("split", "pairs", "size", "masks read"));
    if (shares) {
      for (int c = 0; each && c < s.data().numClasses(); c++) {
        head.add(heading(s, c));
      }
      if (!each) {
        head.add("changed");
      }
      head.add("ignored");
    }
    rows.add(head.toArray(String[]::new));
    List<Role> roles = roles(report);
    for (int i = 0; i < roles.size(); i++) {
      rows.add(row(roles.get(i), report.splits().get(i), shares, each, head.size()));
    }
    text.append('\n');
    table(rows, text);
    report.masks().ifPresent(m -> text.append('\n').append(m.line()).append('\n'));
  }

  private static String heading(CheckSettings settings, int id) {
    String name = id < settings.classNames().size() ? settings.classNames().get(id) : "class " + id;
    return name.length() > HEADING ? name.substring(0, HEADING - 1) + "…" : name;
  }

  /** What each split of the report is for: two may have one list, one may have none. */
  private static List<Role> roles(CheckReport report) {
    List<Role> roles = new ArrayList<>();
    report
        .settings()
        .splits()
        .forEach(
            (role, list) -> {
              if (roles.size() < report.splits().size()
                  && report.splits().get(roles.size()).name().equals(list)) {
                roles.add(role);
              }
            });
    return roles;
  }

  private static String[] row(Role role, Summary split, boolean shares, boolean each, int columns) {
    List<String> row = new ArrayList<>();
    String use = role.name().toLowerCase(Locale.ROOT);
    row.add(use.equals(split.name()) ? use : use + " (" + split.name() + ")");
    row.add(String.valueOf(split.pairs()));
    row.add(sizes(split.sizes()));
    row.add(String.valueOf(split.masks()));
    if (shares && !split.shares().isEmpty()) {
      if (each) {
        split.shares().forEach(v -> row.add(Words.percent(v)));
      } else {
        row.add(Words.percent(1 - split.shares().getFirst()));
      }
      row.add(Words.percent(split.ignored()));
    }
    while (row.size() < columns) {
      row.add("-");
    }
    return row.toArray(String[]::new);
  }

  private static String sizes(Map<String, Integer> sizes) {
    List<String> names = List.copyOf(sizes.keySet());
    return switch (names.size()) {
      case 0 -> "-";
      case 1 -> names.getFirst();
      case 2 -> String.join(", ", names);
      default -> names.getFirst() + ", … (" + names.size() + " sizes)";
    };
  }

  private static void table(List<String[]> rows, StringBuilder text) {
    int[] widths = new int[rows.getFirst().length];
    for (String[] row : rows) {
      for (int c = 0; c < row.length; c++) {
        widths[c] = Math.max(widths[c], row[c].length());
      }
    }
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < row.length; c++) {
        String space = " ".repeat(widths[c] - row[c].length());
        // Words to the left, numbers to the right.
        line.append(c == 0 || c == 2 ? row[c] + space : space + row[c]).append("  ");
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
  }

  private static void finding(Finding f, StringBuilder text) {
    text.append('\n')
        .append(f.severity().name())
        .append("  ")
        .append(f.code().key())
        .append(f.split().isEmpty() ? "" : "  (" + f.split() + ")")
        .append('\n');
    wrap(capital(f.text()) + ".", "  ", "  ", text);
    int shown = f.files().size() <= FILES + 1 ? f.files().size() : FILES;
    f.files().subList(0, shown).forEach(file -> text.append("    ").append(file).append('\n'));
    if (shown < f.files().size()) {
      text.append("    … and ").append(f.files().size() - shown).append(" more\n");
    }
    wrap(f.remedy(), "  Remedy: ", "          ", text);
  }

  private static String capital(String text) {
    // A sentence that starts with a path or a key stays as it is.
    String first = text.split(" ", 2)[0];
    return first.matches("[a-z]+")
        ? first.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1)
        : text;
  }

  private static void wrap(String text, String first, String next, StringBuilder out) {
    StringBuilder line = new StringBuilder(first);
    boolean empty = true;
    for (String word : text.split(" ")) {
      if (!empty && line.length() + 1 + word.length() > WIDTH) {
        out.append(line).append('\n');
        line.setLength(0);
        line.append(next);
        empty = true;
      }
      line.append(empty ? "" : " ").append(word);
      empty = false;
    }
    out.append(line).append('\n');
  }

  /** Returns the last line: how many findings of which severity. */
  public static String verdict(CheckReport report) {
    if (report.findings().isEmpty()) {
      return "No findings.";
    }
    List<String> parts = new ArrayList<>();
    for (Severity severity : Severity.values()) {
      parts.add(Words.count(report.count(severity), severity.word()));
    }
    return String.join(", ", parts);
  }
}
