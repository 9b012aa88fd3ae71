package dev.changenet.config;

import dev.changenet.tensor.ChangeNetException;
import java.nio.file.Path;
import java.util.List;
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

  SpecException(SpecError error) {
    this(List.of(error), null);
  }

  SpecException(List<SpecError> errors, Path resultsDir) {
    super(lines(errors));
    this.errors = List.copyOf(errors);
    this.resultsDir = resultsDir;
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
