package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.metrics.ConfusionMatrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The report that training and evaluation leave behind. */
@ExtendWith(OneThread.class)
class ReportTest {
  @TempDir Path folder;
  private Path data;
  private Path results;

  @BeforeEach
  void makeData() throws IOException {
    data = TrainFixture.data(folder.resolve("data"), 4);
    results = folder.resolve("results");
    // So small, generated scenes may be without any change.
    byte[] mask = new byte[32 * 32];
    Arrays.fill(mask, 5 * 32, 12 * 32, (byte) 255);
    for (String name : TrainFixture.names(data.resolve("label"))) {
      ImageWriter.writePng(data.resolve("label").resolve(name), new Mask(32, 32, mask));
    }
  }

  private String page() throws IOException {
    return Files.readString(results.resolve("report.html"));
  }

  private List<JsonNode> history() throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(results.resolve("report-history.jsonl"))) {
      lines.add(new ObjectMapper().readTree(line));
    }
    return lines;
  }

  @Test
  void aTrainingTellsWhatItWas() throws IOException {
    TrainFixture.train(data, results);
    assertThat(page())
        .contains("completed</span>", "2 of 2 epochs, 4 steps")
        .contains(
            "<section id=\"curves\">", "<section id=\"confusion\">", "<section id=\"pictures\">")
        .contains("train -e " + data.resolve("spec.yaml") + " train.results_dir=" + results)
        .contains("train.optim.lr", data.resolve("spec.yaml") + ":6")
        .contains("model_epoch_000.pth", "model_epoch_001.pth");
    assertThat(history()).hasSize(2);
    JsonNode last = history().getLast();
    JsonNode kpi = TrainFixture.kpi(results, "Eval metrics generated.");
    assertThat(last.get("val_loss").asDouble()).isEqualTo(kpi.get("val_loss").asDouble());
    assertThat(last.get("scores").get("miou").asDouble()).isEqualTo(kpi.get("val_miou").asDouble());
    assertThat(last.get("points")).hasSize(2);
  }

  @Test
  void anInterruptedTrainingTellsWhatWasDoneAndAResumedOneTheRest() throws IOException {
    Interruption stop = new Interruption();
    // 2 sanity batches or fewer, 2 steps and validation of epoch 0, then a step.
    CapturingReporter reporter = CapturingReporter.stoppingAt(4, stop);
    try {
      TaskRunner.run(
          TrainFixture.spec(Task.TRAIN, data, results, "train.num_epochs=3"), reporter, stop);
    } catch (InterruptedRunException expected) {
      assertThat(reporter.warnings).noneMatch(w -> w.contains("report"));
    }
    assertThat(page()).contains("interrupted</span>", "1 of 3 epochs, 3 steps", "id=\"confusion\"");
    assertThat(history()).hasSize(2);
    assertThat(history().getLast().get("complete").asBoolean()).isFalse();

    TrainFixture.train(data, results, "train.num_epochs=3");
    assertThat(page()).contains("completed</span>", "3 of 3 epochs, 6 steps");
    assertThat(history()).hasSize(3).allMatch(e -> e.get("complete").asBoolean());
    List<Long> steps = new ArrayList<>();
    history().forEach(e -> e.get("points").forEach(p -> steps.add(p.get(1).asLong())));
    assertThat(steps).containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
  }

  @Test
  void aResumedTrainingWithOnlyTheValidationLeftIsCompletedInTheReport() throws IOException {
    Interruption stop = new Interruption();
    CapturingReporter reporter = CapturingReporter.stoppingAt(2, stop);
    assertThatThrownBy(
            () ->
                TaskRunner.run(
                    TrainFixture.spec(Task.TRAIN, data, results, "train.num_epochs=1"),
                    reporter,
                    stop))
        .isInstanceOf(InterruptedRunException.class);
    assertThat(page()).contains("interrupted</span>", "2 steps");

    TrainFixture.train(data, results, "train.num_epochs=1");
    assertThat(page()).contains("completed</span>", "1 of 1 epochs, 2 steps");
  }

  @Test
  void aNewTrainingDoesNotShowTheValidationOfAnother() throws IOException {
    TrainFixture.train(data, results, "train.num_epochs=1");
    assertThat(page()).contains("Last validation");
    for (String name : TrainFixture.names(results)) {
      if (name.endsWith(".pth")) {
        Files.delete(results.resolve(name));
      }
    }
    Interruption stop = new Interruption();
    // Two steps of the first epoch and one of the second.
    CapturingReporter reporter = CapturingReporter.stoppingAt(3, stop);
    ExperimentSpec spec =
        TrainFixture.spec(Task.TRAIN, data, results, "train.validation_interval=2");
    assertThatThrownBy(() -> TaskRunner.run(spec, reporter, stop))
        .isInstanceOf(InterruptedRunException.class);
    assertThat(page()).contains("1 of 2 epochs, 3 steps").doesNotContain("Last validation");
  }

  @Test
  void aPartWithoutValidationKeepsTheEarlierOne() throws IOException {
    TrainFixture.train(data, results, "train.num_epochs=2", "train.validation_interval=2");
    String before = page();
    TrainFixture.train(data, results, "train.num_epochs=3", "train.validation_interval=2");
    String after = page();
    assertThat(after).contains("3 of 3 epochs", "After 2 epochs, on the 2 pairs");
    assertThat(part(after)).isEqualTo(part(before)).contains("data:image/png");
  }

  private static String part(String html) {
    return html.substring(
        html.indexOf("<!-- validation -->"), html.indexOf("<!-- /validation -->"));
  }

  @Test
  void aFinishedTrainingStartedAgainKeepsItsReport() throws IOException {
    TrainFixture.train(data, results);
    String before = page();
    TrainFixture.train(data, results);
    assertThat(page()).isEqualTo(before);
    assertThat(history()).hasSize(2);
  }

  @Test
  void aReportThatCannotBeWrittenIsAWarning() throws IOException {
    Files.createDirectories(results.resolve("report.html").resolve("in the way"));
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(TrainFixture.spec(Task.TRAIN, data, results), reporter, new Interruption());
    assertThat(reporter.warnings)
        .filteredOn(w -> w.contains("report"))
        .singleElement()
        .asString()
        .startsWith("no report is written from here on: " + results.resolve("report.html"));
    assertThat(TrainFixture.names(results)).contains("model_epoch_001.pth");
  }

  @Test
  void withoutReportNeitherIsWritten() throws IOException {
    TrainFixture.train(data, results, "report=false");
    Path evaluated = evaluate("report=false");
    assertThat(TrainFixture.names(results)).noneMatch(n -> n.contains("report"));
    assertThat(TrainFixture.names(evaluated)).doesNotContain("report.html", "metrics.json");
  }

  private Path evaluate(String... more) throws IOException {
    Path evaluated = folder.resolve("evaluated");
    List<String> settings = new ArrayList<>(List.of(more));
    settings.add("evaluate.checkpoint=" + results.resolve(Checkpoint.LATEST));
    TaskRunner.run(
        TrainFixture.spec(Task.EVALUATE, data, evaluated, settings.toArray(String[]::new)),
        Reporter.SILENT,
        new Interruption());
    return evaluated;
  }

  @Test
  void anEvaluationWritesItsNumbersAsJson() throws IOException {
    TrainFixture.train(data, results);
    Path evaluated = evaluate();
    JsonNode metrics = new ObjectMapper().readTree(evaluated.resolve("metrics.json").toFile());
    ConfusionMatrix matrix = new ConfusionMatrix(2);
    for (int t = 0; t < 2; t++) {
      for (int p = 0; p < 2; p++) {
        matrix.add(t, p, metrics.get("confusion").get(t).get(p).asLong());
      }
    }
    assertThat(matrix.total()).isEqualTo(2 * 32 * 32);
    TreeMap<String, Double> scores = new TreeMap<>();
    metrics
        .get("scores")
        .properties()
        .forEach(e -> scores.put(e.getKey(), e.getValue().asDouble()));
    assertThat(scores).isEqualTo(matrix.scores());
    assertThat(metrics.get("split").asText()).isEqualTo("test");
    assertThat(metrics.get("pairs").asInt()).isEqualTo(2);
    assertThat(metrics.get("per_pair")).hasSize(2);
    assertThat(metrics.get("thresholds").properties())
        .extracting(e -> e.getKey())
        .containsExactly("0", "1");
    double f1 = metrics.get("change").get("f1").asDouble();
    assertThat(f1).isGreaterThanOrEqualTo(scores.get("F1_1") - 1e-6);
    // Of two classes, any change is the second class.
    assertThat(f1).isCloseTo(metrics.get("thresholds").get("1").get("f1").asDouble(), within(1e-3));
    assertThat(metrics.get("checkpoint_sha256").asText()).matches("[0-9a-f]{64}");
    assertThat(metrics.get("objects").get("all").get("true").asInt()).isPositive();
    assertThat(Files.readString(evaluated.resolve("report.html")))
        .contains(
            "Evaluation of split test", "title=\"" + metrics.get("files_sha256").asText() + "\"");
  }
}
