package dev.changenet.check;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Examines a data set. Pictures are read one pair at a time by each thread and not kept; the
 * findings are the same for any number of threads.
 */
public final class DataDoctor {
  private static final List<Examiner> EXAMINERS =
      List.of(
          new ListExaminer(),
          new FileExaminer(),
          new SizeExaminer(),
          new PictureExaminer(),
          new MaskExaminer(),
          new MaskValueExaminer(),
          new ClassExaminer());

  private DataDoctor() {}

  /** Reads the data set as far as {@code settings} say, and returns what is wrong with it. */
  public static CheckReport examine(CheckSettings settings, Progress progress) {
    List<Finding> findings = new ArrayList<>();
    Optional<DataSet> read = new DataSetReader(settings, findings::add).read();
    if (read.isEmpty()) {
      return new CheckReport(settings, findings, List.of(), Optional.empty());
    }
    DataSet data = read.get();
    List<PairFacts> pairs = data.pairs();
    ShiftEvidence shifts = new ShiftEvidence(pairs.size());
    PairScanner scanner = new PairScanner(settings, shifts);
    Workers.forEach(
        pairs.size(), settings.threads(), "Checking", progress, i -> scanner.scan(pairs.get(i), i));
    EXAMINERS.forEach(e -> e.examine(data, findings::add));
    if (data.full()) {
      new TwinExaminer(progress).examine(data, findings::add);
      new ShiftExaminer(shifts).examine(data, findings::add);
    }
    findings.sort(
        Comparator.comparing(Finding::severity)
            .thenComparing(Finding::code)
            .thenComparing(Finding::split));
    return new CheckReport(
        settings,
        findings,
        data.splits().stream().map(s -> CheckReport.Summary.of(settings, s)).toList(),
        encoding(data));
  }

  private static Optional<MaskEncoding> encoding(DataSet data) {
    TreeSet<Integer> values = new TreeSet<>();
    for (PairFacts pair : data.withValues()) {
      for (int value : pair.values.values()) {
        values.add(value);
      }
    }
    return values.isEmpty()
        ? Optional.empty()
        : Optional.of(MaskEncoding.of(data.settings().data(), values));
  }
}
