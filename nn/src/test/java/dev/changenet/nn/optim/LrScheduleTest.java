package dev.changenet.nn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LrScheduleTest {
  @ParameterizedTest
  @EnumSource(LrSchedule.class)
  void ratesMatchTheRecordedOnes(LrSchedule schedule) throws IOException {
    JsonNode json =
        new ObjectMapper().readTree(ReferenceData.golden("train/lr_schedules.json").toFile());
    double base = json.get("base_lr").asDouble();
    JsonNode cases = json.get(schedule.name().toLowerCase(Locale.ROOT));
    assertThat(cases.size()).isPositive();
    cases
        .properties()
        .forEach(
            e -> {
              int epochs = Integer.parseInt(e.getKey());
              assertThat(e.getValue().size()).isEqualTo(epochs);
              for (int epoch = 0; epoch < epochs; epoch++) {
                double expected = e.getValue().get(epoch).asDouble();
                assertThat(schedule.rate(base, epoch, epochs))
                    .as("epoch " + epoch + " of " + epochs)
                    .isCloseTo(expected, within(1e-15 * base));
              }
            });
  }

  @Test
  void linearNeverReachesZeroAndFollowsALaterEnd() {
    assertThat(LrSchedule.LINEAR.rate(1e-4, 9, 10)).isCloseTo(1.818e-5, within(1e-8));
    assertThat(LrSchedule.LINEAR.rate(1, 5, 20)).isGreaterThan(LrSchedule.LINEAR.rate(1, 5, 10));
  }

  @Test
  void stepsFollowTheStoredLengthWhateverTheNumberOfEpochs() {
    assertThat(LrSchedule.stepped(1, 2, 3)).isEqualTo(1);
    assertThat(LrSchedule.stepped(1, 3, 3)).isEqualTo(0.1);
    assertThat(LrSchedule.stepped(1, 29, 3)).isCloseTo(1e-9, within(1e-20));
  }
}
