package dev.changenet.train;

import dev.changenet.check.CheckReport;
import dev.changenet.check.CheckSettings;
import dev.changenet.check.CheckSettings.Depth;
import dev.changenet.check.Code;
import dev.changenet.check.DataDoctor;
import dev.changenet.check.Finding;
import dev.changenet.check.MaskEncoding;
import dev.changenet.check.Progress;
import dev.changenet.check.Role;
import dev.changenet.check.Severity;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SegmentDataSpec;
import dev.changenet.image.DataException;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.report.ShellCommand;
import dev.changenet.tensor.cpu.Parallel;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What a run looks at before it begins: a few files of its splits, by the data doctor. */
public final class DataCheck {
  /** Faults at which a run would stop later, at the first batch or after hours. */
  private static final Set<Code> FATAL =
      EnumSet.of(
          Code.FILE_EMPTY,
          Code.FILE_UNREADABLE,
          Code.FILE_DAMAGED,
          Code.MASK_CHANNELS,
          Code.MASK_DEPTH,
          Code.MASK_VALUES);

  /** Faults with which a network learns that nothing ever changes. */
  private static final Set<Code> CHANGE_LOST = EnumSet.of(Code.MASKS_LOST, Code.MASKS_IGNORED);

  /** How many times smaller pictures may become without a word. */
  private static final int SHRUNK = 2;

  private DataCheck() {}

  /** Returns what to examine for a spec: all four splits. */
  public static CheckSettings settings(ExperimentSpec spec, Depth depth, int threads) {
    return settings(spec, EnumSet.allOf(Role.class), depth, threads);
  }

  private static CheckSettings settings(
      ExperimentSpec spec, Set<Role> roles, Depth depth, int threads) {
    SegmentDataSpec d = spec.segmentData();
    Map<Role, String> splits = new EnumMap<>(Role.class);
    for (Role role : roles) {
      splits.put(
          role,
          switch (role) {
            case TRAIN -> d.trainSplit();
            case VALIDATION -> d.validationSplit();
            case TEST -> d.testSplit();
            case PREDICT -> d.predictSplit();
          });
    }
    return new CheckSettings(
        RunContext.dataSettings(spec),
        splits,
        d.colorMap().orElse(List.of()),
        d.classNames(),
        depth,
        threads);
  }

  /**
   * What is known before the first step.
   *
   * @param masks how masks are read; nothing when no mask could be
   * @param changeLost whether it has been said that no mask shows change
   */
  record Start(Optional<MaskEncoding> masks, boolean changeLost) {
    /** What checkpoints tell about the masks. */
    Map<String, Object> entries() {
      return masks.map(m -> Map.<String, Object>of(Checkpoint.MASKS, m.toMap())).orElse(Map.of());
    }

    /** Warns when the masks at hand are read in another way than those of a checkpoint. */
    void compare(WeightsFile checkpoint, Reporter reporter) {
      stored(checkpoint)
          .flatMap(trained -> masks.flatMap(trained::disagreement))
          .ifPresent(reporter::warn);
    }
  }

  /** Returns how the masks were read that a checkpoint was trained with, where it tells. */
  static Optional<MaskEncoding> stored(WeightsFile checkpoint) {
    return checkpoint.has(Checkpoint.MASKS)
            && checkpoint.get(Checkpoint.MASKS) instanceof Map<?, ?> map
        ? MaskEncoding.fromMap(map)
        : Optional.empty();
  }

  /**
   * Looks at some files of the splits, warns of what is suspicious and says how masks are read.
   *
   * @throws DataException for what the run would stop at anyway, and where training would be in
   *     vain
   */
  static Start atStart(ExperimentSpec spec, Set<Role> roles, Reporter reporter) {
    CheckReport report =
        DataDoctor.examine(settings(spec, roles, Depth.START, Parallel.threads()), Progress.SILENT);
    refuse(report, FATAL);
    if (roles.contains(Role.TRAIN) && changeLost(alone(spec, Role.TRAIN, report))) {
      // Other masks may show change.
      CheckSettings all = settings(spec, EnumSet.of(Role.TRAIN), Depth.MASKS, Parallel.threads());
      refuse(DataDoctor.examine(all, Progress.SILENT), CHANGE_LOST);
    }
    report.masks().ifPresent(m -> reporter.info(m.line()));
    shrunk(report).ifPresent(reporter::info);
    boolean warned = false;
    for (Finding finding : report.findings()) {
      if (finding.severity() != Severity.NOTE) {
        reporter.warn(line(finding));
        warned = true;
      }
    }
    if (warned) {
      reporter.info(
          "Only headers and some masks were looked at; to examine all: "
              + ShellCommand.of(spec, "check"));
    }
    return new Start(report.masks(), changeLost(report));
  }

  private static boolean changeLost(CheckReport report) {
    return report.findings().stream().map(Finding::code).anyMatch(CHANGE_LOST::contains);
  }

  /** The report of one split, with whose masks those of others have nothing to do. */
  private static CheckReport alone(ExperimentSpec spec, Role role, CheckReport all) {
    CheckSettings one = settings(spec, EnumSet.of(role), Depth.START, Parallel.threads());
    return all.settings().splits().size() == 1 ? all : DataDoctor.examine(one, Progress.SILENT);
  }

  private static void refuse(CheckReport report, Set<Code> codes) {
    for (Finding finding : report.findings()) {
      if (codes.contains(finding.code())) {
        throw new DataException(line(finding));
      }
    }
  }

  /** Says by how much pictures are made smaller, where much is lost. */
  private static Optional<String> shrunk(CheckReport report) {
    int side = report.settings().data().imgSize();
    return report.splits().stream()
        .flatMap(split -> split.sizes().entrySet().stream())
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .filter(size -> shorterSide(size) > SHRUNK * side)
        .map(
            size ->
                String.format(
                    "Pictures of %s are resized to %dx%d: a change %.0f pixels wide becomes 1 pixel;"
                        + " a larger dataset.segment.img_size or pictures cut into tiles keep more",
                    size, side, side, (double) shorterSide(size) / side));
  }

  private static int shorterSide(String size) {
    return Arrays.stream(size.split("x")).mapToInt(Integer::parseInt).min().orElseThrow();
  }

  /** One line: split, what was found, the first file, and what to do. */
  private static String line(Finding finding) {
    String file =
        finding.files().isEmpty() || finding.text().contains(finding.files().getFirst())
            ? ""
            : " (" + finding.files().getFirst() + (finding.files().size() > 1 ? ", …" : "") + ")";
    return (finding.split().isEmpty() ? "" : "split " + finding.split() + ": ")
        + finding.text()
        + file
        + (finding.remedy().startsWith("dataset.") ? "; set " : "; ")
        + finding.remedy();
  }
}
