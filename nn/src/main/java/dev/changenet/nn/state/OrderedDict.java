package dev.changenet.nn.state;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A Python {@code collections.OrderedDict}: what PyTorch calls a state dictionary. It is written as
 * such, whereas other maps are written as plain dictionaries.
 */
public final class OrderedDict extends LinkedHashMap<Object, Object> {
  private static final long serialVersionUID = 1L;

  private final transient Map<Object, Object> attributes = new LinkedHashMap<>();

  public OrderedDict() {}

  public OrderedDict(Map<?, ?> entries) {
    super(entries);
  }

  /** Returns the attributes set on the dictionary object, such as a module's "_metadata". */
  public Map<Object, Object> attributes() {
    return attributes;
  }
}
