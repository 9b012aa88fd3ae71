package dev.changenet.report;

/**
 * Writes HTML. Tags and attribute names come from the program; every text and attribute value is
 * escaped, so that no file name or setting can become markup.
 */
final class Html {
  private final StringBuilder out = new StringBuilder();

  /** Writes an element with what {@code body} writes; attributes are {@code name=value}. */
  Html in(String tag, Runnable body, String... attributes) {
    open(tag, attributes);
    body.run();
    out.append("</").append(tag).append('>');
    return this;
  }

  /** Writes an element with a text. */
  Html tag(String tag, Object text, String... attributes) {
    return in(tag, () -> text(text), attributes);
  }

  /** Writes an element that has no end, such as {@code img}. */
  Html open(String tag, String... attributes) {
    out.append('<').append(tag);
    for (String attribute : attributes) {
      int equals = attribute.indexOf('=');
      out.append(' ').append(attribute, 0, equals < 0 ? attribute.length() : equals);
      if (equals >= 0) {
        out.append("=\"").append(escape(attribute.substring(equals + 1))).append('"');
      }
    }
    out.append('>');
    return this;
  }

  /** Writes a text. */
  Html text(Object text) {
    out.append(escape(String.valueOf(text)));
    return this;
  }

  /** Writes a line break of the source. */
  Html line() {
    out.append('\n');
    return this;
  }

  /** Writes markup as it is: style, script, or what another writer made. */
  Html raw(CharSequence markup) {
    out.append(markup);
    return this;
  }

  /**
   * Returns {@code text} as HTML text or attribute value. Control characters and those that turn
   * the direction of writing are shown by number.
   */
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> escaped.append("&amp;");
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '"' -> escaped.append("&quot;");
        case '\'' -> escaped.append("&#39;");
        case '\n', '\t' -> escaped.append(c);
        default -> {
          boolean broken = Character.isSurrogate(c) && !isPair(text, i);
          if (c < ' ' || c >= 0x7f && c < 0xa0 || turns(c) || broken) {
            escaped.append(String.format("\\u%04x", (int) c));
          } else {
            escaped.append(c);
          }
        }
      }
    }
    return escaped.toString();
  }

  private static boolean isPair(String text, int i) {
    return Character.isHighSurrogate(text.charAt(i))
        ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
        : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
  }

  private static boolean turns(char c) {
    return c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 || c >= 0x2028 && c <= 0x2029;
  }

  @Override
  public String toString() {
    return out.toString();
  }
}
