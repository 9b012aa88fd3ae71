package dev.changenet.report;

import dev.changenet.config.Origin;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The parts of a report that tell what ran: command, settings, data, files, machine. */
final class RunSections {
  /** How a spec writes that a value must be given. */
  private static final String NO_DEFAULT = "???";

  private final Html h;
  private final RunFacts facts;

  RunSections(Html h, RunFacts facts) {
    this.h = h;
    this.facts = facts;
  }

  void write() {
    command();
    settings();
    data();
    files();
    environment();
  }

  private void command() {
    Section.of(
        h,
        "command",
        "To run it again",
        () -> {
          h.in("pre", () -> h.tag("code", ShellCommand.of(facts.spec())));
          h.tag(
              "p",
              "In the folder "
                  + Path.of("").toAbsolutePath()
                  + ". Results went to "
                  + facts.spec().resultsDir()
                  + ".",
              "class=note");
        });
  }

  private void settings() {
    List<Origin> all = facts.spec().origins();
    // Those that the task reads first.
    List<Origin> given =
        all.stream()
            .filter(Origin::given)
            .sorted(Comparator.comparing(Origin::read).reversed())
            .toList();
    List<Origin> rest = all.stream().filter(o -> !o.given() && o.read()).toList();
    Section.of(
        h,
        "settings",
        "Settings",
        () -> {
          h.in(
              "div",
              () ->
                  h.in(
                      "table",
                      () -> {
                        header("given", "value", "default", "from");
                        given.forEach(this::given);
                      },
                      "class=words"),
              "class=wide");
          Section.fold(
              h,
              "Defaults: the other "
                  + rest.size()
                  + " settings that "
                  + facts.spec().task().key()
                  + " reads",
              () ->
                  h.in(
                      "table",
                      () -> {
                        header("key", "value");
                        for (Origin o : rest) {
                          h.in(
                              "tr",
                              () -> {
                                h.tag("td", o.key(), "class=code");
                                h.tag("td", o.value(), "class=code");
                              });
                        }
                      },
                      "class=words"));
        });
  }

  private void given(Origin o) {
    h.in(
        "tr",
        () -> {
          h.in(
              "td",
              () -> {
                h.text(o.key());
                if (!o.read()) {
                  h.tag("div", "not read by " + facts.spec().task().key(), "class=soft");
                }
              },
              "class=code whole");
          h.tag("td", o.value(), "class=code");
          h.tag(
              "td",
              NO_DEFAULT.equals(o.defaultValue()) ? "–" : o.defaultValue(),
              "class=code soft");
          h.tag("td", o.source(), "class=code soft whole");
        });
  }

  private void data() {
    Section.of(
        h,
        "data",
        "Data",
        () -> {
          h.in(
              "table",
              () -> {
                header(
                    "for",
                    "list",
                    "pairs",
                    "image sizes",
                    "all files",
                    "hash of list",
                    "hash of files");
                facts.data().forEach(this::split);
              },
              "class=words");
          h.tag(
              "p",
              "First 16 digits of SHA-256; move the mouse over them for all. The hash of files covers"
                  + " list entries and file sizes"
                  + (facts.data().stream().allMatch(Fingerprint::contents)
                      ? " and contents."
                      : "; contents only of splits up to 256 MiB.")
                  + " Equal hashes mean the same data.",
              "class=note");
        });
  }

  private void split(Fingerprint f) {
    h.in(
        "tr",
        () -> {
          h.tag("td", f.use());
          h.tag("td", f.list(), "class=code");
          h.tag("td", Text.count(f.pairs()), "class=n");
          h.tag("td", sizes(f.sizes()));
          h.tag("td", Text.bytes(f.bytes()), "class=n");
          hash(f.listHash());
          hash(f.filesHash());
        });
  }

  private static String sizes(Map<String, Integer> sizes) {
    if (sizes.size() == 1) {
      return sizes.keySet().iterator().next();
    }
    String most =
        sizes.entrySet().stream()
            .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
            .limit(3)
            .map(e -> e.getKey() + " (" + e.getValue() + ")")
            .collect(Collectors.joining(", "));
    return sizes.size() > 3 ? most + " and " + (sizes.size() - 3) + " more" : most;
  }

  private void hash(String hash) {
    if (hash.isEmpty()) {
      h.tag("td", "–", "class=soft");
    } else {
      h.tag("td", hash.substring(0, 16), "class=code", "title=" + hash);
    }
  }

  private void files() {
    Section.of(
        h,
        "files",
        "Files",
        () ->
            h.in(
                "table",
                () -> {
                  header("file", "path", "size", "SHA-256");
                  for (StoredFile f : facts.files()) {
                    h.in(
                        "tr",
                        () -> {
                          h.tag("td", f.what());
                          h.tag("td", f.path(), "class=code");
                          h.tag("td", Text.bytes(f.bytes()), "class=n");
                          hash(f.hash());
                        });
                  }
                },
                "class=words"));
  }

  private void environment() {
    Section.of(
        h,
        "environment",
        "Program and machine",
        () ->
            h.in(
                "dl",
                () ->
                    Environment.of(facts.device())
                        .forEach(
                            (name, value) -> {
                              h.tag("dt", name);
                              h.tag("dd", value);
                            })));
  }

  private void header(String... names) {
    h.in(
        "tr",
        () -> {
          for (String n : names) {
            h.tag("th", n, "scope=col");
          }
        });
  }
}
