package dev.changenet.data;

import dev.changenet.image.DataException;
import dev.changenet.tensor.io.IoProblem;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Finds pairs of pictures that no list names: two files, or two folders with the same names. */
public final class PairFinder {
  private static final Set<String> SUFFIXES =
      Set.of("png", "jpg", "jpeg", "bmp", "tif", "tiff", "gif");
  private static final int SHOWN = 3;

  private PairFinder() {}

  /**
   * The pairs found.
   *
   * @param pairs in the order of their names, at least one
   * @param notes a sentence about the pictures without a partner in each folder
   */
  public record Found(List<PicturePair> pairs, List<String> notes) {
    public Found {
      pairs = List.copyOf(pairs);
      notes = List.copyOf(notes);
    }
  }

  /**
   * Pairs two files, or the pictures in two folders and their sub-folders that have the same name.
   * Hidden files and files without the suffix of a picture are left out.
   *
   * @throws DataException if a file is missing, one is a folder and the other a file, or no names
   *     match
   */
  public static Found find(Path a, Path b) {
    boolean folder = isFolder(a);
    if (folder != isFolder(b)) {
      throw new DataException(
          (folder ? a : b)
              + " is a folder, "
              + (folder ? b : a)
              + " is a file; give two pictures or two folders");
    }
    return folder
        ? inFolders(a, b)
        : new Found(List.of(new PicturePair(a.getFileName().toString(), a, b)), List.of());
  }

  /** Tells whether {@code name} ends in the suffix of a picture format. */
  public static boolean hasPictureSuffix(String name) {
    int dot = name.lastIndexOf('.');
    return dot > name.lastIndexOf('/') + 1
        && SUFFIXES.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
  }

  private static boolean isFolder(Path path) {
    if (!Files.exists(path)) {
      throw new DataException(path + ": no such picture or folder");
    }
    return Files.isDirectory(path);
  }

  private static Found inFolders(Path a, Path b) {
    TreeSet<String> namesA = pictures(a);
    TreeSet<String> namesB = pictures(b);
    List<PicturePair> pairs = new ArrayList<>();
    for (String name : namesA) {
      if (namesB.contains(name)) {
        pairs.add(new PicturePair(name, a.resolve(name), b.resolve(name)));
      }
    }
    if (pairs.isEmpty()) {
      throw new DataException(
          a
              + " and "
              + b
              + " have no picture of the same name ("
              + names(namesA)
              + "; "
              + names(namesB)
              + "); the two pictures of a pair need the same name, suffix included");
    }
    List<String> notes = new ArrayList<>();
    note(a, b, namesA, namesB, notes);
    note(b, a, namesB, namesA, notes);
    return new Found(pairs, notes);
  }

  private static void note(
      Path folder, Path other, Set<String> names, Set<String> partners, List<String> notes) {
    TreeSet<String> alone = new TreeSet<>(names);
    alone.removeAll(partners);
    if (!alone.isEmpty()) {
      notes.add(
          folder + ": " + names(alone) + " left out, there is nothing of that name in " + other);
    }
  }

  private static String names(Set<String> names) {
    if (names.isEmpty()) {
      return "no pictures";
    }
    return names.size()
        + (names.size() == 1 ? " picture" : " pictures")
        + names.stream().limit(SHOWN).collect(Collectors.joining(", ", " (", ""))
        + (names.size() > SHOWN ? ", …)" : ")");
  }

  /** Paths relative to {@code folder}, with / between folder and file on every system. */
  private static TreeSet<String> pictures(Path folder) {
    // A link to the folder itself is followed, links below it are not: they may form circles.
    try (Stream<Path> files = Files.walk(folder.toRealPath())) {
      Path root = folder.toRealPath();
      return files
          .map(root::relativize)
          .filter(file -> !isHidden(file) && hasPictureSuffix(file.toString()))
          .filter(file -> Files.isRegularFile(root.resolve(file)))
          .map(file -> file.toString().replace(File.separatorChar, '/'))
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (UncheckedIOException e) {
      throw unreadable(folder, e.getCause());
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
  }

  private static DataException unreadable(Path folder, IOException e) {
    return new DataException(folder + ": the folder cannot be read (" + IoProblem.of(e) + ")", e);
  }

  private static boolean isHidden(Path relative) {
    for (Path part : relative) {
      if (part.toString().startsWith(".")) {
        return true;
      }
    }
    return false;
  }
}
