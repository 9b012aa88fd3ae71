package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.generate.GeneratorSettings;
import dev.changenet.generate.SceneGenerator;
import dev.changenet.image.ImageReader;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.RgbImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckCommandTest {
  @TempDir Path folder;
  private Path data;
  private String spec;

  @BeforeEach
  void drawData() throws IOException {
    data = folder.resolve("data");
    SceneGenerator.generate(data, new GeneratorSettings(3, 64, 4, 2, 2, 2));
    Path file = folder.resolve("spec.yaml");
    // What a run would refuse outside of the data section is none of the check's business.
    Files.writeString(
        file,
        """
        train: {num_gpus: 7, gpu_ids: [0, 1, 2, 3, 4, 5, 6]}
        evaluate: {checkpoint: nowhere.pth}
        dataset: {segment: {root_dir: %s, batch_size: 4, img_size: 33}}
        """
            .formatted(data));
    spec = file.toString();
  }

  @Test
  void aCleanSetPasses() {
    CommandRun run = CommandRun.of("check", "-e", spec);
    assertThat(run.err()).isEmpty();
    assertThat(run.out())
        .contains(
            "train                 4  64x64",
            "Masks: values 0, 255 -> classes 0, 1 (label_transform norm)",
            "No findings.");
    assertThat(run.code()).isZero();
    assertThat(CommandRun.of("check", "-e", spec, "--strict", "--quick").code()).isZero();
  }

  @Test
  void aSplitIsShownByItsUseAndItsList() throws IOException {
    CommandRun run = CommandRun.of("check", "-e", spec, "dataset.segment.predict_split=test");
    assertThat(run.out().lines().map(line -> line.replaceFirst("   .*", "")))
        .containsSubsequence("train", "validation (val)", "test", "predict (test)");

    Files.delete(data.resolve("list/test.txt"));
    Files.move(data.resolve("list/val.txt"), data.resolve("list/test.csv"));
    run = CommandRun.of("check", "-e", spec, "dataset.segment.validation_split=none");
    assertThat(run.out().lines().map(line -> line.replaceFirst("   .*", "")))
        .containsSubsequence("train", "test", "predict")
        .noneMatch(line -> line.startsWith("validation"));
  }

  @Test
  void errorsFailAndWarningsOnlyWhenStrict() throws IOException {
    Files.copy(data.resolve("label/scene_00000.png"), data.resolve("label/old.png"));
    CommandRun warned = CommandRun.of("check", "-e", spec);
    assertThat(warned.out())
        .contains("WARNING  file-extra", "    label/old.png", "0 errors, 1 warning, 0 notes");
    assertThat(warned.code()).isZero();
    assertThat(CommandRun.of("check", "-e", spec, "--strict").code()).isEqualTo(1);
    Files.delete(data.resolve("A/scene_00001.png"));
    CommandRun failed = CommandRun.of("check", "-e", spec, "--quick");
    assertThat(failed.out()).contains("ERROR  file-missing  (train)", "1 error, 1 warning");
    assertThat(failed.code()).isEqualTo(1);
  }

  @Test
  void jsonHoldsEveryFile() throws IOException {
    for (int i = 0; i < 4; i++) {
      Files.delete(data.resolve("B").resolve(SceneGenerator.name(i)));
    }
    Path json = folder.resolve("findings.json");
    CommandRun run = CommandRun.of("check", "-e", spec, "--json", json.toString());
    assertThat(run.code()).isEqualTo(1);
    JsonNode root = new ObjectMapper().readTree(json.toFile());
    JsonNode finding = root.get("findings").get(0);
    assertThat(finding.get("code").asText()).isEqualTo("file-missing");
    assertThat(finding.get("severity").asText()).isEqualTo("error");
    assertThat(finding.get("count").asInt()).isEqualTo(4);
    assertThat(finding.get("files")).hasSize(4);
    assertThat(root.get("counts").get("errors").asInt()).isEqualTo(1);
    CommandRun printed = CommandRun.of("check", "-e", spec, "--json", "-");
    assertThat(printed.out()).isEqualTo(Files.readString(json));
  }

  @Test
  void jsonGoesIntoRegularFilesOnly() {
    CommandRun run = CommandRun.of("check", "-e", spec, "--json", folder.toString());
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains(folder + ": is no regular file");
  }

  @Test
  void colouredMasksAreConvertedIntoANewFolder() throws IOException {
    for (int i = 0; i < 8; i++) {
      Path file = data.resolve("label").resolve(SceneGenerator.name(i));
      Mask mask = ImageReader.readMask(file);
      RgbImage image = RgbImage.black(mask.width(), mask.height());
      for (int k = 0; k < mask.values().length; k++) {
        image.pixels()[3 * k + 1] = mask.values()[k] == 0 ? 0 : (byte) 200;
      }
      ImageWriter.writePng(file, image);
    }
    String map = "dataset.segment.color_map={0:[0,0,0],1:[0,200,0]}";
    assertThat(CommandRun.of("check", "-e", spec, map).out())
        .contains("mask-channels", "Every colour is one of", "--convert-masks DIR");

    String target = folder.resolve("classes").toString();
    CommandRun unknown = CommandRun.of("check", "-e", spec, "--convert-masks", target);
    assertThat(unknown.code()).isEqualTo(1);
    assertThat(unknown.err())
        .contains("colour [0, 200, 0] at column 0, row 0 has no class: the spec has no color_map");
    assertThat(Path.of(target)).doesNotExist();

    CommandRun converted = CommandRun.of("check", "-e", spec, map, "--convert-masks", target);
    assertThat(converted.err()).isEmpty();
    assertThat(converted.out())
        .contains("Wrote 8 masks", "dataset.segment.annotation_folder_name=" + target);
    CommandRun clean =
        CommandRun.of(
            "check",
            "-e",
            spec,
            "dataset.segment.annotation_folder_name=" + target,
            "dataset.segment.label_transform=None");
    assertThat(clean.out()).contains("values 0, 1 -> classes 0, 1", "No findings.");
    assertThat(CommandRun.of("check", "-e", spec, map, "--convert-masks", target).err())
        .contains("is not empty");
  }

  @Test
  void badArgumentsAreNamed() {
    assertThat(CommandRun.of("check").err()).contains("-e");
    CommandRun none = CommandRun.of("check", "-e", "nowhere.yaml");
    assertThat(none.code()).isEqualTo(1);
    assertThat(none.err()).contains("nowhere.yaml");
    assertThat(CommandRun.of("check", "-e", spec, "dataset.segment.num_classes=1").err())
        .contains("dataset.segment.num_classes");
    assertThat(CommandRun.of("check", "-e", spec, "dataset.segment.root_dir=/nowhere").out())
        .contains("folder-missing", "/nowhere", "dataset.segment.root_dir");
    assertThat(CommandRun.of("check", "--help").out())
        .contains("Examples:", "--quick", "--json", "--strict", "--convert-masks");
  }

  @Test
  void aWrongSpecIsShownWithItsPlace() throws IOException {
    Path wrong = folder.resolve("wrong.yaml");
    Files.writeString(wrong, "dataset:\n  segment:\n    root_dri: data\n");
    CommandRun run = CommandRun.of("check", "-e", wrong.toString());
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err())
        .contains(":3:5: unknown key dataset.segment.root_dri", "root_dri: data\n", "^^^^^^^^\n");
  }
}
