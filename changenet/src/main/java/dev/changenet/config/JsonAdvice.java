package dev.changenet.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is wrong with a JSON text and what to do, in words for people. */
final class JsonAdvice {
  private static final Pattern PLACE =
      Pattern.compile("(?s)\\[Source:[^;]*; line: (\\d+), column: (\\d+)\\]");
  private static final Pattern UNEXPECTED =
      Pattern.compile("Unexpected character \\('(.)' \\(code \\d+\\)\\).*", Pattern.DOTALL);

  private JsonAdvice() {}

  /** A place in the text, both numbers 1-based. */
  record Place(int line, int column) {
    Location in(String file) {
      return Location.in(file, line, column);
    }
  }

  /** Returns the bracket that is still open where the text ends. */
  static Optional<Place> opened(JsonProcessingException e) {
    Matcher place = PLACE.matcher(e.getOriginalMessage());
    return e.getOriginalMessage().startsWith("Unexpected end-of-input") && place.find()
        ? Optional.of(new Place(Integer.parseInt(place.group(1)), Integer.parseInt(place.group(2))))
        : Optional.empty();
  }

  /** Returns a clause without full stop. */
  static String of(JsonProcessingException e) {
    String words = e.getOriginalMessage();
    Matcher character = UNEXPECTED.matcher(words);
    char found = character.matches() ? character.group(1).charAt(0) : 0;
    if (words.contains("expecting double-quote to start")) {
      return switch (found) {
        case '}' -> "a comma stands before this }; remove the comma";
        case '\'' -> "JSON takes double quotes only; write \"";
        default -> "a name in JSON needs double quotes";
      };
    }
    if (words.contains("expecting comma")) {
      return "a comma is missing before this";
    }
    Matcher place = PLACE.matcher(words);
    if (place.find()) {
      boolean list = words.contains("Array");
      if (opened(e).isPresent()) {
        return "the %s that opens here is never closed; add %s"
            .formatted(list ? "[" : "{", list ? "]" : "}");
      }
      return "the %s of line %s, column %s is not closed; add %s"
          .formatted(list ? "[" : "{", place.group(1), place.group(2), list ? "]" : "}");
    }
    if (words.contains("comment")) {
      return "JSON has no comments; remove it, or give the file a name that ends in .yaml";
    }
    if (words.startsWith("Unrecognized token")) {
      return words.replaceFirst("(?s)Unrecognized token ('[^']*').*", "$1")
          + " is no value; write a number, true, false, null, or text in double quotes";
    }
    if (words.startsWith("Unexpected end-of-input")) {
      return "the text ends too early";
    }
    return words.lines().findFirst().orElse("");
  }
}
