package dev.changenet.check;

import java.util.List;

/**
 * One thing that is wrong, with all files that have it.
 *
 * @param code what it is
 * @param severity how bad it is
 * @param split the splits it concerns, such as {@code train, val}; empty for the data set
 * @param files the files, relative to the data root where they lie in it; all of them
 * @param text what was found and what it does
 * @param remedy what to do: a setting, a command, a sentence
 */
public record Finding(
    Code code, Severity severity, String split, List<String> files, String text, String remedy) {
  public Finding {
    files = List.copyOf(files);
  }

  /** Returns text and remedy as one line. */
  public String line() {
    return text + "; " + remedy;
  }
}
