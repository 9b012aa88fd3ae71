package dev.changenet.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.check.CheckSettings.Depth;
import dev.changenet.data.DataSettings;
import dev.changenet.testing.ReferenceData;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Real data sets with known peculiarities: these are found, and nothing else. */
class ReferenceSetsTest {
  private static CheckSettings settings(String set, int classes, String transform) {
    return settings(
        DataSettings.of(ReferenceData.path("data/" + set))
            .withClasses(classes, transform)
            .withBatchSize(1));
  }

  private static CheckSettings settings(DataSettings data) {
    return new CheckSettings(
        data,
        Map.of(
            Role.TRAIN,
            "train",
            Role.VALIDATION,
            "val",
            Role.TEST,
            "test",
            Role.PREDICT,
            "predict"),
        List.of(),
        List.of(),
        Depth.FULL,
        2);
  }

  private static List<String> findings(CheckSettings settings) {
    return DataDoctor.examine(settings, Progress.SILENT).findings().stream()
        .map(f -> f.severity().word() + " " + f.code().key() + " (" + f.split() + ")")
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "clcd-mini, 2, norm",
    "deeppcb-mini, 7, None",
    "dsifn-mini, 2, norm",
    "levir-mini, 2, norm"
  })
  void aCleanSetHasNoFinding(String set, int classes, String transform) {
    assertThat(findings(settings(set, classes, transform))).isEmpty();
  }

  @Test
  void deepPcbAlsoHasMasksOfZeroAnd255() {
    DataSettings data = settings("deeppcb-mini", 2, "norm").data();
    DataSettings other =
        new DataSettings(
            data.rootDir(),
            "A",
            "B",
            "label_bin",
            "list",
            ".png",
            "norm",
            2,
            256,
            1,
            0,
            data.augmentation());
    assertThat(findings(settings(other))).isEmpty();
  }

  @Test
  void xbdLacksClassesInValAndTestAndHasFewPixelsOfClassFour() {
    CheckReport report = DataDoctor.examine(settings("xbd-mini", 5, "None"), Progress.SILENT);
    assertThat(report.findings().stream().map(f -> f.split() + ": " + f.text()))
        .containsExactly(
            "test: no pixel of classes 3, 4: scores of 0 there lower the means",
            "val: no pixel of classes 1, 4: scores of 0 there lower the means",
            "train: very few pixels of class 4: 0.050 %");
    assertThat(report.count(Severity.NOTE)).isEqualTo(3);
  }

  @Test
  void largeLevirHoldsThirtyFivePixelsOf254AndATallPair() {
    CheckReport report = DataDoctor.examine(settings("levir-large", 2, "norm"), Progress.SILENT);
    assertThat(report.findings().stream().map(f -> f.code().key() + " " + f.files()))
        .containsExactly(
            "list-missing [list/train.txt]",
            "list-missing [list/val.txt]",
            "mask-between [label/test_18.png]",
            "not-square [A/test_29_31.tif]");
    assertThat(report.findings().get(2).text()).contains("35 pixels have value 254");
  }

  @Test
  void oscdHasOddSizesNoValAndMasksOfFourChannels(@TempDir Path folder) {
    CheckSettings settings = settings("oscd-mini", 2, "norm");
    assertThat(findings(settings))
        .containsExactly(
            "error list-missing (val)",
            "error mask-channels (train, test)",
            "note not-square (train, predict)");
    Path masks = folder.resolve("masks");
    assertThat(new MaskConversion(settings, masks).run(Progress.SILENT))
        .isEqualTo(new MaskConversion.Result(2, 0));
    DataSettings d = settings.data();
    DataSettings converted =
        new DataSettings(
            d.rootDir(),
            "A",
            "B",
            masks.toString(),
            "list",
            ".png",
            "norm",
            2,
            256,
            1,
            0,
            d.augmentation());
    // "Very little change (0.3 to 3 %)": 0.29 % in test.
    assertThat(findings(settings(converted)))
        .containsExactly(
            "error list-missing (val)",
            "note not-square (train, predict)",
            "note class-rare (test)");
  }
}
