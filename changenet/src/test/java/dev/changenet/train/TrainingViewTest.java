package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.changenet.config.Task;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensorboard.EventReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What a training shows of itself: event files and {@code metrics.csv}. */
@ExtendWith(OneThread.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TrainingViewTest {
  private static final int EPOCHS = 3;
  private static final String[] PLAIN = {"train.num_epochs=" + EPOCHS};
  private static final String[] SHOWN = {PLAIN[0], "train.tensorboard.enabled=true"};

  private Path folder;
  private Path data;
  private Path plain;
  private Path shown;
  private Path events;

  /** Two steps per epoch; the shown training is interrupted in its second epoch and resumed. */
  @BeforeAll
  void train(@TempDir Path temporary) throws IOException {
    folder = temporary;
    data = TrainFixture.data(folder.resolve("data"), 4);
    plain = TrainFixture.train(data, folder.resolve("plain"), PLAIN);
    shown = folder.resolve("shown");
    events = shown.resolve(TrainingCurves.FOLDER);
    Interruption interruption = new Interruption();
    // Two steps and a validation batch, then the first step of the second epoch.
    CapturingReporter stopper = CapturingReporter.stoppingAt(4, interruption);
    assertThatThrownBy(
            () ->
                TaskRunner.run(
                    TrainFixture.spec(Task.TRAIN, data, shown, SHOWN), stopper, interruption))
        .isInstanceOf(InterruptedRunException.class);
    assertThat(TrainFixture.latest(shown).integer("global_step")).isEqualTo(3);
    TrainFixture.train(data, shown, SHOWN);
  }

  /** The values of a curve by step, later files over earlier ones as readers have it. */
  private static Map<Long, Float> curve(Path folder, String tag) throws IOException {
    TreeMap<Long, Float> curve = new TreeMap<>();
    for (Path file : EventReader.files(folder)) {
      for (EventReader.Read e : EventReader.read(file)) {
        if (e.restart()) {
          curve.tailMap(e.step(), true).clear();
        }
        if (e.scalars().containsKey(tag)) {
          assertThat(curve.put(e.step(), e.scalars().get(tag))).as("step %d", e.step()).isNull();
        }
      }
    }
    return curve;
  }

  private static List<String[]> table(Path results) throws IOException {
    return Files.readAllLines(results.resolve(MetricsTable.FILE)).stream()
        .map(row -> row.split(",", -1))
        .toList();
  }

  /** Columns that don't depend on the clock or on what ran before in this process. */
  private static List<List<String>> numbers(Path results) throws IOException {
    return table(results).stream().map(row -> List.of(row).subList(0, row.length - 4)).toList();
  }

  @Test
  void lookingOnChangesNoBitOfTheWeights() {
    assertThat(TrainFixture.bits(TrainFixture.latest(shown)))
        .isEqualTo(TrainFixture.bits(TrainFixture.latest(plain)));
  }

  @Test
  void nothingIsWrittenForTensorBoardUnlessAskedFor() {
    assertThat(plain.resolve("lightning_logs")).doesNotExist();
  }

  @Test
  void aResumedRunGoesOnWithItsStepsInANewFile() throws IOException {
    List<Path> files = EventReader.files(events);
    assertThat(files).hasSize(2);
    assertThat(EventReader.read(files.get(1)).get(1).restart()).isTrue();
    assertThat(EventReader.read(files.get(1)).get(1).step()).isEqualTo(4);
    for (String tag :
        List.of("train_loss_step", "lr", "epoch", "steps_per_second", "train_loss_output/p4")) {
      assertThat(curve(events, tag).keySet()).as(tag).containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
    }
    for (String tag : List.of("train_loss_epoch", "val_loss", "val_iou/1_changed")) {
      assertThat(curve(events, tag).keySet()).as(tag).containsExactly(2L, 4L, 6L);
    }
  }

  @Test
  void curvesHoldTheNumbersOfTheTable() throws IOException {
    List<String[]> rows = table(shown);
    List<String> header = List.of(rows.getFirst());
    for (Map.Entry<String, String> tag :
        Map.of(
                "train_loss_epoch", "train_loss",
                "lr", "lr",
                "val_loss", "val_loss",
                "val_miou", "val_miou",
                "val_mrecall", "val_mrecall",
                "val_f1/1_changed", "val_f1_1")
            .entrySet()) {
      Map<Long, Float> curve = curve(events, tag.getKey());
      for (String[] row : rows.subList(1, rows.size())) {
        assertThat(curve.get(Long.valueOf(row[1])))
            .as(tag.getKey())
            .isEqualTo((float) Double.parseDouble(row[header.indexOf(tag.getValue())]));
      }
    }
    // The steps' losses are the weighted sums of the outputs', and their mean is the epoch's.
    Map<Long, Float> total = curve(events, "train_loss_step");
    double[] weights = {0.5, 0.5, 0.5, 0.8, 1.0};
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      String output = List.of("p4", "p3", "p2", "p1", "cp").get(i);
      sum += weights[i] * curve(events, "train_loss_output/" + output).get(1L);
    }
    assertThat(sum).isCloseTo(total.get(1L), within(1e-5));
    assertThat((total.get(5L) + total.get(6L)) / 2)
        .isCloseTo(curve(events, "train_loss_epoch").get(6L), within(1e-6f));
  }

  @Test
  void normsOfThePartsAddUpToTheTotal() throws IOException {
    for (String kind : List.of("grad_norm/", "weight_norm/")) {
      EventReader.Read first =
          EventReader.read(EventReader.files(events).getFirst()).stream()
              .filter(e -> e.scalars().containsKey(kind + "total"))
              .findFirst()
              .orElseThrow();
      assertThat(first.step()).isEqualTo(1);
      double squares = 0;
      List<String> parts = new ArrayList<>();
      for (Map.Entry<String, Float> e : first.scalars().entrySet()) {
        if (e.getKey().startsWith(kind) && !e.getKey().endsWith("total")) {
          squares += (double) e.getValue() * e.getValue();
          parts.add(e.getKey().substring(kind.length()));
        }
      }
      assertThat(parts)
          .contains(
              "backbone.patch_embed",
              "backbone.patch_embed.backbone.stages.1",
              "backbone.blocks.0",
              "backbone.blocks.7",
              "backbone.cls_attn_blocks.1",
              "decoder.linear_fuse")
          .doesNotContain("backbone.blocks");
      assertThat(Math.sqrt(squares))
          .isCloseTo(first.scalars().get(kind + "total"), within(1e-5 * Math.sqrt(squares)))
          .isPositive();
    }
  }

  @Test
  void everyValidationShowsTheSamePairs() throws IOException {
    List<List<String>> sets = new ArrayList<>();
    for (Path file : EventReader.files(events)) {
      for (EventReader.Read e : EventReader.read(file)) {
        if (!e.pictures().isEmpty()) {
          sets.add(List.copyOf(e.pictures().keySet()));
          for (byte[] png : e.pictures().values()) {
            var picture = ImageIO.read(new ByteArrayInputStream(png));
            assertThat(picture.getHeight()).isEqualTo(32);
            assertThat(picture.getWidth()).isEqualTo(4 * 32 + 3 * 10);
          }
        }
      }
    }
    assertThat(sets).hasSize(EPOCHS).allMatch(s -> s.equals(sets.getFirst()));
    assertThat(sets.getFirst())
        .containsExactly("val_pairs/0_scene_00004.png", "val_pairs/1_scene_00005.png");
  }

  @Test
  void theTableIsThatOfAnUninterruptedRun() throws IOException {
    assertThat(table(shown).stream().skip(1).map(r -> r[0])).containsExactly("0", "1", "2");
    assertThat(numbers(shown)).isEqualTo(numbers(plain));
    assertThat(numbers(plain).getFirst())
        .startsWith("epoch", "step", "train_loss", "lr", "val_loss", "val_acc", "val_miou")
        .endsWith("val_iou_0", "val_f1_0", "val_iou_1", "val_f1_1");
    for (String[] row : table(plain)) {
      assertThat(row).hasSize(table(plain).getFirst().length);
    }
  }

  @Test
  void repeatedEpochsReplaceTheirRowsAndAForeignTableIsKept() throws IOException {
    Path copy = Files.createDirectories(folder.resolve("again"));
    Files.copy(plain.resolve("model_epoch_000.pth"), copy.resolve("model_epoch_000.pth"));
    Files.copy(plain.resolve(MetricsTable.FILE), copy.resolve(MetricsTable.FILE));
    TrainFixture.train(data, copy, from(copy.resolve("model_epoch_000.pth")));
    List<List<String>> rows = numbers(copy);
    assertThat(rows.get(1)).isEqualTo(numbers(plain).get(1));
    assertThat(rows.get(2).subList(0, 5)).isEqualTo(withoutScores(numbers(plain).get(2)));
    assertThat(rows.get(3)).isEqualTo(numbers(plain).get(3));
    assertThat(rows).hasSize(1 + EPOCHS);

    Files.writeString(copy.resolve(MetricsTable.FILE), "mine\n1\n");
    CapturingReporter reporter = new CapturingReporter();
    String[] fromSecond = from(copy.resolve("model_epoch_001.pth"));
    TaskRunner.run(
        TrainFixture.spec(Task.TRAIN, data, copy, fromSecond), reporter, new Interruption());
    assertThat(reporter.warnings).anyMatch(w -> w.contains("it is now metrics-old-1.csv"));
    assertThat(copy.resolve("metrics-old-1.csv")).hasContent("mine\n1\n");
    assertThat(table(copy).stream().map(r -> r[0])).containsExactly("epoch", "2");
  }

  private static String[] from(Path checkpoint) {
    return new String[] {
      PLAIN[0], "train.validation_interval=3", "train.resume_training_checkpoint_path=" + checkpoint
    };
  }

  private static List<String> withoutScores(List<String> row) {
    List<String> cells = new ArrayList<>(row.subList(0, 4));
    cells.add("");
    return cells;
  }

  @Test
  void aTrainingGoesOnWhenEventFilesCannotBeWritten() throws IOException {
    Path results = Files.createDirectories(folder.resolve("blocked"));
    Files.writeString(results.resolve("lightning_logs"), "not a folder");
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(
            Task.TRAIN, data, results, "train.num_epochs=1", "train.tensorboard.enabled=true"),
        reporter,
        new Interruption());
    assertThat(reporter.warnings.stream().filter(w -> w.contains("TensorBoard")))
        .singleElement()
        .asString()
        .contains("lightning_logs", "training goes on without them");
    assertThat(TrainFixture.bits(TrainFixture.latest(results)))
        .isEqualTo(TrainFixture.bits(WeightsFile.read(plain.resolve("model_epoch_000.pth"))));
  }

  private static List<String> run(String python, Path output, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(python));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("finished in time").isTrue();
    List<String> lines = Files.readAllLines(output);
    return process.exitValue() == 0 ? lines : null;
  }

  /** What {@code read_events.py} prints for what the files hold. */
  private List<String> expected() throws IOException {
    List<String> lines = new ArrayList<>();
    for (Path file : EventReader.files(events)) {
      for (EventReader.Read e : EventReader.read(file)) {
        e.scalars().keySet().forEach(tag -> lines.add(e.step() + " " + tag));
        e.pictures().keySet().forEach(tag -> lines.add(e.step() + " " + tag + " 158x32 PNG"));
      }
    }
    return lines.stream().sorted().toList();
  }

  private static List<String> withoutValues(Stream<String> lines) {
    return lines
        .map(l -> l.endsWith("PNG") ? l : l.substring(0, l.lastIndexOf(' ')))
        .sorted(Comparator.naturalOrder())
        .toList();
  }

  @Test
  void pythonReadsTheRecords() throws Exception {
    String python = System.getProperty("changenet.python", "/usr/bin/python3");
    assumeTrue(Files.isExecutable(Path.of(python)), "no " + python + " to read event files with");
    List<String> lines = new ArrayList<>();
    for (Path file : EventReader.files(events)) {
      List<String> read =
          run(python, folder.resolve("out"), "src/test/resources/python/read_events.py", "" + file);
      assertThat(read).isNotNull();
      lines.addAll(read);
    }
    assertThat(withoutValues(lines.stream())).isEqualTo(expected());
    for (Map.Entry<Long, Float> e : curve(events, "val_loss").entrySet()) {
      assertThat(lines).contains(e.getKey() + " val_loss " + short6(e.getValue()));
    }
  }

  private static String short6(float value) {
    return new BigDecimal(value).round(new MathContext(6)).stripTrailingZeros().toPlainString();
  }

  @Test
  void tensorBoardReadsTheFolder() throws Exception {
    String python =
        System.getenv().getOrDefault("CHANGENET_TENSORBOARD_PYTHON", "/usr/bin/python3");
    assumeTrue(
        Files.isExecutable(Path.of(python))
            && run(python, folder.resolve("out"), "-c", "import tensorboard") != null,
        "TensorBoard is not installed for " + python + " (CHANGENET_TENSORBOARD_PYTHON)");
    List<String> lines =
        run(
            python,
            folder.resolve("out"),
            "src/test/resources/python/read_events.py",
            "--tensorboard",
            events.toString());
    assertThat(lines).as(Files.readString(folder.resolve("out"))).isNotNull();
    assertThat(withoutValues(lines.stream())).isEqualTo(expected());
  }
}
