package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.check.MaskEncoding;
import dev.changenet.config.Task;
import dev.changenet.image.ImageReader;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.RgbImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What runs say about their data before they begin. */
@ExtendWith(OneThread.class)
class DataCheckTest {
  private static final String NORM = "Masks: values 0, 255 -> classes 0, 1 (label_transform norm)";

  @TempDir Path folder;

  private CapturingReporter run(Task task, Path data, String results, String... overrides)
      throws IOException {
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(task, data, folder.resolve(results), overrides),
        reporter,
        new Interruption());
    return reporter;
  }

  private static void divideMasks(Path data) throws IOException {
    try (Stream<Path> masks = Files.list(data.resolve("label"))) {
      for (Path file : masks.toList()) {
        Mask mask = ImageReader.readMask(file);
        byte[] values = new byte[mask.values().length];
        for (int i = 0; i < values.length; i++) {
          values[i] = (byte) ((mask.values()[i] & 0xFF) / 255);
        }
        ImageWriter.writePng(file, new Mask(mask.width(), mask.height(), values));
      }
    }
  }

  @Test
  void theEncodingIsSaidStoredAndCompared() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    CapturingReporter training = run(Task.TRAIN, data, "trained", "train.num_epochs=1");
    assertThat(training.lines).containsOnlyOnce(NORM);
    assertThat(training.warnings).noneMatch(w -> w.contains("mask"));
    Path model = folder.resolve("trained/model_epoch_000.pth");
    assertThat(DataCheck.stored(Checkpoint.open(model)))
        .contains(new MaskEncoding("norm", 2, List.of(0, 255)));

    CapturingReporter same =
        run(
            Task.EVALUATE,
            data,
            "same",
            "evaluate.checkpoint=" + model,
            "dataset.segment.test_split=train");
    assertThat(same.lines).containsOnlyOnce(NORM);
    assertThat(same.warnings).noneMatch(w -> w.contains("mask"));

    CapturingReporter other =
        run(
            Task.EVALUATE,
            data,
            "other",
            "evaluate.checkpoint=" + model,
            "dataset.segment.test_split=train",
            "dataset.segment.label_transform=None");
    assertThat(other.lines)
        .contains("Masks: values 0, 255 -> classes 0, ignored (label_transform None)");
    assertThat(other.warnings)
        .anyMatch(
            w ->
                w.equals(
                    "the checkpoint was trained with masks: values 0, 255 -> classes 0, 1"
                        + " (label_transform norm), but here masks: values 0, 255 -> classes 0,"
                        + " ignored (label_transform None); set"
                        + " dataset.segment.label_transform=norm unless these masks are stored"
                        + " differently"));

    CapturingReporter inference =
        run(Task.INFERENCE, data, "inferred", "inference.checkpoint=" + model);
    assertThat(inference.lines).contains("Trained with m" + NORM.substring(1));

    divideMasks(data);
    CapturingReporter divided =
        run(
            Task.EVALUATE,
            data,
            "divided",
            "evaluate.checkpoint=" + model,
            "dataset.segment.test_split=train");
    assertThat(divided.warnings)
        .filteredOn(w -> w.contains("label_transform norm divides by 255"))
        .hasSize(1);
    assertThat(divided.warnings)
        .anyMatch(w -> w.contains("but here masks: values 0, 1 -> class 0 (label_transform norm)"))
        .noneMatch(w -> w.contains("no mask has a changed pixel"));
  }

  @Test
  void trainingIsRefusedWhereTheMasksLoseAllChange() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    assertThatThrownBy(() -> run(Task.TRAIN, data, "kept", "dataset.segment.label_transform=None"))
        .hasMessageContaining("keeps 255, which means 'ignore', so nothing is changed")
        .hasMessageEndingWith("; set dataset.segment.label_transform=norm");
    divideMasks(data);
    assertThatThrownBy(() -> run(Task.TRAIN, data, "divided"))
        .hasMessageContaining("label_transform norm divides by 255")
        .hasMessageEndingWith("; set dataset.segment.label_transform=None");
    assertThat(folder.resolve("divided/changenet_model_segment_latest.pth")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({"norm, 0, the masks hold", "None, 1, 'keeps 255, which means'"})
  void masksOfOtherSplitsAreNoHelp(String transform, byte between, String text) throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    if (transform.equals("norm")) {
      divideMasks(data);
    }
    byte[] values = new byte[32 * 32];
    values[0] = (byte) 255;
    values[1] = between;
    String name = Files.readAllLines(data.resolve("list/val.txt")).getFirst();
    for (String side : List.of("A", "B")) {
      Files.copy(data.resolve(side).resolve(name), data.resolve(side).resolve("right.png"));
    }
    ImageWriter.writePng(data.resolve("label/right.png"), new Mask(32, 32, values));
    Files.writeString(data.resolve("list/val.txt"), "right.png\n");
    assertThatThrownBy(
            () -> run(Task.TRAIN, data, "lost", "dataset.segment.label_transform=" + transform))
        .hasMessageStartingWith("split train: ")
        .hasMessageContaining(text);
  }

  @Test
  void muchSmallerPicturesAreMentioned() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    String text = "are resized to";
    assertThat(run(Task.TRAIN, data, "same", "train.num_epochs=1").lines)
        .noneMatch(line -> line.contains(text));
    for (String side : List.of("A", "B", "label")) {
      try (Stream<Path> pictures = Files.list(data.resolve(side))) {
        for (Path file : pictures.toList()) {
          enlarge(file, side.equals("label"));
        }
      }
    }
    assertThat(run(Task.TRAIN, data, "large", "train.num_epochs=1").lines)
        .filteredOn(line -> line.contains(text))
        .singleElement()
        .asString()
        .startsWith("Pictures of 96x96 are resized to 32x32: a change 3 pixels wide becomes 1");
  }

  private static void enlarge(Path file, boolean mask) {
    int side = 96;
    if (mask) {
      byte[] small = ImageReader.readMask(file).values();
      byte[] large = new byte[side * side];
      for (int i = 0; i < large.length; i++) {
        large[i] = small[i / side / 3 * 32 + i % side / 3];
      }
      ImageWriter.writePng(file, new Mask(side, side, large));
    } else {
      ImageWriter.writePng(file, RgbImage.black(side, side));
    }
  }

  @Test
  void masksWithSeveralChannelsAreRefusedBeforeTheFirstStep() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path mask = data.resolve("label/scene_00001.png");
    ImageWriter.writePng(mask, RgbImage.black(32, 32));
    assertThatThrownBy(() -> run(Task.TRAIN, data, "results"))
        .hasMessageStartingWith("split train: 1 mask with 3 channels where one is expected")
        .hasMessageContaining("label/scene_00001.png")
        .hasMessageContaining("--convert-masks");
  }

  @Test
  void aValueWithoutAClassIsRefusedInTheWordsOfTheLoader() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path mask = data.resolve("label/scene_00003.png");
    byte[] values = new byte[32 * 32];
    values[33] = 7;
    ImageWriter.writePng(mask, new Mask(32, 32, values));
    assertThatThrownBy(
            () -> run(Task.TRAIN, data, "results", "dataset.segment.label_transform=None"))
        .hasMessageContaining(
            mask
                + ": mask value 7 at column 1, row 1 is no class; expected 0–1 or 255 (ignore) with"
                + " num_classes 2 and label_transform None");
  }

  @Test
  void aDamagedPictureIsRefusedBeforeTheFirstStep() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path file = data.resolve("B/scene_00001.png");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
    assertThatThrownBy(() -> run(Task.TRAIN, data, "results"))
        .hasMessageContaining("damaged or cut short")
        .hasMessageContaining("B/scene_00001.png");
  }

  /** The first look is at 16 masks of a split; here the 17th and 18th decide. */
  @Test
  void allMasksAreReadBeforeTrainingIsRefused() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    List<String> names = Files.readAllLines(data.resolve("list/train.txt"));
    StringBuilder list = new StringBuilder();
    for (int i = 0; i < 32; i++) {
      boolean seen = i % 2 == 0;
      byte[] values = new byte[32 * 32];
      values[0] = (byte) (seen ? 255 : 1);
      String name = "pair" + i + ".png";
      Files.copy(data.resolve("A/" + names.getFirst()), data.resolve("A/" + name));
      Files.copy(data.resolve("B/" + names.getFirst()), data.resolve("B/" + name));
      ImageWriter.writePng(data.resolve("label/" + name), new Mask(32, 32, values));
      list.append(name).append('\n');
    }
    Files.writeString(data.resolve("list/train.txt"), list);
    Files.writeString(data.resolve("list/val.txt"), "pair0.png\n");
    String kept = "dataset.segment.label_transform=None";
    CapturingReporter reporter = run(Task.TRAIN, data, "some", kept, "train.num_epochs=1");
    assertThat(reporter.warnings)
        .anyMatch(w -> w.contains("keeps 255, which means 'ignore', so nothing is changed"));

    for (int i = 1; i < 32; i += 2) {
      ImageWriter.writePng(
          data.resolve("label/pair" + i + ".png"), new Mask(32, 32, new byte[32 * 32]));
    }
    assertThatThrownBy(() -> run(Task.TRAIN, data, "none", kept))
        .hasMessageContaining("keeps 255, which means 'ignore', so nothing is changed");
  }
}
