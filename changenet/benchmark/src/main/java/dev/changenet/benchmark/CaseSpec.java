package dev.changenet.benchmark;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A case of the benchmark: an operation and {@code key=value} pairs, as in {@code conv2d c=256 h=64
 * dir=bwdx}.
 */
final class CaseSpec {
  private final String text;
  private final String op;
  private final Map<String, String> values = new LinkedHashMap<>();

  CaseSpec(String text) {
    this.text = text.strip();
    String[] words = this.text.split("\\s+");
    op = words[0];
    for (int i = 1; i < words.length; i++) {
      int eq = words[i].indexOf('=');
      if (eq < 1) {
        throw new IllegalArgumentException(
            "case '" + text + "': expected key=value, got '" + words[i] + "'");
      }
      values.put(words[i].substring(0, eq), words[i].substring(eq + 1));
    }
  }

  String op() {
    return op;
  }

  String get(String key, String otherwise) {
    return values.getOrDefault(key, otherwise);
  }

  int get(String key, int otherwise) {
    return values.containsKey(key) ? Integer.parseInt(values.get(key)) : otherwise;
  }

  /** Reproducible data in [−1, 1): the same for every program that knows the rule. */
  static float[] data(int count, long seed) {
    float[] x = new float[count];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) (random.nextDouble() * 2 - 1);
    }
    return x;
  }

  @Override
  public String toString() {
    return text;
  }
}
