package dev.changenet.config;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;

/** What is wrong with a YAML text, where, and what to do, in words for people. */
final class YamlAdvice {
  private static final Pattern NO_BLANK =
      Pattern.compile("\\s*(?:- )?([A-Za-z_][\\w.-]*):([^\\s/].*)");
  private static final Pattern BARE_WORD = Pattern.compile("\\s*[A-Za-z_][\\w.-]*\\s*");
  private static final Pattern SETTING = Pattern.compile("\\s*[^\\s#:]+:\\s+[^\\s#].*");
  private static final Pattern CHARACTER = Pattern.compile("found character '(.)'.*");
  private static final Pattern ESCAPE = Pattern.compile("found unknown escape character (.)\\(.*");

  private final MarkedYAMLException e;
  private final List<String> lines;
  private final String problem;
  private final String context;

  private YamlAdvice(MarkedYAMLException e, List<String> lines) {
    this.e = e;
    this.lines = lines;
    this.problem = e.getProblem() == null ? "" : e.getProblem();
    this.context = e.getContext() == null ? "" : e.getContext();
  }

  /**
   * @param line 1-based
   * @param column 1-based
   */
  record Advice(int line, int column, String text) {}

  static Advice of(MarkedYAMLException e, List<String> lines) {
    return new YamlAdvice(e, lines).advice();
  }

  private Advice advice() {
    if (problem.contains("(TAB)")) {
      return here("a tab indents this line, YAML takes blanks only; replace the tab by blanks");
    }
    Matcher character = CHARACTER.matcher(problem);
    if (character.lookingAt()) {
      return here("'" + character.group(1) + "' cannot start a value; put the value in quotes");
    }
    if (problem.startsWith("mapping values are not allowed")) {
      return strayColon();
    }
    if (problem.startsWith("could not find expected ':'") && e.getContextMark() != null) {
      return withoutColon(e.getContextMark().getLine());
    }
    if (context.contains("quoted scalar")) {
      Matcher escape = ESCAPE.matcher(problem);
      return escape.lookingAt()
          ? here(
              "'\\"
                  + escape.group(1)
                  + "' is no escape in double quotes; write \\\\ for a backslash, or take single"
                  + " quotes")
          : opened("the quote that opens here is never closed; add the closing quote");
    }
    if (context.contains("flow node")) {
      return here(
          problem.endsWith("'?'")
              ? "a value that starts with ? needs quotes between braces; write '???'"
              : "a value is missing here");
    }
    if (context.contains("flow sequence") || context.contains("flow mapping")) {
      return bracket();
    }
    return problem.startsWith("expected <block end>") ? block() : here(plain());
  }

  /** The words of the parser. */
  private String plain() {
    return (context.isEmpty() ? "" : context + ", ") + problem.lines().findFirst().orElse("");
  }

  private Advice here(String text) {
    return at(e.getProblemMark(), text);
  }

  private Advice opened(String text) {
    return at(e.getContextMark() == null ? e.getProblemMark() : e.getContextMark(), text);
  }

  private static Advice at(Mark mark, String text) {
    return mark == null
        ? new Advice(1, 1, text)
        : new Advice(mark.getLine() + 1, mark.getColumn() + 1, text);
  }

  private Advice strayColon() {
    int line = e.getProblemMark().getLine();
    String text = line(line);
    String before = text.substring(0, Math.min(text.length(), e.getProblemMark().getColumn()));
    if (before.contains(": ")) {
      return here(
          "a second colon in one setting; put a value that contains ': ' in quotes, or give the"
              + " second key a line of its own");
    }
    int above = above(line);
    if (above >= 0 && NO_BLANK.matcher(line(above)).matches()
        || above >= 0 && BARE_WORD.matcher(line(above)).matches()) {
      return withoutColon(above);
    }
    if (above >= 0 && SETTING.matcher(line(above)).matches() && indent(above) < indent(line)) {
      return new Advice(
          line + 1,
          indent(line) + 1,
          "this line is indented deeper than line %d, which has a value already; indent both alike"
              .formatted(above + 1));
    }
    return here("a colon where none is allowed; put text that contains ': ' in quotes");
  }

  private Advice withoutColon(int line) {
    String text = line(line);
    Matcher setting = NO_BLANK.matcher(text);
    if (setting.matches()) {
      return new Advice(
          line + 1,
          setting.start(1) + 1,
          "a blank is missing after the colon; write "
              + setting.group(1)
              + ": "
              + setting.group(2).strip());
    }
    return new Advice(
        line + 1,
        indent(line) + 1,
        "there is no colon after '%s'; write key: value, with a blank".formatted(text.strip()));
  }

  private Advice bracket() {
    boolean list = context.contains("sequence");
    String open = list ? "[" : "{";
    String close = list ? "]" : "}";
    Mark start = e.getContextMark();
    if (problem.endsWith("<stream end>")) {
      return opened("the " + open + " that opens here is never closed; add " + close);
    }
    if (start != null && start.getLine() != e.getProblemMark().getLine()) {
      return opened(
          "the %s that opens here is not closed before line %d; add %s or a comma"
              .formatted(open, e.getProblemMark().getLine() + 1, close));
    }
    return here(
        "a comma or %s belongs here, after the %s in column %d"
            .formatted(close, open, start == null ? 1 : start.getColumn() + 1));
  }

  private Advice block() {
    String found = problem.substring(problem.indexOf("found") + "found".length()).strip();
    int line = e.getProblemMark().getLine();
    return switch (found) {
      case "'<block mapping start>'" -> {
        int above = above(line);
        yield here(
            "this line is indented by %d blanks, line %d by %d; keys of one section are indented"
                    .formatted(indent(line), above + 1, above < 0 ? 0 : indent(above))
                + " alike");
      }
      case "'-'" ->
          here("a list item between the keys of a section; give the list a key of its own");
      case "'?'" -> here("a key between the items of a list; end the list or indent the key");
      case "']'", "'}'" ->
          here("nothing is open that this " + found.charAt(1) + " could close; remove it");
      case "'<scalar>'" ->
          here(
              "text after the end of a value; put the whole value in quotes (a quote inside single"
                  + " quotes is written twice)");
      default -> here(plain());
    };
  }

  private String line(int index) {
    return index >= 0 && index < lines.size() ? lines.get(index) : "";
  }

  /** Returns the line above that holds more than a comment, or -1. */
  private int above(int line) {
    for (int i = line - 1; i >= 0; i--) {
      String text = line(i).strip();
      if (!text.isEmpty() && !text.startsWith("#")) {
        return i;
      }
    }
    return -1;
  }

  private int indent(int line) {
    String text = line(line);
    return text.length() - text.stripLeading().length();
  }
}
