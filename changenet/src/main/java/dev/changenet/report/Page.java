package dev.changenet.report;

import dev.changenet.image.OutputFile;
import dev.changenet.tensor.io.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The frame of a report: head, headline, cards with the main numbers, links to the parts.
 *
 * <p>A content security policy forbids every request and every script but the page's own.
 */
final class Page {
  /** Name of the file in the results folder. */
  static final String FILE = "report.html";

  private static final Pattern PART =
      Pattern.compile("<section id=\"([a-z]+)\">(?:<details><summary>|<h2>)([^<]*)<");

  private record Card(String label, String value, String detail) {}

  private final String title;
  private final String kicker;
  private final String lead;
  private String state = "";
  private String mood = "";
  private final List<Card> cards = new ArrayList<>();

  Page(String title, String kicker, String lead) {
    this.title = title;
    this.kicker = kicker;
    this.lead = lead;
  }

  /** Says how the run ended: {@code good}, {@code warn} or {@code bad}. */
  Page state(String words, String mood) {
    this.state = words;
    this.mood = mood;
    return this;
  }

  Page card(String label, String value, String detail) {
    cards.add(new Card(label, value, detail));
    return this;
  }

  /** Writes the page with the parts that {@code body} holds. */
  void write(Path folder, Html body) {
    String script = resource("report.js");
    Html h = new Html();
    h.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n");
    h.open("meta", "charset=utf-8").line();
    h.open("meta", "http-equiv=Content-Security-Policy", "content=" + policy(script)).line();
    h.open("meta", "name=viewport", "content=width=device-width, initial-scale=1").line();
    h.open("link", "rel=icon", "href=data:,").line();
    h.tag("title", title + " – ChangeNet").line();
    h.raw("<style>\n").raw(resource("report.css")).raw("</style>\n</head>\n<body>\n");
    h.in("header", () -> header(h, body.toString())).line();
    h.raw("<main>\n").raw(body.toString()).raw("</main>\n");
    h.in(
        "footer",
        () ->
            h.text(
                "Written by "
                    + Environment.program()
                    + ". This file needs no other file and no network."));
    h.raw("\n<script>").raw(script).raw("</script>\n</body>\n</html>\n");
    OutputFile.write(folder.resolve(FILE), h.toString());
  }

  private void header(Html h, String body) {
    h.tag("p", kicker, "class=kicker");
    h.in(
        "h1",
        () -> {
          h.text(title);
          if (!state.isEmpty()) {
            h.tag("span", state, "class=state " + mood);
          }
        });
    h.tag("p", lead, "class=lead");
    h.in(
        "div",
        () -> {
          for (Card c : cards) {
            h.in(
                "div",
                () -> {
                  h.tag("small", c.label);
                  h.tag("b", c.value);
                  h.tag("small", c.detail);
                },
                "class=card");
          }
        },
        "class=cards");
    h.in(
        "nav",
        () -> {
          Matcher part = PART.matcher(body);
          while (part.find()) {
            h.in("a", () -> h.raw(part.group(2)), "href=#" + part.group(1)).line();
          }
        });
  }

  private static String policy(String script) {
    byte[] hash = HexFormat.of().parseHex(Sha256.of(script.getBytes(StandardCharsets.UTF_8)));
    return "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-"
        + Base64.getEncoder().encodeToString(hash)
        + "'";
  }

  private static String resource(String name) {
    try (InputStream in = Page.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("the program lacks its own " + name, e);
    }
  }
}
