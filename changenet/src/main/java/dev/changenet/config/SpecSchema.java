package dev.changenet.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The closed set of keys, sections and aliases, read from {@link SpecTable}. */
public final class SpecSchema {
  private static final SpecSchema INSTANCE = new SpecSchema(SpecTable.TEXT);

  private final Map<String, SpecKey> keys = new LinkedHashMap<>();
  private final Map<String, Object> defaults = new HashMap<>();
  private final Map<String, String> aliases = new LinkedHashMap<>();

  /** Section path to the names of its keys, aliases and sub-sections; the root is "". */
  private final Map<String, Set<String>> sections = new LinkedHashMap<>();

  private SpecSchema(String table) {
    sections.put("", new LinkedHashSet<>());
    String section = "";
    List<String> lines = table.lines().filter(line -> !line.isBlank()).toList();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (line.startsWith("[")) {
        section = header(line.substring(1, line.length() - 1));
      } else if (line.contains(" -> ")) {
        String[] alias = line.split(" -> ");
        declareAlias(join(section, alias[0]), join(section, alias[1]));
      } else {
        i++;
        declare(row(section, line, lines.get(i).strip()));
      }
    }
  }

  /** Returns the schema of the experiment spec. */
  public static SpecSchema get() {
    return INSTANCE;
  }

  /** Returns every declared key, in the order of the table. */
  public Collection<SpecKey> keys() {
    return Collections.unmodifiableCollection(keys.values());
  }

  /** Returns the key with this canonical path. */
  public Optional<SpecKey> key(String path) {
    return Optional.ofNullable(keys.get(path));
  }

  /** Returns the key with this path, or the one in whose list or map the path leads. */
  Optional<SpecKey> enclosing(String path) {
    String at = path;
    while (!keys.containsKey(canonical(at)) && at.contains(".")) {
      at = at.substring(0, at.lastIndexOf('.'));
    }
    return key(canonical(at));
  }

  /** Returns the default of a key as a stored value, see {@link TypeConversion}. */
  Object defaultValue(String path) {
    return defaults.get(path);
  }

  /** Returns alias path to canonical path. */
  public Map<String, String> aliases() {
    return Collections.unmodifiableMap(aliases);
  }

  /** Returns the paths of all sections in the order of the table, without the root. */
  public List<String> sections() {
    return sections.keySet().stream().filter(path -> !path.isEmpty()).toList();
  }

  /** Returns true for the path of a section; the root's path is empty. */
  boolean isSection(String path) {
    return sections.containsKey(path);
  }

  /** Returns the names declared in a section: keys, aliases and sub-sections. */
  Set<String> names(String section) {
    return Collections.unmodifiableSet(sections.get(section));
  }

  /** Returns the canonical path of a key or alias; the path itself for anything else. */
  String canonical(String path) {
    return aliases.getOrDefault(path, path);
  }

  static String join(String section, String name) {
    return section.isEmpty() ? name : section + "." + name;
  }

  private String header(String header) {
    int as = header.indexOf(" as ");
    if (as < 0) {
      return header;
    }
    String target = header.substring(0, as);
    String source = header.substring(as + " as ".length()) + ".";
    for (SpecKey key : List.copyOf(keys.values())) {
      // The keys directly in the section differ between the copies, its sub-sections do not.
      if (key.path().startsWith(source) && key.section().length() > source.length()) {
        String path = join(target, key.path().substring(source.length()));
        declare(
            new SpecKey(
                path,
                key.type(),
                key.defaultText(),
                key.constraint(),
                Set.of(),
                "Classification only."));
      }
    }
    new LinkedHashMap<>(aliases)
        .forEach(
            (alias, canonical) -> {
              if (alias.startsWith(source)) {
                declareAlias(
                    join(target, alias.substring(source.length())),
                    join(target, canonical.substring(source.length())));
              }
            });
    return target;
  }

  private static SpecKey row(String section, String line, String description) {
    List<String> cells = new ArrayList<>();
    for (String cell : line.split("\\|", -1)) {
      cells.add(cell.strip());
    }
    if (cells.size() != 5) {
      throw new IllegalStateException("row of the key table without five cells: " + line);
    }
    return new SpecKey(
        join(section, cells.get(0)),
        ValueType.parse(cells.get(1)),
        cells.get(2),
        Constraint.parse(cells.get(3)),
        tasks(cells.get(4)),
        description);
  }

  private static Set<Task> tasks(String cell) {
    Set<Task> tasks = EnumSet.noneOf(Task.class);
    for (Task task : Task.values()) {
      if (cell.equals("all") || List.of(cell.split(" ")).contains(task.key())) {
        tasks.add(task);
      }
    }
    if (tasks.isEmpty() != cell.equals("-")) {
      throw new IllegalStateException("unknown tasks in the key table: " + cell);
    }
    return Collections.unmodifiableSet(tasks);
  }

  private void declare(SpecKey key) {
    if (keys.put(key.path(), key) != null) {
      throw new IllegalStateException("key declared twice: " + key.path());
    }
    Object value = TypeConversion.convert(key.type(), OverrideParser.value(key.defaultText()));
    defaults.put(key.path(), value);
    declareName(key.section(), key.name());
  }

  private void declareAlias(String alias, String canonical) {
    aliases.put(alias, canonical);
    int dot = alias.lastIndexOf('.');
    declareName(alias.substring(0, dot), alias.substring(dot + 1));
  }

  private void declareName(String section, String name) {
    if (!sections.containsKey(section)) {
      int dot = section.lastIndexOf('.');
      declareName(section.substring(0, Math.max(0, dot)), section.substring(dot + 1));
      sections.put(section, new LinkedHashSet<>());
    }
    sections.get(section).add(name);
  }
}
