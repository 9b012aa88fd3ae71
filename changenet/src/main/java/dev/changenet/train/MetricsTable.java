package dev.changenet.train;

import dev.changenet.config.PythonText;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cuda.CudaBackend;
import dev.changenet.tensor.io.AtomicFile;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * {@code metrics.csv}: one row per epoch. A run that resumes goes on with the table and drops the
 * rows of epochs that it repeats. When the file cannot be written, training goes on; the rows are
 * kept and written with the next one.
 */
final class MetricsTable implements TrainObserver {
  /** Name of the table in the results directory. */
  static final String FILE = "metrics.csv";

  private static final double MIB = 1 << 20;

  private final Path file;
  private final Reporter reporter;
  private Setup setup;
  private final List<String> rows = new ArrayList<>();
  private boolean warned;

  MetricsTable(Path resultsDir, Reporter reporter) {
    file = resultsDir.resolve(FILE);
    this.reporter = reporter;
  }

  @Override
  public void started(Setup begun) {
    setup = begun;
    if (!Files.exists(file)) {
      return;
    }
    try {
      List<String> lines =
          new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList();
      if (!isOurs(lines)) {
        setAside();
        return;
      }
      lines.stream().skip(1).filter(row -> epochOf(row) < begun.firstEpoch()).forEach(rows::add);
      if (rows.size() < lines.size() - 1) {
        write();
      }
    } catch (IOException e) {
      warn(e);
    }
  }

  private boolean isOurs(List<String> lines) {
    return !lines.isEmpty()
        && lines.getFirst().equals(header())
        && lines.stream().skip(1).allMatch(row -> row.matches("\\d{1,9},.*"));
  }

  private static int epochOf(String row) {
    return Integer.parseInt(row.substring(0, row.indexOf(',')));
  }

  /** A table with other columns is nobody's to overwrite. */
  private void setAside() throws IOException {
    int number = 1;
    while (Files.exists(file.resolveSibling("metrics-old-" + number + ".csv"))) {
      number++;
    }
    Path old = file.resolveSibling("metrics-old-" + number + ".csv");
    Files.move(file, old);
    reporter.warn(
        file
            + ": not a table of this run (expected the columns "
            + header()
            + "); it is now "
            + old.getFileName()
            + ", and a new table begins");
  }

  private String header() {
    StringBuilder header =
        new StringBuilder(
            "epoch,step,train_loss,lr,val_loss,val_acc,val_miou,val_mf1,val_mprecision,val_mrecall");
    for (int c = 0; c < classes(); c++) {
      header.append(",val_iou_").append(c).append(",val_f1_").append(c);
    }
    return header.append(",seconds,pairs_per_s,peak_tensor_mib,peak_gpu_mib").toString();
  }

  private int classes() {
    return setup.context().spec().segmentData().numClasses();
  }

  @Override
  public void epoch(Epoch epoch) {
    List<String> cells = new ArrayList<>();
    cells.add(Integer.toString(epoch.epoch()));
    cells.add(Long.toString(epoch.globalStep()));
    cells.add(number(epoch.trainLoss()));
    cells.add(number(epoch.lr()));
    if (epoch.validation().isPresent()) {
      Validation.Result found = epoch.validation().get();
      found.kpi().values().forEach(v -> cells.add(number(v)));
      Map<String, Double> scores = found.scores();
      for (int c = 0; c < classes(); c++) {
        cells.add(number(scores.get("iou_" + c)));
        cells.add(number(scores.get("F1_" + c)));
      }
    } else {
      for (int i = 0; i < 6 + 2 * classes(); i++) {
        cells.add("");
      }
    }
    cells.add(String.format(Locale.ROOT, "%.3f", epoch.seconds()));
    cells.add(String.format(Locale.ROOT, "%.3f", epoch.pairsPerSecond()));
    cells.add(String.format(Locale.ROOT, "%.1f", MemoryUse.peakBytes() / MIB));
    cells.add(
        Backends.of(setup.context().device()) instanceof CudaBackend gpu
            ? String.format(Locale.ROOT, "%.1f", gpu.peakBytes() / MIB)
            : "");
    rows.add(String.join(",", cells));
    try {
      write();
    } catch (IOException e) {
      warn(e);
    }
  }

  private static String number(double value) {
    return PythonText.of(value);
  }

  private void write() throws IOException {
    String text = header() + "\n" + String.join("\n", rows) + (rows.isEmpty() ? "" : "\n");
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  private void warn(IOException e) {
    if (!warned) {
      warned = true;
      reporter.warn(
          file
              + ": cannot be read or written ("
              + IoProblem.of(e)
              + "); training goes on, and the rows follow as soon as there is room");
    }
  }
}
