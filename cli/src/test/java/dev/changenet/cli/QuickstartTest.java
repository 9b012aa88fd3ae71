package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.config.SpecLoader;
import dev.changenet.config.Task;
import dev.changenet.tensor.ChangeNetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuickstartTest {
  @TempDir Path parent;

  @ParameterizedTest
  @EnumSource(Task.class)
  void itsSpecServesEveryTask(Task task) {
    QuickstartFolder folder = new QuickstartFolder(parent.resolve("it's mine"));
    folder.prepare(false);
    folder.writeSpec();

    var spec = new SpecLoader(task).checkFiles(false).load(folder.spec(), List.of());

    assertThat(spec.resultsDir()).isEqualTo(folder.results().resolve(task.key()));
    assertThat(spec.segmentData().imgSize()).isEqualTo(QuickstartFolder.DATA.size());
  }

  @Test
  void itsPathsFollowTheResultsFolder() {
    QuickstartFolder folder = new QuickstartFolder(parent.resolve("q"));
    folder.prepare(false);
    folder.writeSpec();

    var spec =
        new SpecLoader(Task.EXPORT)
            .checkFiles(false)
            .load(folder.spec(), List.of("results_dir=mine", "dataset.segment.img_size=256"));

    assertThat(spec.export().checkpoint())
        .isEqualTo(Path.of("mine/train/changenet_model_segment_latest.pth"));
    assertThat(spec.export().onnxFile()).isEqualTo(Path.of("mine/model.onnx"));
    assertThat(spec.export().inputWidth()).isEqualTo(256);
  }

  @Test
  void itReplacesOnlyItsOwnWorkAndOnlyWhenForced() throws Exception {
    QuickstartFolder folder = new QuickstartFolder(parent.resolve("q"));
    folder.prepare(false);
    Files.createDirectories(folder.results());
    Files.writeString(folder.results().resolve("old"), "");
    Files.writeString(folder.root().resolve("notes.txt"), "mine");

    assertThatThrownBy(() -> folder.prepare(false))
        .isInstanceOf(ChangeNetException.class)
        .hasMessageContaining("add --force");
    folder.prepare(true);

    assertThat(folder.results()).doesNotExist();
    assertThat(folder.root().resolve("notes.txt")).hasContent("mine");
  }

  @Test
  void itsSummaryNamesEveryPlaceAndCommand() {
    QuickstartFolder folder = new QuickstartFolder(parent.resolve("q"));

    String text = QuickstartSummary.text(folder, "changenet", 0.625, 125);

    assertThat(text)
        .contains("02:05", "0.63", folder.spec().toString(), folder.root().toString())
        .contains("changenet train -e", "changenet evaluate -e", "changenet inference -e")
        .contains("changenet export -e")
        .doesNotContain("@");
  }
}
