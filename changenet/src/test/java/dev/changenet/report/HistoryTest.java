package dev.changenet.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HistoryTest {
  @TempDir Path folder;

  private static History.Epoch epoch(int epoch, boolean complete, int steps) {
    List<History.Point> points = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      points.add(new History.Point(epoch + (i + 0.5) / 100, epoch * 100L + i + 1, i, 0.001));
    }
    return new History.Epoch(
        epoch,
        complete,
        epoch * 100L + steps,
        complete ? 1.5 : Double.NaN,
        2,
        Double.NaN,
        complete ? Map.of("iou_1", 0.25) : Map.of(),
        points);
  }

  @Test
  void isReadBackAsItWas() {
    History first = History.open(folder, 0, 0);
    first.add(epoch(0, true, 100));
    first.add(epoch(1, true, 3));
    History again = History.open(folder, 2, 103);
    assertThat(again.epochs()).isEqualTo(first.epochs());
    assertThat(again.begun()).isNull();
    assertThat(again.epochs().getFirst().points()).hasSize(40);
    assertThat(again.epochs().getFirst().points().getLast().step()).isEqualTo(100);
    assertThat(
            again.epochs().getFirst().points().stream().mapToDouble(History.Point::loss).average())
        .hasValueCloseTo(49.5, org.assertj.core.data.Offset.offset(0.6));
  }

  @Test
  void aKillInTheMiddleOfALineCostsThatLineOnly() throws IOException {
    History first = History.open(folder, 0, 0);
    first.add(epoch(0, true, 4));
    Path file = folder.resolve(History.FILE);
    String line = Files.readString(file);
    Files.writeString(file, line.substring(0, line.length() / 2), StandardOpenOption.APPEND);
    History again = History.open(folder, 1, 4);
    again.add(epoch(1, true, 4));
    assertThat(History.open(folder, 2, 104).epochs())
        .extracting(History.Epoch::epoch)
        .containsExactly(0, 1);
  }

  @Test
  void whatIsTrainedAgainIsForgotten() {
    History first = History.open(folder, 0, 0);
    first.add(epoch(0, true, 4));
    first.add(epoch(1, true, 4));
    first.add(epoch(2, false, 4));
    assertThat(History.open(folder, 1, 4).epochs()).hasSize(1);
    assertThat(History.open(folder, 0, 0).epochs()).isEmpty();
    assertThat(folder.resolve(History.FILE)).isEmptyFile();
  }

  @Test
  void theBegunEpochGoesOnWhereTheCheckpointStopped() {
    History first = History.open(folder, 0, 0);
    first.add(epoch(0, true, 4));
    first.add(epoch(1, false, 10));
    History again = History.open(folder, 1, 107);
    assertThat(again.epochs()).hasSize(1);
    assertThat(again.begun().points()).hasSize(7);
    assertThat(again.begun().seconds()).isEqualTo(2);
  }
}
