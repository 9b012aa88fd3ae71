package dev.changenet.cli;

import dev.changenet.data.PairFinder;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The pictures on the command line of {@code inference}. */
final class InferencePictures {
  static final String A = "inference.image_a=";
  static final String B = "inference.image_b=";

  private InferencePictures() {}

  /**
   * Returns the arguments that stand for pictures: those that exist or look like a path. If one
   * does, any other word that is no setting counts as well.
   */
  static List<String> bare(List<String> arguments) {
    List<String> words =
        arguments.stream()
            .filter(word -> !word.contains("=") && !TaskCommand.isSpecFile(word))
            .filter(word -> word.matches("[^-~+].*") || exists(word))
            .toList();
    return words.stream().anyMatch(InferencePictures::looksLikeOne) || areGiven(arguments)
        ? words
        : List.of();
  }

  private static boolean looksLikeOne(String word) {
    return word.contains("/") || PairFinder.hasPictureSuffix(word) || exists(word);
  }

  /** Returns a picture as the value of a setting: in quotes where it could be read otherwise. */
  static String value(String picture) {
    boolean plain = picture.contains("/") || PairFinder.hasPictureSuffix(picture);
    return plain && picture.matches("[\\w./-]+") ? picture : TaskCommand.quoted(picture);
  }

  private static boolean exists(String word) {
    try {
      return Files.exists(Path.of(word));
    } catch (InvalidPathException e) {
      // Whatever it is, the parser of settings will complain about it.
      return false;
    }
  }

  /** Tells whether a setting names a picture. */
  static boolean areGiven(List<String> arguments) {
    return has(arguments, A) || has(arguments, B);
  }

  private static boolean has(List<String> arguments, String key) {
    return arguments.stream().anyMatch(argument -> argument.startsWith(key));
  }

  /** Says what to do about pictures that are no pair. */
  static Optional<String> problem(List<String> arguments) {
    List<String> words = bare(arguments);
    if (words.isEmpty()) {
      return Optional.empty();
    }
    boolean a = has(arguments, A);
    boolean b = has(arguments, B);
    String word = words.getFirst();
    String remedy;
    if (words.size() > 1) {
      remedy = "give two pictures or two folders, got " + words.size();
    } else if (a && b) {
      remedy = "both pictures are named already";
    } else if (a || b) {
      remedy = "name the " + (a ? "second picture with " + B : "first picture with " + A) + word;
    } else {
      remedy = "a pair needs two pictures or two folders: PICTURE_A PICTURE_B";
    }
    return Optional.of("override '" + word + "': expected key=value; " + remedy);
  }
}
