package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.train.Reporter;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConsoleReporterTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private long nanos;

  private ConsoleReporter reporter(boolean interactive) {
    return new ConsoleReporter(
        new Terminal(new PrintWriter(out), new PrintWriter(err), interactive, true), () -> nanos);
  }

  private void pass(double seconds) {
    nanos += (long) (seconds * 1e9);
  }

  @Test
  void rewritesOneLineOnATerminal() {
    ConsoleReporter reporter = reporter(true);

    reporter.progress("Epoch 3", 1, 127, 0.8, "");
    pass(68);
    reporter.progress("Epoch 3", 81, 127, 69, "loss=0.1");
    reporter.progressDone("Epoch 3: 100%");

    assertThat(out.toString())
        .contains("\r\u001b[KEpoch 3:  63%|██████▍   |  81/127 [01:09<00:39, 1.17it/s, loss=0.1]")
        .endsWith("\r\u001b[KEpoch 3: 100%" + System.lineSeparator());
    assertThat(out.toString().lines()).hasSizeLessThanOrEqualTo(4);
  }

  @Test
  void stepsThatComeInBatchesAreCountedFromTheBeginningThatWasTold() {
    ConsoleReporter reporter = reporter(true);

    reporter.progress("Predicting", 0, 288, 0, "");
    pass(5);
    reporter.progress("Predicting", 32, 288, 5, "");

    assertThat(out.toString()).contains("  0/288 [00:00<?", " 32/288 [00:05<00:40, 6.40it/s]");
  }

  @Test
  void redrawsAtMostTenTimesASecond() {
    ConsoleReporter reporter = reporter(true);
    for (int i = 1; i <= 1000; i++) {
      reporter.progress("Epoch 0", i, 2000, i * 0.001, "");
      pass(0.001);
    }

    assertThat(out.toString().split("\u001b\\[K")).hasSizeBetween(9, 12);
  }

  @Test
  void clearsTheProgressLineBeforeAnotherLine() {
    ConsoleReporter reporter = reporter(true);
    reporter.progress("Epoch 0", 1, 10, 1, "");
    reporter.info("Saved x");
    reporter.warn("careful");

    assertThat(out.toString()).endsWith("\r\u001b[KSaved x" + System.lineSeparator());
    assertThat(err.toString()).isEqualTo("WARNING: careful" + System.lineSeparator());
  }

  @Test
  void printsAPlainLineNowAndThenElsewhere() {
    ConsoleReporter reporter = reporter(false);
    for (int i = 1; i <= 600; i++) {
      reporter.progress("Epoch 0", i, 600, i, "");
      pass(1);
    }
    reporter.progressDone("Epoch 0: 100%");

    assertThat(out.toString()).doesNotContain("\r").doesNotContain("█");
    assertThat(out.toString().lines()).hasSizeBetween(9, 12);
    assertThat(out.toString().lines().findFirst())
        .hasValueSatisfying(line -> assertThat(line).startsWith("Epoch 0:  10%  60/600"));
  }

  @Test
  void saysNothingInBetweenWhenALoopIsShort() {
    ConsoleReporter reporter = reporter(false);
    for (int i = 1; i <= 9; i++) {
      reporter.progress("Epoch 0", i, 9, i, "");
      pass(1);
    }
    reporter.progressDone("done");

    assertThat(out.toString().lines()).containsExactly("done");
  }

  @Test
  void measuresTheSpeedOfAResumedEpochFromWhereItBegan() {
    ConsoleReporter reporter = reporter(true);
    reporter.progress("Epoch 1", 51, 100, 1, "");

    assertThat(out.toString()).contains("51/100 [00:01<00:49, 1.00it/s]");
  }

  @ParameterizedTest
  @CsvSource({"59.4, 00:59", "61, 01:01", "3599, 59:59", "3600, 1:00:00", "90061, 25:01:01"})
  void formatsTimes(double seconds, String text) {
    assertThat(ProgressLine.clock(seconds)).isEqualTo(text);
  }

  @Test
  void drawsBarsWithoutBlockCharactersToo() {
    assertThat(ProgressLine.bar(0, 8, 10, true)).isEqualTo("|          |");
    assertThat(ProgressLine.bar(8, 8, 10, true)).isEqualTo("|██████████|");
    assertThat(ProgressLine.bar(1, 2, 10, false)).isEqualTo("|#####-----|");
  }

  @Test
  void showsSecondsPerStepWhenSlow() {
    assertThat(new ProgressLine("E", 1, 3, 4, 0.25).text("", List.of()))
        .contains("[00:04<00:08, 4.00s/it]");
  }

  private static final List<String> DETAILS =
      List.of("loss=0.1234", "run<12:33", "lr=5.00e-04", "mem 113/150 MiB", "val_miou=0.7123");

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "200; Epoch 3:  63%|██████▍   |  81/127 [01:09<00:39, 1.17it/s, loss=0.1234, run<12:33,"
            + " lr=5.00e-04, mem 113/150 MiB, val_miou=0.7123]",
        "119; Epoch 3:  63%|██████▍   |  81/127 [01:09<00:39, 1.17it/s, loss=0.1234, run<12:33,"
            + " lr=5.00e-04, mem 113/150 MiB]",
        "79; Epoch 3:  63%|█████   |  81/127 [01:09<00:39, 1.17it/s, loss=0.1234, run<12:33]",
        "69; Epoch 3:  63%  81/127 [01:09<00:39, 1.17it/s, loss=0.1234, run<12:33]",
        "59; Epoch 3:  63%  81/127 [01:09<00:39, loss=0.1234, run<12:33]",
        "50; Epoch 3:  63%  81/127 [01:09<00:39, loss=0.1234]",
        "40; Epoch 3:  63%  81/127 [01:09<00:39]",
        "20; Epoch 3:  63%  81/12"
      })
  void narrowTerminalsKeepWhatMattersMost(int columns, String expected) {
    String line = new ProgressLine("Epoch 3", 81, 127, 69, 1.17).fitted(DETAILS, columns, true);

    assertThat(line).isEqualTo(expected);
  }

  @Test
  void theLineNeverIsWiderThanTheTerminal() {
    for (int columns = 1; columns < 150; columns++) {
      for (long done : new long[] {0, 1, 999, 100_000}) {
        ProgressLine line = new ProgressLine("Epoch 12", done, 100_000, done * 7.0, 1 / 7.0);
        assertThat(line.fitted(DETAILS, columns, true).length()).isLessThanOrEqualTo(columns);
        assertThat(line.fitted(List.of(), columns, true).length()).isLessThanOrEqualTo(columns);
      }
    }
  }

  @Test
  void anEpochsLineBreaksBetweenItsParts() {
    String line = "Epoch 0: 100%  48/48  00:50  train_loss=1.8730  val_loss=1.5294  val_acc=0.9260";

    assertThat(ProgressLine.broken(line, 100)).isEqualTo(line);
    assertThat(ProgressLine.broken(line, 70).lines())
        .containsExactly(
            "Epoch 0: 100%  48/48  00:50  train_loss=1.8730", "  val_loss=1.5294  val_acc=0.9260");
    assertThat(ProgressLine.broken(line, 20).lines()).allMatch(l -> l.length() <= 20);
  }

  @Test
  void plainLinesNameTheirDetailsInFull() {
    ConsoleReporter reporter = reporter(false);
    for (int i = 1; i <= 30; i++) {
      reporter.progress(
          "Epoch 0",
          i,
          30,
          i,
          List.of(new Reporter.Detail("train_loss_step=0.5", "loss=0.5"), Reporter.Detail.of("b")));
      pass(1);
    }

    assertThat(out.toString().lines().findFirst())
        .hasValueSatisfying(l -> assertThat(l).contains("train_loss_step=0.5, b]"));
  }
}
