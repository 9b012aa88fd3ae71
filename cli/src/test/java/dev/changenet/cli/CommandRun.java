package dev.changenet.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A command line that was run in this process, with what it printed. */
record CommandRun(int code, String out, String err) {

  static CommandRun of(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    Terminal terminal = new Terminal(new PrintWriter(out), new PrintWriter(err), false, true);
    int code = Main.run(terminal, args);
    return new CommandRun(code, out.toString(), err.toString());
  }

  /** Returns the last line of standard output. */
  String lastLine() {
    return out.lines().reduce("", (a, b) -> b);
  }

  /** Returns the files below {@code folder}, relative to it, sorted. */
  static List<String> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> !Files.isDirectory(file))
          .map(file -> folder.relativize(file).toString())
          .sorted()
          .toList();
    }
  }
}
