package dev.changenet.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Finds the declared keys a user most probably meant. */
final class KeySuggestions {
  private static final int MAX_SHOWN = 3;

  private final SpecSchema schema;

  KeySuggestions(SpecSchema schema) {
    this.schema = schema;
  }

  /**
   * Returns up to three full paths: near misspellings in the same section first, then
   * abbreviations, then the same name in another section; empty when nothing is near.
   *
   * @param section path of the section in which the name was looked up
   * @param name the unknown name
   * @param rest path below the unknown name; empty when it is the last segment
   */
  List<String> nearest(String section, String name, String rest) {
    List<String> names = misspelled(name, schema.names(section));
    if (!names.isEmpty()) {
      return names.stream()
          .map(candidate -> extend(SpecSchema.join(section, candidate), rest))
          .distinct()
          .limit(MAX_SHOWN)
          .toList();
    }
    List<String> abbreviations =
        schema.names(section).stream().filter(candidate -> abbreviates(candidate, name)).toList();
    if (!abbreviations.isEmpty()) {
      return abbreviations.stream()
          .map(candidate -> SpecSchema.join(section, candidate))
          .limit(MAX_SHOWN)
          .toList();
    }
    return elsewhere(section, rest.isEmpty() ? name : rest.substring(rest.lastIndexOf('.') + 1));
  }

  /** Appends the rest of the path as far as it is declared below the corrected section. */
  private String extend(String path, String rest) {
    if (rest.isEmpty() || !schema.isSection(path)) {
      return path;
    }
    int dot = rest.indexOf('.');
    String head = dot < 0 ? rest : rest.substring(0, dot);
    String tail = dot < 0 ? "" : rest.substring(dot + 1);
    List<String> heads =
        schema.names(path).contains(head) ? List.of(head) : misspelled(head, schema.names(path));
    return heads.isEmpty() ? path : extend(SpecSchema.join(path, heads.getFirst()), tail);
  }

  /** Returns the keys of that name in other sections, those in the same top-level section first. */
  private List<String> elsewhere(String section, String name) {
    String top = section.isEmpty() ? "" : section.split("\\.")[0] + ".";
    List<String> paths =
        new ArrayList<>(
            schema.keys().stream()
                .filter(key -> key.name().equals(name) && !key.readBy().isEmpty())
                .map(SpecKey::path)
                .toList());
    List<String> near =
        paths.stream().filter(path -> !top.isEmpty() && path.startsWith(top)).toList();
    return (near.isEmpty() ? paths : near).stream().limit(MAX_SHOWN).toList();
  }

  /**
   * Returns {@code ; did you mean …?} if an allowed word is near a wrong one, else an empty text.
   */
  static String question(String wrong, List<String> allowed) {
    String lower = lower(wrong);
    List<String> near = allowed.stream().filter(word -> lower(word).equals(lower)).toList();
    if (near.isEmpty()) {
      near = misspelled(wrong, allowed);
    }
    if (near.isEmpty()) {
      near = allowed.stream().filter(word -> isPart(lower(word), lower)).toList();
    }
    return near.isEmpty()
        ? ""
        : "; did you mean " + String.join(" or ", near.stream().limit(MAX_SHOWN).toList()) + "?";
  }

  private static List<String> misspelled(String name, Collection<String> candidates) {
    String lower = name.toLowerCase(Locale.ROOT);
    int allowed = Math.max(1, Math.min(3, name.length() / 3));
    int best =
        candidates.stream()
            .mapToInt(word -> Spelling.distance(lower, lower(word)))
            .min()
            .orElse(99);
    return best > allowed
        ? List.of()
        : candidates.stream()
            .filter(candidate -> Spelling.distance(lower, lower(candidate)) == best)
            .toList();
  }

  private static boolean isPart(String word, String wrong) {
    return (wrong.length() >= 3 && word.contains(wrong))
        || (word.length() >= 2 && wrong.contains(word));
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  /** Returns true if one text is the initials of the other, or all its words are in the other. */
  private static boolean abbreviates(String candidate, String name) {
    List<String> ours = List.of(candidate.split("_"));
    List<String> theirs = List.of(name.toLowerCase(Locale.ROOT).split("[_-]"));
    return initials(theirs).equals(candidate)
        || initials(ours).equals(name)
        || ours.containsAll(theirs)
        || theirs.containsAll(ours);
  }

  private static String initials(List<String> words) {
    return words.stream()
        .filter(word -> !word.isEmpty())
        .map(word -> word.substring(0, 1))
        .collect(Collectors.joining());
  }
}
