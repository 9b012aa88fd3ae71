package dev.changenet.report;

import dev.changenet.config.ExperimentSpec;
import java.time.ZonedDateTime;
import java.util.List;

/**
 * What the report of any run tells.
 *
 * @param spec what was asked for
 * @param device what computed, in words
 * @param began when the process began with it
 * @param seconds time it took; of a training with the time before a resume
 * @param data the splits that were read
 * @param files files read or written
 */
public record RunFacts(
    ExperimentSpec spec,
    String device,
    ZonedDateTime began,
    double seconds,
    List<Fingerprint> data,
    List<StoredFile> files) {
  public RunFacts {
    data = List.copyOf(data);
    files = List.copyOf(files);
  }
}
