package dev.changenet.config;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Checks that the files and folders a run needs are there, and that its output is not. */
final class FileChecks {
  private final SpecReading reading;

  private FileChecks(SpecReading reading) {
    this.reading = reading;
  }

  static void run(SpecReading reading) {
    FileChecks checks = new FileChecks(reading);
    switch (reading.task()) {
      case TRAIN -> {
        checks.dataRoot();
        checks.existing("train.resume_training_checkpoint_path");
        checks.existing("train.pretrained_model_path");
        checks.existing("model.backbone.pretrained_backbone_path");
      }
      case EVALUATE -> {
        checks.dataRoot();
        checks.existing("evaluate.checkpoint");
      }
      case INFERENCE -> {
        if (!reading.namesPictures()) {
          checks.dataRoot();
        }
        checks.existing("inference.checkpoint");
        InferenceChecks.files(reading);
      }
      case EXPORT -> {
        checks.existing("export.checkpoint");
        checks.output();
        ThresholdSpec.checkFile(reading, ThresholdSpec.EXPORT);
      }
    }
  }

  /** Returns the path with a leading {@code ~} replaced by the home folder. */
  static Path expandHome(String text) {
    boolean home = text.equals("~") || text.startsWith("~/");
    return Path.of(home ? System.getProperty("user.home") + text.substring(1) : text);
  }

  private void dataRoot() {
    String key = "dataset.segment.root_dir";
    if (!reading.readable(key)) {
      return;
    }
    String text = reading.text(key);
    if (!text.isEmpty() && Files.isRegularFile(expandHome(text))) {
      fail(key, "'" + text + "' is a file; expected the folder of the data");
    } else if (text.isEmpty() || !Files.isDirectory(expandHome(text))) {
      fail(key, "the folder '" + text + "' does not exist");
    }
  }

  private void existing(String key) {
    if (reading.readable(key) && reading.nonEmpty(key).isPresent()) {
      String text = reading.text(key);
      if (Files.isDirectory(Path.of(text))) {
        fail(key, "'" + text + "' is a folder; name a file in it");
      } else if (!Files.isRegularFile(Path.of(text))) {
        fail(key, "the file '" + text + "' does not exist" + ownFolder(text));
      }
    }
  }

  /** A run's own experiment.yaml has the folder of its task as results_dir. */
  private String ownFolder(String file) {
    Path spec = Path.of(reading.location("results_dir").file()).toAbsolutePath();
    Path task = spec.getParent();
    String resultsDir = reading.text("results_dir");
    boolean own =
        spec.endsWith(ExperimentSpec.FILE)
            && task.getParent() != null
            && resultsDir != null
            && Path.of(resultsDir).endsWith(task.getFileName())
            && file.startsWith(resultsDir + "/");
    return own
        ? "; results_dir in a run's "
            + ExperimentSpec.FILE
            + " is the folder of its task: add results_dir="
            + task.getParent()
        : "";
  }

  private void output() {
    String key = "export.onnx_file";
    if (!reading.readable(key, "export.checkpoint")) {
      return;
    }
    String file = onnxFile(reading);
    String plain = file.replaceFirst("\\.etlt$", ".onnx");
    for (String output : file.equals(plain) ? new String[] {file} : new String[] {file, plain}) {
      if (Files.exists(Path.of(output))) {
        fail(key, "the file '" + output + "' already exists; remove it or choose another name");
        return;
      }
    }
  }

  /** Returns the output file: as given, or the checkpoint's name with suffix .onnx. */
  static String onnxFile(SpecReading reading) {
    String file = reading.text("export.onnx_file");
    String checkpoint = reading.text("export.checkpoint");
    return file != null || checkpoint == null
        ? file
        : checkpoint.replaceFirst("\\.[^./]*$", "") + ".onnx";
  }

  /** Records an error for each path key that is no path on this system; returns true if none is. */
  static boolean arePaths(SpecReading reading, Iterable<String> keys) {
    boolean all = true;
    for (String key : keys) {
      if (reading.readable(key) && reading.text(key) != null) {
        try {
          var _ = Path.of(reading.text(key));
        } catch (InvalidPathException e) {
          all = false;
          reading.unusable(
              FailureKind.FILE_SYSTEM, key, "not a path on this system: " + e.getReason());
        }
      }
    }
    return all;
  }

  private void fail(String key, String text) {
    reading.unusable(FailureKind.FILE_SYSTEM, key, text);
  }
}
