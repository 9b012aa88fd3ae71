package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusLogTest {
  @TempDir Path folder;

  private List<String> lines() throws IOException {
    return Files.readAllLines(folder.resolve("status.json"));
  }

  @Test
  void linesHavePythonsFormAndScoresStay() throws IOException {
    StatusLog log = new StatusLog(folder);
    log.write(StatusLog.Status.STARTED, "Starting Visual ChangeNet train.");
    Map<String, Double> scores = new LinkedHashMap<>();
    scores.put("val_loss", 0.25);
    scores.put("val_acc", Double.NaN);
    scores.put("val_miou", Double.POSITIVE_INFINITY);
    log.write(StatusLog.Status.RUNNING, "Eval metrics generated.", scores);
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("epoch", 3);
    data.put("eta", "0:00:01");
    log.write(data, StatusLog.Status.RUNNING, "a \"quoted\" \\ line\nä");
    String time =
        "\"date\": \"[1-9]\\d?/[1-9]\\d?/\\d{4}\", \"time\": \"\\d\\d?:\\d\\d?:\\d\\d?\", ";
    assertThat(lines()).hasSize(3);
    assertThat(lines().get(0))
        .matches(
            "\\{"
                + time
                + "\"status\": \"STARTED\", \"verbosity\": \"INFO\", "
                + "\"message\": \"Starting Visual ChangeNet train.\"}");
    String kpi = ", \"kpi\": \\{\"val_loss\": 0.25, \"val_acc\": NaN, \"val_miou\": Infinity}}";
    assertThat(lines().get(1))
        .matches(
            "\\{"
                + time
                + "\"status\": \"RUNNING\", \"verbosity\": \"INFO\", "
                + "\"message\": \"Eval metrics generated.\""
                + kpi);
    assertThat(lines().get(2))
        .matches(
            "\\{\"epoch\": 3, \"eta\": \"0:00:01\", "
                + time
                + "\"status\": \"RUNNING\", \"verbosity\": \"INFO\", \"message\": "
                + "\"a \\\\\"quoted\\\\\" \\\\\\\\ line\\\\n\\\\u00e4\""
                + kpi);
  }

  @Test
  void aSecondLogAppends() throws IOException {
    new StatusLog(folder).write(StatusLog.Status.STARTED, "one");
    new StatusLog(folder).write(StatusLog.Status.STARTED, "two");
    assertThat(lines()).hasSize(2);
  }

  @Test
  void aFolderThatIsGoneGivesOneClearLine() {
    StatusLog log = new StatusLog(folder.resolve("gone"));
    assertThatThrownBy(() -> log.write(StatusLog.Status.RUNNING, "x"))
        .hasMessageContaining(
            "status.json: cannot append a status line (no such file or folder); check space");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0|0:00:00",
        "131.345679|0:02:11.345679",
        "0.000001|0:00:00.000001",
        "59.9999999|0:01:00",
        "36000|10:00:00",
        "86400|1 day, 0:00:00",
        "266461.5|3 days, 2:01:01.500000",
      })
  void durationsReadAsInPython(double seconds, String text) {
    assertThat(StatusLog.duration(seconds)).isEqualTo(text);
  }

  @Test
  void digitsAreLatinInEveryCountry() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
    try {
      assertThat(StatusLog.duration(61.5)).isEqualTo("0:01:01.500000");
      assertThat(Checkpoint.epochName(7)).isEqualTo("model_epoch_007.pth");
      assertThat(Checkpoint.stepName(7, 12)).isEqualTo("model_epoch_007_step_00012.pth");
    } finally {
      Locale.setDefault(before);
    }
  }
}
