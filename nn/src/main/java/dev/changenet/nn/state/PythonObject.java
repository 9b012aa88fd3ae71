package dev.changenet.nn.state;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The inert remains of a pickled object of a class that is not known here: the class name and what
 * the pickle would have handed to it. Object graphs may contain cycles.
 */
public final class PythonObject {
  private final String className;
  private final Tuple args;
  private final List<Object> items = new ArrayList<>(0);
  private final Map<Object, Object> entries = new LinkedHashMap<>();
  private Object state;

  PythonObject(String className, Tuple args) {
    this.className = className;
    this.args = args;
  }

  /** Returns module and class name, joined by a dot. */
  public String className() {
    return className;
  }

  /** Returns the arguments of the construction. */
  public Tuple args() {
    return args;
  }

  /** Returns the attributes, usually a map or a tuple, or null if there are none. */
  public Object state() {
    return state;
  }

  void setState(Object state) {
    this.state = state;
  }

  /** Returns what was appended, for classes derived from a list. */
  public List<Object> items() {
    return items;
  }

  /** Returns the entries set, for classes derived from a dictionary. */
  public Map<Object, Object> entries() {
    return entries;
  }

  @Override
  public String toString() {
    return "PythonObject(" + className + ")";
  }
}
