package dev.changenet.nn.state;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Refuses trees so deep that code walking them recursively would exhaust its stack. */
final class PickleDepth {
  static final int LIMIT = 500;

  private PickleDepth() {}

  static void check(Object root, ByteCursor in) {
    Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Object> level = List.of();
    if (root != null) {
      level = List.of(root);
    }
    for (int depth = 0; !level.isEmpty(); depth++) {
      if (depth > LIMIT) {
        throw in.refuse("the content nests deeper than " + LIMIT + " levels");
      }
      List<Object> next = new ArrayList<>();
      for (Object value : level) {
        if (isContainer(value) && seen.add(value)) {
          addChildren(value, next);
        }
      }
      level = next;
    }
  }

  private static boolean isContainer(Object value) {
    return value instanceof Map<?, ?>
        || value instanceof Iterable<?>
        || value instanceof PythonObject;
  }

  private static void addChildren(Object container, List<Object> out) {
    switch (container) {
      case Map<?, ?> map -> map.values().forEach(out::add);
      case Iterable<?> items -> items.forEach(out::add);
      case PythonObject object -> {
        out.add(object.args());
        out.add(object.state());
        out.addAll(object.items());
        out.addAll(object.entries().values());
      }
      default -> throw new IllegalStateException("no container: " + container.getClass());
    }
    if (container instanceof OrderedDict dict) {
      out.add(dict.attributes());
    }
  }
}
