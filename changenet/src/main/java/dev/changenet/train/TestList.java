package dev.changenet.train;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SegmentDataSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** The list that training does not need and evaluation will. */
final class TestList {
  private TestList() {}

  /** Says that the list of the test split does not exist; empty when it does. */
  static Optional<String> missing(ExperimentSpec spec) {
    SegmentDataSpec data = spec.segmentData();
    Path folder = data.rootDir().resolve(data.listFolderName());
    boolean found =
        Stream.of(".txt", ".csv").anyMatch(suffix -> isFile(folder, data.testSplit() + suffix));
    return found
        ? Optional.empty()
        : Optional.of(
            "there is no test list "
                + folder
                + "/"
                + data.testSplit()
                + ".txt; training does not need it, but evaluate will: create it, or set"
                + " dataset.segment.test_split to another list");
  }

  /** A name that can't be one is a list that isn't there. */
  private static boolean isFile(Path folder, String name) {
    return name.indexOf('\0') < 0 && Files.isRegularFile(folder.resolve(name));
  }
}
