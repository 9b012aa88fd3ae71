package dev.changenet.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The key table as JSON Schema, draft 2020-12, for editors and other programs.
 *
 * <p>One file serves all tasks, so every declared key is allowed; ranges hold for the keys that the
 * task reads. Nothing is required, since overrides can supply what a file leaves out. Rules over
 * several keys are beyond a schema.
 */
public final class SpecJsonSchema {
  private static final Map<String, Object> PLACEHOLDER = Map.of("$ref", "#/$defs/placeholder");

  /** What {@link CrossChecks} demands of the entries of maps. */
  private static final Map<String, Map<String, Object>> ENTRIES =
      Map.of(
          "dataset.segment.color_map",
          Map.of(
              "additionalProperties",
              items(
                  ValueType.parse("list of int"),
                  Constraint.parse("3 items; each >= 0 and <= 255"))),
          "model.decode_head.decoder_params",
          Map.of(
              "properties",
              Map.of("embed_dim", items(ValueType.parse("int"), Constraint.parse(">= 1")))));

  private final Task task;

  private SpecJsonSchema(Task task) {
    this.task = task;
  }

  /** Returns the schema as JSON. */
  public static String of(Task task) {
    return new SpecJsonSchema(task).document();
  }

  private String document() {
    SpecSchema schema = SpecSchema.get();
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    root.put("title", "ChangeNet experiment spec for the task " + task.key());
    section(root);
    for (String path : schema.sections()) {
      Map<String, Object> inner = new LinkedHashMap<>();
      section(inner);
      parent(root, path).put(name(path), inner);
    }
    for (SpecKey key : schema.keys()) {
      parent(root, key.path()).put(key.name(), key(key));
    }
    schema
        .aliases()
        .forEach(
            (alias, canonical) -> {
              Map<String, Object> other = key(schema.key(canonical).orElseThrow());
              other.put("description", "Another name of " + canonical + ".");
              other.put("deprecated", true);
              parent(root, alias).put(name(alias), other);
            });
    root.put(
        "$defs",
        Map.of(
            "placeholder",
            ordered(
                "description", "A value to be supplied, or one that other keys give.",
                "type", "string",
                "pattern", "^\\?\\?\\?$|\\$\\{[^}]+\\}")));
    return JsonText.of(root);
  }

  private static void section(Map<String, Object> node) {
    node.put("type", "object");
    node.put("additionalProperties", false);
    node.put("properties", new LinkedHashMap<String, Object>());
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  /** Returns the properties among which the last segment of a path belongs. */
  private static Map<String, Object> parent(Map<String, Object> root, String path) {
    String[] names = path.split("\\.");
    Map<String, Object> properties = child(root, "properties");
    for (int i = 0; i < names.length - 1; i++) {
      properties = child(child(properties, names[i]), "properties");
    }
    return properties;
  }

  @SuppressWarnings("unchecked") // sections were made above, always as such maps
  private static Map<String, Object> child(Map<String, Object> node, String name) {
    return (Map<String, Object>) node.get(name);
  }

  private Map<String, Object> key(SpecKey key) {
    boolean read = key.readBy().contains(task);
    Map<String, Object> node = new LinkedHashMap<>();
    String allowed = key.constraint().text();
    node.put(
        "description",
        (read ? "" : "Not read by " + task.key() + ". ")
            + (read && key.isMandatory() ? "Mandatory. " : "")
            + key.description()
            + (allowed.isEmpty() ? "" : " [" + allowed + "]"));
    if (!key.isMandatory() && !Secrets.isSecret(key.path())) {
      node.put("default", SpecSchema.get().defaultValue(key.path()));
    }
    if (key.type().kind() == ValueType.Kind.ANY) {
      return node;
    }
    Constraint constraint = read ? key.constraint() : Constraint.parse("");
    List<Map<String, Object>> forms = new ArrayList<>(forms(key.type(), constraint));
    if (read && ENTRIES.containsKey(key.path())) {
      forms.getFirst().putAll(ENTRIES.get(key.path()));
    }
    // A text without allowed words takes placeholders as it is.
    if (key.type().kind() != ValueType.Kind.STRING || !constraint.words().isEmpty()) {
      forms.add(PLACEHOLDER);
    }
    if (forms.size() == 1) {
      node.putAll(forms.getFirst());
    } else {
      node.put("anyOf", forms);
    }
    return node;
  }

  /** The alternatives for a value. */
  private static List<Map<String, Object>> forms(ValueType type, Constraint c) {
    List<Map<String, Object>> forms = new ArrayList<>();
    switch (type.kind()) {
      case INT, FLOAT -> {
        forms.add(number(type, c));
        c.extra().ifPresent(extra -> forms.add(ordered("const", extra)));
        if (type.kind() == ValueType.Kind.FLOAT) {
          // 1e-5 without a dot is a text for YAML 1.1.
          forms.add(
              ordered("type", "string", "pattern", "^[+-]?[0-9]+(\\.[0-9]*)?[eE][+-]?[0-9]+$"));
        }
      }
      case BOOL -> forms.add(ordered("type", "boolean"));
      case STRING ->
          forms.add(
              c.words().isEmpty()
                  // Numbers and booleans count as their text.
                  ? ordered("type", List.of("string", "number", "boolean"))
                  : ordered("enum", words(c)));
      case LIST -> forms.add(list(type, c));
      case MAP ->
          forms.add(
              ordered(
                  "type",
                  "object",
                  "additionalProperties",
                  items(type.element(), Constraint.parse(""))));
      case ANY -> forms.add(ordered());
    }
    if (type.nullable() && c.words().isEmpty()) {
      forms.add(ordered("type", "null"));
    }
    return forms;
  }

  /** Words that look like numbers may be written as such. */
  private static List<Object> words(Constraint c) {
    List<Object> words = new ArrayList<>(c.words());
    c.words().stream().filter(w -> w.matches("[0-9]{1,9}")).map(Long::valueOf).forEach(words::add);
    return words;
  }

  private static Map<String, Object> items(ValueType element, Constraint c) {
    List<Object> forms = new ArrayList<>(forms(element, c));
    forms.add(PLACEHOLDER);
    return ordered("anyOf", forms);
  }

  private static Map<String, Object> list(ValueType type, Constraint c) {
    Map<String, Object> list = ordered("type", "array", "items", items(type.element(), c));
    if (c.minItems() > 0) {
      list.put("minItems", (long) c.minItems());
    }
    if (c.maxItems() < Integer.MAX_VALUE) {
      list.put("maxItems", (long) c.maxItems());
    }
    if (c.order() == Constraint.Order.DISTINCT) {
      list.put("uniqueItems", true);
    }
    return list;
  }

  private static Map<String, Object> number(ValueType type, Constraint c) {
    boolean whole = type.kind() == ValueType.Kind.INT;
    Map<String, Object> number = ordered("type", whole ? "integer" : "number");
    c.min()
        .ifPresent(
            min -> number.put(c.minExclusive() ? "exclusiveMinimum" : "minimum", bound(min)));
    c.max()
        .ifPresent(
            max -> number.put(c.maxExclusive() ? "exclusiveMaximum" : "maximum", bound(max)));
    if (whole && c.finite() && c.max().isEmpty()) {
      number.put("maximum", (long) Integer.MAX_VALUE);
    }
    return number;
  }

  private static Number bound(double bound) {
    return bound == Math.rint(bound) ? (Number) (long) bound : (Number) bound;
  }

  /** A map in the order of the arguments: name, value, name, value. */
  private static Map<String, Object> ordered(Object... entries) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < entries.length; i += 2) {
      map.put((String) entries[i], entries[i + 1]);
    }
    return map;
  }
}
