package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import dev.changenet.config.Task;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * A browser opens the reports of a data set with hostile names, and finds nothing to complain of.
 */
@ExtendWith(OneThread.class)
class ReportInBrowserTest {
  private static final String[] BROWSERS = {
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"
  };
  private static final String CLASS = "</script><script>document.title='taken over'</script>";

  /** As markup it would ask for x, then call the handler; both would be noticed. */
  private static final String PAIR = "<img/src=x/onerror=\"alert(1)\">&amp;'.png";

  @TempDir Path folder;

  private static Optional<Path> browser() {
    String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
    return Arrays.stream(path.split(File.pathSeparator))
        .flatMap(dir -> Stream.of(BROWSERS).map(name -> Path.of(dir, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** What the browser made of a page: its document, its messages, and what it asked the server. */
  private record Visit(String document, String messages, List<String> requests) {}

  private Visit visit(Path browser, Path page) throws Exception {
    List<String> requests = new CopyOnWriteArrayList<>();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    byte[] html = Files.readAllBytes(page);
    server.createContext(
        "/",
        exchange -> {
          requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
          exchange.getResponseHeaders().add("Content-Type", "text/html; charset=utf-8");
          exchange.sendResponseHeaders(200, html.length);
          exchange.getResponseBody().write(html);
          exchange.close();
        });
    server.start();
    try {
      Path document = folder.resolve("document.html");
      Path messages = folder.resolve("messages.txt");
      List<String> command =
          List.of(
              browser.toString(),
              "--headless",
              "--no-sandbox",
              "--disable-gpu",
              "--disable-dev-shm-usage",
              "--disable-extensions",
              "--disable-background-networking",
              "--disable-component-update",
              "--no-first-run",
              "--user-data-dir=" + folder.resolve("profile"),
              "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
              "--enable-logging=stderr",
              "--dump-dom",
              "http://127.0.0.1:" + server.getAddress().getPort() + "/report.html");
      ProcessBuilder builder = new ProcessBuilder(command);
      // Where its own folders don't exist, the browser can't start.
      builder
          .environment()
          .putAll(Map.of("HOME", folder.toString(), "XDG_RUNTIME_DIR", folder.toString()));
      Process process =
          builder.redirectOutput(document.toFile()).redirectError(messages.toFile()).start();
      try {
        assertThat(process.waitFor(90, TimeUnit.SECONDS)).as("the browser ends").isTrue();
      } finally {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
      String log = Files.readString(messages);
      assertThat(process.exitValue()).as(log).isZero();
      return new Visit(Files.readString(document), log, requests);
    } finally {
      server.stop(0);
    }
  }

  private Path hostileData() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    byte[] mask = new byte[32 * 32];
    Arrays.fill(mask, 5 * 32, 12 * 32, (byte) 255);
    for (String name : TrainFixture.names(data.resolve("label"))) {
      ImageWriter.writePng(data.resolve("label").resolve(name), new Mask(32, 32, mask));
    }
    for (String list : List.of("val", "test")) {
      Path file = data.resolve("list").resolve(list + ".txt");
      String first = Files.readAllLines(file).getFirst();
      Files.writeString(file, list + PAIR + "\n" + first + "\n");
      for (String part : List.of("A", "B", "label")) {
        Files.createDirectories(data.resolve(part).resolve(list + PAIR).getParent());
        Files.copy(data.resolve(part).resolve(first), data.resolve(part).resolve(list + PAIR));
      }
    }
    return data;
  }

  @Test
  void noRequestNoErrorNoForeignScript() throws Exception {
    Optional<Path> browser = browser();
    assumeTrue(browser.isPresent(), "no Chromium on the PATH to open the reports with");
    Path data = hostileData();
    Path trained = folder.resolve("trained");
    Path evaluated = folder.resolve("evaluated");
    String names = "dataset.segment.class_names=[unchanged,\"" + CLASS + "\"]";
    TrainFixture.train(data, trained, names);
    TaskRunner.run(
        TrainFixture.spec(
            Task.EVALUATE,
            data,
            evaluated,
            names,
            "evaluate.checkpoint=" + trained.resolve(Checkpoint.LATEST)),
        Reporter.SILENT,
        new Interruption());
    for (Path results : List.of(trained, evaluated)) {
      check(visit(browser.get(), results.resolve("report.html")));
    }
  }

  private static void check(Visit visit) {
    assertThat(visit.requests).containsExactly("GET /report.html");
    assertThat(visit.messages.lines().filter(l -> l.contains("CONSOLE"))).isEmpty();
    assertThat(visit.document)
        .contains("data:image/jpeg;base64,", "<svg", "&lt;/script&gt;&lt;script&gt;")
        .doesNotContain("<title>taken over")
        .doesNotContainPattern("(?i)(src|href|action|data)=\"(?!data:|#)")
        .containsOnlyOnce("<script");
    // The page's own script ran: it makes headings of the table of pairs clickable.
    assertThat(visit.document).containsPattern("<th scope=\"col\" class=\"can\" tabindex=\"0\">");
  }
}
