package dev.changenet.config;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.yaml.snakeyaml.error.MarkedYAMLException;

/**
 * Reads a spec file into nodes that know their line and column. Files ending {@code .json} are
 * JSON, all others YAML 1.1 (of which JSON without tabs is a part).
 *
 * <p>The parser's own number conversion is not used: it fails on {@code .inf} and {@code .nan}.
 */
final class SpecReader {
  private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9][0-9_]*");
  private static final Pattern BOOLEAN_OR_NULL =
      Pattern.compile("(?i)true|false|yes|no|on|off|null|~");
  private static final Pattern ANCHOR = Pattern.compile("(?:!\\S*\\s+)?&([^\\s,\\[\\]{}]+)");
  private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}&&[^\\t\u0085]]");
  private static final List<String> STANDARD_TAGS =
      List.of("str", "int", "float", "bool", "null", "map", "seq");

  private final String file;
  private final List<String> lines;
  private final JsonParser parser;
  private final Map<String, SpecNode> anchors = new HashMap<>();

  private SpecReader(String file, List<String> lines, JsonParser parser) {
    this.file = file;
    this.lines = lines;
    this.parser = parser;
  }

  /**
   * Returns the file with its root mapping; an empty file is an empty mapping.
   *
   * @throws SpecException of class X if the file cannot be read, of class S if it cannot be parsed
   */
  static Document read(Path file) {
    String name = String.valueOf(file.getFileName());
    if (name.contains("=") || name.contains(",")) {
      throw unreadable(file, "has = or a comma in its name, which is not allowed; rename it");
    }
    try {
      return parse(file.toString(), Files.readString(file));
    } catch (CharacterCodingException e) {
      throw failure(Location.file(file.toString()), "the spec file is not valid UTF-8");
    } catch (IOException e) {
      throw unreadable(
          file, Files.exists(file) ? "cannot be read (" + IoProblem.of(e) + ")" : "does not exist");
    }
  }

  private static SpecException unreadable(Path file, String reason) {
    return new SpecException(
        SpecError.unusable(
            FailureKind.FILE_SYSTEM,
            "",
            Location.file(file.toString()),
            "the spec file " + reason));
  }

  /** A spec file as nodes and as text. */
  record Document(SpecNode.Mapping root, SpecSource source) {}

  /** Reads the text of a file; see {@link #read}. */
  static Document parse(String file, String content) {
    String text = content.startsWith("\uFEFF") ? content.substring(1) : content;
    JsonFactory factory =
        file.toLowerCase(Locale.ROOT).endsWith(".json") ? new JsonFactory() : new YAMLFactory();
    SpecSource source = SpecSource.of(file, text);
    try (JsonParser parser = factory.createParser(text)) {
      return new Document(new SpecReader(file, source.lines(), parser).root(), source);
    } catch (JsonProcessingException e) {
      throw syntax(file, source.lines(), e, factory instanceof YAMLFactory).in(source);
    } catch (SpecException e) {
      throw e.in(source);
    } catch (IOException e) {
      throw new IllegalStateException("reading from memory failed", e);
    }
  }

  private static SpecException syntax(
      String file, List<String> lines, JsonProcessingException e, boolean yaml) {
    if (e.getCause() instanceof MarkedYAMLException marked) {
      YamlAdvice.Advice advice = YamlAdvice.of(marked, lines);
      Location place = Location.in(file, advice.line(), advice.column());
      return failure(place, "not valid YAML: " + advice.text());
    }
    if (!yaml) {
      Location place = JsonAdvice.opened(e).map(at -> at.in(file)).orElse(place(file, e));
      return failure(place, "not valid JSON: " + JsonAdvice.of(e));
    }
    for (int i = 0; i < lines.size(); i++) {
      Matcher control = CONTROL.matcher(lines.get(i));
      if (control.find()) {
        return failure(
            Location.in(file, i + 1, control.start() + 1),
            "not valid YAML: the character U+%04X is not allowed; remove it"
                .formatted((int) control.group().charAt(0)));
      }
    }
    return failure(place(file, e), "not valid YAML: " + problem(e));
  }

  private static Location place(String file, JsonProcessingException e) {
    return location(file, e.getLocation());
  }

  /**
   * Returns the parser's own words; the places and (indented) excerpts it puts between them are
   * left out.
   */
  private static String problem(JsonProcessingException e) {
    return e.getOriginalMessage()
        .lines()
        .filter(line -> !line.isBlank() && !line.startsWith(" "))
        .collect(Collectors.joining(", "));
  }

  private SpecNode.Mapping root() throws IOException {
    JsonToken token = parser.nextToken();
    Location start = Location.in(file, 1, 1);
    if (token == null) {
      return new SpecNode.Mapping(List.of(), start);
    }
    SpecNode node = node(token);
    if (parser.nextToken() != null) {
      throw failure(here(), "the file must hold one document, a second one starts here");
    }
    return switch (node) {
      case SpecNode.Mapping mapping -> mapping;
      case SpecNode.Scalar scalar when scalar.value() == null ->
          new SpecNode.Mapping(List.of(), start);
      default ->
          throw new SpecException(
              SpecError.type(
                  "",
                  node.location(),
                  "the spec must be a mapping of sections, got "
                      + Values.describeWithType(Values.raw(node))));
    };
  }

  private SpecNode node(JsonToken token) throws IOException {
    Location location = here();
    String anchor = null;
    if (parser instanceof YAMLParser yaml) {
      if (yaml.isCurrentAlias()) {
        return alias(location);
      }
      checkTag(yaml, location);
      anchor = yaml.getObjectId() == null ? anchorInText(location) : yaml.getObjectId();
    }
    SpecNode node =
        switch (token) {
          case START_OBJECT -> mapping(location);
          case START_ARRAY -> sequence(location);
          default -> new SpecNode.Scalar(scalar(token), location);
        };
    if (anchor != null) {
      anchors.put(anchor, node);
    }
    return node;
  }

  /** Returns the anchor written at a place: the parser itself reports none for scalars. */
  private String anchorInText(Location place) {
    Matcher matcher = ANCHOR.matcher(textAt(place));
    return matcher.lookingAt() ? matcher.group(1) : null;
  }

  /** Returns the rest of the line from a place on; empty outside the text. */
  private String textAt(Location place) {
    if (place.line() < 1 || place.line() > lines.size()) {
      return "";
    }
    String line = lines.get(place.line() - 1);
    return place.column() < 1 || place.column() > line.length()
        ? ""
        : line.substring(place.column() - 1);
  }

  private SpecNode alias(Location location) throws IOException {
    SpecNode target = anchors.get(parser.getText());
    if (target == null) {
      throw failure(location, "the alias *" + parser.getText() + " has no anchor before it");
    }
    return target;
  }

  private static void checkTag(YAMLParser yaml, Location location) throws IOException {
    Object tag = yaml.getTypeId();
    if (tag == null) {
      return;
    }
    String name = tag.toString().replaceFirst("^tag:yaml\\.org,2002:", "");
    if (!STANDARD_TAGS.contains(name)) {
      throw failure(location, "the YAML tag !" + name + " is not supported");
    }
  }

  private SpecNode sequence(Location location) throws IOException {
    List<SpecNode> items = new ArrayList<>();
    for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
      items.add(node(t));
    }
    return new SpecNode.Sequence(List.copyOf(items), location);
  }

  private SpecNode mapping(Location location) throws IOException {
    Map<String, SpecNode.Entry> entries = new LinkedHashMap<>();
    Map<String, SpecNode.Entry> merged = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.getText();
      Location keyLocation = here();
      boolean quoted = isQuoted(keyLocation);
      SpecNode value = node(parser.nextToken());
      if (name.equals("<<") && !quoted && parser instanceof YAMLParser) {
        merge(value, keyLocation, merged);
        continue;
      }
      boolean textKey =
          quoted || !(INTEGER.matcher(name).matches() || BOOLEAN_OR_NULL.matcher(name).matches());
      SpecNode.Entry entry = new SpecNode.Entry(name, textKey, keyLocation, at(keyLocation, value));
      SpecNode.Entry first = entries.putIfAbsent(name, entry);
      if (first != null) {
        throw failure(
            keyLocation,
            "duplicate key '" + name + "', first given on line " + first.location().line());
      }
    }
    merged.forEach(entries::putIfAbsent);
    return new SpecNode.Mapping(List.copyOf(entries.values()), location);
  }

  /** Takes over the entries of {@code <<: *anchor}; the mapping's own entries win over them. */
  private void merge(SpecNode value, Location location, Map<String, SpecNode.Entry> merged) {
    switch (value) {
      case SpecNode.Mapping mapping ->
          mapping.entries().forEach(entry -> merged.putIfAbsent(entry.name(), entry));
      case SpecNode.Sequence sequence ->
          sequence.items().forEach(item -> merge(item, location, merged));
      case SpecNode.Scalar scalar ->
          throw failure(
              location,
              "<< needs a mapping to merge, got " + Values.describeWithType(scalar.value()));
    }
  }

  /** A value is reported at its key, the place a user looks for. */
  private static SpecNode at(Location location, SpecNode value) {
    return switch (value) {
      case SpecNode.Scalar scalar -> new SpecNode.Scalar(scalar.value(), location);
      case SpecNode.Sequence sequence -> new SpecNode.Sequence(sequence.items(), location);
      case SpecNode.Mapping mapping -> new SpecNode.Mapping(mapping.entries(), location);
    };
  }

  private Object scalar(JsonToken token) throws IOException {
    String text = parser.getText();
    return switch (token) {
      case VALUE_NULL -> null;
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NUMBER_INT -> integer(text);
      case VALUE_NUMBER_FLOAT -> number(text);
      default -> text;
    };
  }

  /** YAML 1.1 integers: decimal, 0x hexadecimal, 0b binary, leading 0 octal, with underscores. */
  private Object integer(String text) {
    String digits = text.replace("_", "").replace("+", "");
    boolean negative = digits.startsWith("-");
    if (negative) {
      digits = digits.substring(1);
    }
    int radix = 10;
    int skip = 0;
    if (parser instanceof YAMLParser && digits.length() > 1 && digits.charAt(0) == '0') {
      char mark = Character.toLowerCase(digits.charAt(1));
      radix = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
      skip = radix == 8 ? 1 : 2;
    }
    BigInteger value;
    try {
      value = new BigInteger(digits.substring(skip), radix);
    } catch (NumberFormatException e) {
      // 089 looks like an octal number and is none; YAML 1.1 reads it as text.
      return text;
    }
    value = negative ? value.negate() : value;
    return value.bitLength() > 63 ? value : (Object) value.longValue();
  }

  private static Object number(String text) {
    String plain = text.replace("_", "").toLowerCase(Locale.ROOT);
    return switch (plain) {
      case ".inf", "+.inf" -> Double.POSITIVE_INFINITY;
      case "-.inf" -> Double.NEGATIVE_INFINITY;
      case ".nan" -> Double.NaN;
      default -> Double.valueOf(plain);
    };
  }

  private boolean isQuoted(Location key) {
    String text = textAt(key);
    return text.startsWith("\"") || text.startsWith("'");
  }

  private Location here() {
    return location(file, parser.currentTokenLocation());
  }

  private static Location location(String file, JsonLocation location) {
    return location == null
        ? Location.file(file)
        : Location.in(file, location.getLineNr(), location.getColumnNr());
  }

  private static SpecException failure(Location location, String text) {
    return new SpecException(SpecError.syntax(location, text));
  }
}
