package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SpecReferenceTest {

  @Test
  void documentationPageEqualsTheKeyTable() throws IOException {
    Path page = Path.of("..", "docs", "spec.md");

    assertThat(Files.readString(page)).isEqualTo(SpecReference.markdown());
  }

  @Test
  void everyKeyAndAliasIsDocumented() {
    String page = SpecReference.markdown();

    for (SpecKey key : SpecSchema.get().keys()) {
      assertThat(key.description()).as(key.path()).isNotBlank().endsWith(".");
      assertThat(page).contains("| `" + key.name() + "` | " + key.type());
    }
    SpecSchema.get()
        .aliases()
        .forEach((alias, key) -> assertThat(page).contains("| `" + alias + "` | `" + key + "` |"));
  }

  @Test
  void helpListsTheKeysOfTheTask() {
    assertThat(SpecReference.help(Task.TRAIN))
        .contains(
            "  train.num_epochs (int, default 10)\n"
                + "      Total number of epochs, also after a resume. [>= 1]\n")
        .contains("dataset.segment.root_dir (string, mandatory)")
        .doesNotContain("export.");
    assertThat(SpecReference.help(Task.EXPORT))
        .contains("export.onnx_file")
        .doesNotContain("train.num_epochs");
  }

  @Test
  void schemaKnowsEverySectionOnce() {
    assertThat(SpecSchema.get().keys()).hasSizeGreaterThan(180);
    assertThat(SpecSchema.get().sections()).doesNotHaveDuplicates().contains("train.optim");
    assertThat(SpecSchema.get().key("dataset.classify.augmentation_config.random_flip.enable"))
        .isPresent();
  }
}
