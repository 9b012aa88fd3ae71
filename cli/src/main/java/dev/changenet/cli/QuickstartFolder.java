package dev.changenet.cli;

import dev.changenet.generate.GeneratorSettings;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The folder of a quickstart: what is where, and whether it may be replaced. */
final class QuickstartFolder {
  static final GeneratorSettings DATA = new GeneratorSettings(20, 128, 120, 12, 24, 2);

  private static final String MARKER = ".changenet-quickstart";

  private final Path root;

  QuickstartFolder(Path folder) {
    root = folder.toAbsolutePath().normalize();
  }

  Path root() {
    return root;
  }

  Path data() {
    return root.resolve("data");
  }

  Path spec() {
    return root.resolve("spec.yaml");
  }

  Path results() {
    return root.resolve("results");
  }

  /**
   * Creates the folder, or empties the one of an earlier quickstart.
   *
   * @throws ChangeNetException when the folder holds something that must not be deleted
   */
  void prepare(boolean force) {
    try {
      if (Files.exists(root) && !Files.isDirectory(root)) {
        throw new ChangeNetException(root + " is a file; choose another folder with --dir");
      }
      Path marker = root.resolve(MARKER);
      boolean earlier = Files.exists(marker);
      if (!earlier && SceneFolder.files(root) > 0) {
        throw new ChangeNetException(
            root
                + " is not empty and not the work of a quickstart; choose another folder with"
                + " --dir");
      }
      if (earlier && !force) {
        throw new ChangeNetException(
            root
                + " holds an earlier quickstart; add --force to delete it and start again, or"
                + " choose another folder with --dir");
      }
      for (Path old : List.of(data(), results(), spec())) {
        delete(old);
      }
      Files.createDirectories(root);
      Files.writeString(marker, "quickstart --force may delete this folder's contents\n");
    } catch (IOException e) {
      throw new ChangeNetException(
          root
              + ": the folder cannot be prepared ("
              + IoProblem.of(e)
              + "); choose another one with --dir",
          e);
    }
  }

  private static void delete(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** Writes the spec, with this folder's paths. */
  void writeSpec() {
    try (InputStream in = QuickstartFolder.class.getResourceAsStream("quickstart.yaml")) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      text = text.replace("@DATA@", yaml(data())).replace("@RESULTS@", yaml(results()));
      Files.writeString(spec(), text);
    } catch (IOException e) {
      throw new ChangeNetException(spec() + ": cannot be written (" + IoProblem.of(e) + ")", e);
    }
  }

  private static String yaml(Path path) {
    return "'" + path.toString().replace("'", "''") + "'";
  }
}
