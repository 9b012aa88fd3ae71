package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.generate.GeneratorSettings;
import dev.changenet.generate.SceneGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SplitCommandTest {
  @TempDir Path folder;
  private Path lists;
  private String spec;

  @BeforeEach
  void drawDataWithoutLists() throws IOException {
    Path data = folder.resolve("data");
    SceneGenerator.generate(data, new GeneratorSettings(3, 32, 8, 1, 1, 2));
    lists = data.resolve("list");
    for (String name : new String[] {"train", "val", "test", "predict"}) {
      Files.delete(lists.resolve(name + ".txt"));
    }
    Files.delete(lists);
    Files.delete(data.resolve("label/scene_00004.png"));
    Path file = folder.resolve("spec.yaml");
    Files.writeString(file, "dataset: {segment: {root_dir: %s, batch_size: 2}}".formatted(data));
    spec = file.toString();
  }

  @Test
  void theMissingListsAreWritten() throws IOException {
    assertThat(CommandRun.of("check", "-e", spec).out())
        .contains(
            "write the lists with 'changenet split', or set dataset.segment.list_folder_name");
    CommandRun run = CommandRun.of("split", "-e", spec, "--shares", "6,2,1");
    assertThat(run.err()).isEmpty();
    assertThat(run.out())
        .contains(
            "train.txt: 6 pairs", "val.txt: 2 pairs", "test.txt: 1 pair\n", "predict.txt: 1 pair")
        .contains("changenet check -e " + spec);
    assertThat(Files.readString(lists.resolve("predict.txt"))).isEqualTo("scene_00004.png\n");
    assertThat(run.code()).isZero();
    assertThat(CommandRun.of("check", "-e", spec).out()).containsPattern("train +6  32x32");
  }

  @Test
  void testPairsAreThoseToPredictWhereAllHaveMasks() throws IOException {
    Path data = folder.resolve("data");
    Files.copy(data.resolve("label/scene_00003.png"), data.resolve("label/scene_00004.png"));
    CommandRun run = CommandRun.of("split", "-e", spec, "--shares", "6,2,2");
    assertThat(run.err()).isEmpty();
    assertThat(run.out()).contains("predict.txt: 2 pairs, those of test, as all have masks\n");
    assertThat(lists.resolve("predict.txt")).hasSameTextualContentAs(lists.resolve("test.txt"));

    Files.delete(lists.resolve("predict.txt"));
    Path own = Files.writeString(lists.resolve("predict.csv"), "name\nnew.png\n");
    assertThat(CommandRun.of("split", "-e", spec, "--force").out()).doesNotContain("predict");
    assertThat(own).hasContent("name\nnew.png\n");
    assertThat(lists.resolve("predict.txt")).doesNotExist();
  }

  @Test
  void listsAreReplacedOnlyWhereAskedFor() throws IOException {
    CommandRun.of("split", "-e", spec);
    String before = Files.readString(lists.resolve("train.txt"));
    CommandRun refused = CommandRun.of("split", "-e", spec, "--seed", "9");
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .contains("train.txt exists; delete it, or replace the lists with --force");
    assertThat(Files.readString(lists.resolve("train.txt"))).isEqualTo(before);

    Files.move(lists.resolve("train.txt"), lists.resolve("train.csv"));
    assertThat(CommandRun.of("split", "-e", spec, "--seed", "9").code()).isEqualTo(1);
    assertThat(CommandRun.of("split", "-e", spec, "--seed", "9", "--force").code()).isZero();
    assertThat(Files.readString(lists.resolve("train.txt"))).isNotEqualTo(before);
    assertThat(lists.resolve("train.csv")).doesNotExist();
  }

  @Test
  void wrongSharesAreRefused() {
    for (String shares : new String[] {"80,20", "1,0,1", "1,1,x", "1,1,1,1", "2147483647,1,1"}) {
      CommandRun run = CommandRun.of("split", "-e", spec, "--shares", shares);
      assertThat(run.err()).contains("--shares");
      assertThat(run.code()).isEqualTo(1);
    }
    assertThat(lists).doesNotExist();
  }

  @Test
  void theNextCommandHasTheSameSettings() throws IOException {
    String root = "dataset.segment.root_dir=" + folder.resolve("data");
    Path open = folder.resolve("open.yaml");
    Files.writeString(open, "dataset: {segment: {batch_size: 2}}");
    CommandRun run = CommandRun.of("split", "-e", open.toString(), root);
    assertThat(run.out()).contains("changenet check -e " + open + " " + root + "\n");
  }

  @Test
  void aNameThatCannotStandInAListIsToldBeforeAnyIsWritten() throws IOException {
    Path data = folder.resolve("data");
    for (String side : new String[] {"A", "B", "label"}) {
      Path file = data.resolve(side).resolve("scene_00000.png");
      Files.move(file, file.resolveSibling("q\"1.png"));
    }
    CommandRun run = CommandRun.of("split", "-e", spec);
    assertThat(run.err()).contains("the file name q\"1.png has a quotation mark");
    assertThat(lists).doesNotExist();
  }

  @Test
  void aMissingFolderIsNamedWithItsKey() {
    CommandRun run = CommandRun.of("split", "-e", spec, "dataset.segment.root_dir=" + lists);
    assertThat(run.err()).contains(lists + ": no such folder; check dataset.segment.root_dir");
    CommandRun masks =
        CommandRun.of("split", "-e", spec, "dataset.segment.annotation_folder_name=masks");
    assertThat(masks.err())
        .contains("masks: no such folder; check dataset.segment.annotation_folder_name");
  }

  @Test
  void pairsWithoutAMaskAreToldWhereTheyHaveNoList() {
    CommandRun run = CommandRun.of("split", "-e", spec, "dataset.segment.predict_split=test");
    assertThat(run.out() + run.err())
        .contains("a pair without a mask is in no list: scene_00004.png; dataset.segment.predict");
  }
}
