package dev.changenet.report;

/** A part of the page with a heading that can be linked to. */
final class Section {
  private Section() {}

  static void of(Html h, String id, String title, Runnable body) {
    h.in(
            "section",
            () -> {
              h.tag("h2", title);
              body.run();
            },
            "id=" + id)
        .line();
  }

  /** A part that opens on a click. */
  static void folded(Html h, String id, String title, Runnable body) {
    h.in("section", () -> fold(h, title, body), "id=" + id).line();
  }

  /** A fold inside a part. */
  static void fold(Html h, String title, Runnable body) {
    h.in(
        "details",
        () -> {
          h.tag("summary", title);
          body.run();
        });
  }
}
