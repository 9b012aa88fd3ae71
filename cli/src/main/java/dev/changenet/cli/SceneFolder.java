package dev.changenet.cli;

import dev.changenet.generate.GeneratorSettings;
import dev.changenet.generate.SceneGenerator;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.FolderEntries;
import dev.changenet.tensor.io.IoProblem;
import dev.changenet.train.Reporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Draws a data set into a folder and tells how far it is. */
final class SceneFolder {
  private static final long LOOK_MILLIS = 100;
  private static final String LABEL = "Drawing";

  private SceneFolder() {}

  /**
   * Draws the scenes that {@code settings} describe.
   *
   * @throws ChangeNetException when the folder holds something, or cannot be written
   */
  static void generate(Path folder, GeneratorSettings settings, Reporter reporter) {
    requireEmpty(folder);
    double began = System.nanoTime();
    CompletableFuture<Void> drawing =
        CompletableFuture.runAsync(
            () -> SceneGenerator.generate(folder, settings),
            // Not of the common pool, which --threads may have left without threads.
            task -> Thread.ofPlatform().daemon().name("drawing").start(task));
    // A scene's mask is its last file.
    Path masks = folder.resolve("label");
    while (!isDone(drawing)) {
      reporter.progress(
          LABEL, files(masks), settings.total(), (System.nanoTime() - began) * 1e-9, "");
    }
    reporter.progressDone("Drew " + settings.total() + " pairs into " + folder);
  }

  private static boolean isDone(CompletableFuture<Void> drawing) {
    try {
      drawing.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ChangeNetException("interrupted while drawing scenes", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw new CompletionException(e.getCause());
      }
    }
  }

  private static void requireEmpty(Path folder) {
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw new ChangeNetException(folder + " is a file; give the name of a new or empty folder");
    }
    if (Files.isDirectory(folder) && files(folder) > 0) {
      throw new ChangeNetException(
          folder + " is not empty; give the name of a new or empty folder");
    }
  }

  /** Returns the number of entries; 0 when there is no such folder. */
  static long files(Path folder) {
    if (!Files.isDirectory(folder)) {
      return 0;
    }
    try {
      return FolderEntries.matching(folder, "*").stream()
          .filter(file -> !file.getFileName().toString().contains(".tmp-"))
          .count();
    } catch (IOException e) {
      throw new ChangeNetException(
          folder + ": the folder cannot be read (" + IoProblem.of(e) + ")", e);
    }
  }
}
