package dev.changenet.config;

import java.util.List;

/** A value as it was written in a file or an override, before the schema is consulted. */
sealed interface SpecNode {

  /** Where the value (in a mapping: its key) was written. */
  Location location();

  /**
   * A scalar.
   *
   * @param value a {@code Long}, {@code BigInteger}, {@code Double}, {@code Boolean}, {@code
   *     String} or null
   */
  record Scalar(Object value, Location location) implements SpecNode {}

  record Sequence(List<SpecNode> items, Location location) implements SpecNode {}

  record Mapping(List<Entry> entries, Location location) implements SpecNode {}

  /**
   * One {@code key: value} of a mapping.
   *
   * @param name the key as text
   * @param textKey false for a key that YAML reads as a number, a boolean or null
   */
  record Entry(String name, boolean textKey, Location location, SpecNode value) {}
}
