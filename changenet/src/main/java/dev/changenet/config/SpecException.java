package dev.changenet.config;

import dev.changenet.tensor.ChangeNetException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A spec that cannot be used. The message holds one line per error, at most {@value #MAX_REPORTED};
 * the single-error accessors speak of the first.
 */
public final class SpecException extends ChangeNetException {
  private static final long serialVersionUID = 1L;
  static final int MAX_REPORTED = 10;

  private final transient List<SpecError> errors;
  private final transient Path resultsDir;
  private final transient SpecSource source;

  SpecException(SpecError error) {
    this(List.of(error), null, null);
  }

  /**
   * @param resultsDir null when nothing may be written to disk
   * @param source null when the file could not be read
   */
  SpecException(List<SpecError> errors, Path resultsDir, SpecSource source) {
    super(lines(errors));
    this.errors = List.copyOf(errors);
    this.resultsDir = resultsDir;
    this.source = source;
  }

  /** Returns the same with the text of the file, so that {@link #details} can show it. */
  SpecException in(SpecSource text) {
    return new SpecException(errors, resultsDir, text);
  }

  private static String lines(List<SpecError> errors) {
    String shown =
        errors.stream()
            .limit(MAX_REPORTED)
            .map(SpecError::message)
            .distinct()
            .collect(Collectors.joining("\n"));
    int hidden = errors.size() - MAX_REPORTED;
    return hidden > 0 ? shown + "\n... and " + hidden + " more" : shown;
  }

  /**
   * Returns the message of each error, below it the line of the file with a mark under the place,
   * and what the key may hold.
   *
   * @param most number of errors to show; the others are counted
   */
  public String details(int most) {
    StringBuilder text = new StringBuilder();
    List<SpecError> distinct = distinct(errors);
    for (SpecError error : distinct.subList(0, Math.min(most, distinct.size()))) {
      text.append(error.message()).append('\n');
      text.append(source == null ? "" : source.excerpt(error.location()));
      String note = error.note();
      text.append(note.isEmpty() ? "" : SpecSource.margin("=") + note + "\n");
    }
    int hidden = distinct.size() - most;
    return hidden > 0 ? text + "... and " + hidden + " more\n" : text.toString();
  }

  /** Returns what a run shows: {@link #details(int)} of the first {@value #MAX_REPORTED}. */
  public String details() {
    return details(MAX_REPORTED);
  }

  private static List<SpecError> distinct(List<SpecError> errors) {
    Map<String, SpecError> byMessage = new LinkedHashMap<>();
    errors.forEach(error -> byMessage.putIfAbsent(error.message(), error));
    return List.copyOf(byMessage.values());
  }

  /** Returns every error found, in the order in which the settings were written. */
  public List<SpecError> errors() {
    return errors;
  }

  /** Returns the class of the first error. */
  public ErrorClass errorClass() {
    return errors.getFirst().errorClass();
  }

  /** Returns the full dotted key of the first error, or an empty text. */
  public String key() {
    return errors.getFirst().key();
  }

  /** Returns the spec file of the first error, or an empty text when an override is at fault. */
  public String file() {
    return errors.getFirst().location().file();
  }

  /** Returns the 1-based line of the first error, or 0. */
  public int line() {
    return errors.getFirst().location().line();
  }

  /** Returns the 1-based column of the first error, or 0. */
  public int column() {
    return errors.getFirst().location().column();
  }

  /** Returns the message for the FAILURE line of {@code status.json}: cause, colon, first error. */
  public String statusMessage() {
    return errors.getFirst().kind().text() + ": " + errors.getFirst().message();
  }

  /**
   * Returns the run's results directory when the spec itself could be loaded, so that the failure
   * can be recorded there; empty when nothing may be written to disk.
   */
  public Optional<Path> resultsDir() {
    return Optional.ofNullable(resultsDir);
  }
}
