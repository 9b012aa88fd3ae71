package dev.changenet.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The settings of a run before anything is read: the defaults, overlaid with the spec file and then
 * with the overrides. Unknown keys and wrong types are collected while settings arrive.
 */
final class SpecTree {

  /**
   * One setting.
   *
   * @param value stored value, see {@link TypeConversion}
   * @param location where it was given; the file as a whole for a default
   * @param given false for a default
   */
  record Setting(Object value, Location location, boolean given) {}

  private final SpecSchema schema;
  private final KeySuggestions suggestions;
  private final Location defaultLocation;
  private final Map<String, Setting> settings = new LinkedHashMap<>();
  private final Map<String, Setting> aliasSettings = new LinkedHashMap<>();
  private final List<SpecError> errors = new ArrayList<>();

  SpecTree(SpecSchema schema, String file) {
    this.schema = schema;
    this.suggestions = new KeySuggestions(schema);
    this.defaultLocation = Location.file(file);
    schema.keys().forEach(key -> reset(key.path()));
  }

  /** Overlays the settings of a spec file. */
  void applyFile(SpecNode.Mapping root) {
    applySection("", root);
  }

  /** Overlays one command-line override. */
  void applyOverride(OverrideParser.Override override) {
    String path = override.path();
    if (override.mode() == OverrideParser.Mode.ADD && exists(path)) {
      String text = path + " is declared already, write it without +";
      errors.add(SpecError.syntax(override.location(), text));
    } else if (schema.isSection(path)) {
      applySection(path, override.value());
    } else {
      applyLeaf(path, override.value());
    }
  }

  private boolean exists(String path) {
    if (schema.isSection(path) || isLeaf(path)) {
      return true;
    }
    String key = leafAbove(path);
    return key != null
        && settings.get(schema.canonical(key)).value() instanceof Map<?, ?> entries
        && entries.containsKey(path.substring(key.length() + 1));
  }

  private boolean isLeaf(String path) {
    return settings.containsKey(schema.canonical(path));
  }

  /** Returns the declared key that encloses the path, or null. */
  private String leafAbove(String path) {
    for (int dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
      if (isLeaf(path.substring(0, dot))) {
        return path.substring(0, dot);
      }
    }
    return null;
  }

  private void applySection(String section, SpecNode node) {
    if (!(node instanceof SpecNode.Mapping mapping)) {
      errors.add(
          SpecError.type(
              section,
              node.location(),
              section
                  + ": expected a section (a mapping), got "
                  + Values.describeWithType(Values.raw(node))
                  + withoutBlank(section, node)));
      return;
    }
    for (SpecNode.Entry entry : mapping.entries()) {
      String path = SpecSchema.join(section, entry.name());
      if (!schema.names(section).contains(entry.name())) {
        errors.add(unknown(section, entry.name(), "", entry.location()));
      } else if (schema.isSection(path)) {
        applySection(path, entry.value());
      } else {
        applyLeaf(path, entry.value());
      }
    }
  }

  /** A setting such as {@code num_epochs:3} is a text for YAML. */
  private String withoutBlank(String section, SpecNode node) {
    boolean setting =
        node instanceof SpecNode.Scalar(Object value, Location _)
            && value instanceof String text
            && text.contains(":")
            && schema.names(section).contains(text.substring(0, text.indexOf(':')));
    return setting ? "; a blank is missing after the colon" : "";
  }

  private void applyLeaf(String path, SpecNode node) {
    String key = isLeaf(path) ? path : leafAbove(path);
    if (key == null) {
      errors.add(unknownPath(path, node.location()));
      return;
    }
    String canonical = schema.canonical(key);
    List<String> inside =
        key.length() == path.length()
            ? List.of()
            : List.of(path.substring(key.length() + 1).split("\\."));
    try {
      ValueType type = schema.key(canonical).orElseThrow().type();
      Object value = replaced(type, settings.get(canonical).value(), key, inside, node);
      Setting setting = new Setting(value, node.location(), true);
      if (key.equals(canonical)) {
        settings.put(canonical, setting);
      } else {
        aliasSettings.put(key, setting);
      }
    } catch (TypeConversion.Mismatch mismatch) {
      String at = path + mismatch.subPath();
      String text = Secrets.isSecret(key) ? "expected text or null" : mismatch.getMessage();
      errors.add(SpecError.type(at, mismatch.location(), at + ": " + text));
    } catch (SpecException e) {
      errors.addAll(e.errors());
    }
  }

  /**
   * Returns the new value of a key: maps are merged key by key, everything else is replaced.
   *
   * @param inside list index or map entry below the key; empty for the key itself
   */
  private Object replaced(
      ValueType type, Object current, String path, List<String> inside, SpecNode node) {
    if (inside.isEmpty()) {
      Object value = TypeConversion.convert(type, node);
      if (type.kind() == ValueType.Kind.MAP
          && value instanceof Map<?, ?> given
          && current instanceof Map<?, ?> base) {
        Map<Object, Object> merged = new LinkedHashMap<>(base);
        merged.putAll(given);
        return Collections.unmodifiableMap(merged);
      }
      return value;
    }
    String name = inside.getFirst();
    String below = path + "." + name;
    List<String> rest = inside.subList(1, inside.size());
    return switch (type.kind()) {
      case LIST -> {
        int index = index(current, path, name, node.location());
        List<Object> items = new ArrayList<>((List<?>) current);
        items.set(index, replaced(type.element(), items.get(index), below, rest, node));
        yield Collections.unmodifiableList(items);
      }
      case MAP, ANY -> {
        Map<Object, Object> entries =
            current instanceof Map<?, ?> map ? new LinkedHashMap<>(map) : new LinkedHashMap<>();
        ValueType element = type.kind() == ValueType.Kind.MAP ? type.element() : type;
        entries.put(name, replaced(element, entries.get(name), below, rest, node));
        yield Collections.unmodifiableMap(entries);
      }
      case INT, FLOAT, BOOL, STRING ->
          throw new SpecException(
              SpecError.unknownKey(
                  below,
                  node.location(),
                  "unknown key " + below + " (" + path + " is a value, not a section)",
                  List.of()));
    };
  }

  private static int index(Object current, String path, String name, Location location) {
    int size = current instanceof List<?> list ? list.size() : 0;
    if (!name.matches("[0-9]{1,9}") || Integer.parseInt(name) >= size) {
      String below = path + "." + name;
      String text =
          below + ": the list " + path + " has the elements 0 to " + (size - 1) + ", got " + name;
      throw new SpecException(
          SpecError.range(below, location, size == 0 ? below + ": the list is empty" : text));
    }
    return Integer.parseInt(name);
  }

  private SpecError unknownPath(String path, Location location) {
    String section = "";
    String rest = path;
    while (true) {
      int dot = rest.indexOf('.');
      String name = dot < 0 ? rest : rest.substring(0, dot);
      String tail = dot < 0 ? "" : rest.substring(dot + 1);
      String next = SpecSchema.join(section, name);
      if (!schema.isSection(next)) {
        return unknown(section, name, tail, location);
      }
      section = next;
      rest = tail;
    }
  }

  private SpecError unknown(String section, String name, String rest, Location location) {
    String path = SpecSchema.join(SpecSchema.join(section, name), rest);
    if (rest.isEmpty()) {
      path = SpecSchema.join(section, name);
    }
    String where =
        section.isEmpty()
            ? "there is no top-level '" + name + "'"
            : "section " + section + " has no '" + name + "'";
    String advice;
    List<String> nearest = suggestions.nearest(section, name, rest);
    if (name.contains(".") && (isLeaf(path) || schema.isSection(path))) {
      advice = "a spec file nests its sections: write " + name.replace(".", ": {") + ": ...";
      advice += "}".repeat(name.length() - name.replace(".", "").length());
    } else if (joined(section, name)) {
      advice = "a blank is missing after the colon";
    } else if (nearest.isEmpty()) {
      advice = "its keys are " + String.join(", ", schema.names(section));
    } else {
      advice = "did you mean " + String.join(" or ", nearest) + "?";
    }
    return SpecError.unknownKey(
        path, location, "unknown key " + path + " (" + where + "); " + advice, nearest);
  }

  private boolean joined(String section, String name) {
    int colon = name.indexOf(':');
    return colon > 0 && schema.names(section).contains(name.substring(0, colon));
  }

  /** Moves settings given under an alias to the canonical key; a contradiction is an error. */
  void foldAliases() {
    aliasSettings.forEach(
        (alias, setting) -> {
          String canonical = schema.canonical(alias);
          Setting other = settings.get(canonical);
          if (other.given() && !Objects.equals(other.value(), setting.value())) {
            String text =
                alias
                    + " is another name of "
                    + canonical
                    + ", but they are "
                    + Values.describe(setting.value())
                    + " and "
                    + Values.describe(other.value())
                    + "; keep one of them";
            errors.add(SpecError.unusable(FailureKind.PARAMETER, alias, setting.location(), text));
          } else if (!other.given()) {
            settings.put(canonical, setting);
          }
        });
    aliasSettings.clear();
  }

  /** Returns the errors found so far. */
  List<SpecError> errors() {
    return Collections.unmodifiableList(errors);
  }

  Object value(String path) {
    return settings.get(path).value();
  }

  Location location(String path) {
    return settings.get(path).location();
  }

  Setting setting(String path) {
    return settings.get(path);
  }

  /** Forgets what the user gave for a key. */
  void reset(String path) {
    settings.put(path, new Setting(schema.defaultValue(path), defaultLocation, false));
  }

  /** Returns a copy of the canonical keys with their stored values, in table order. */
  Map<String, Object> values() {
    Map<String, Object> values = new LinkedHashMap<>();
    settings.forEach((path, setting) -> values.put(path, setting.value()));
    return values;
  }
}
