package dev.changenet.check;

import dev.changenet.image.DataException;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/** The names of all files below a folder, relative to it, with forward slashes. */
final class FolderListing {
  private final Path folder;
  private final TreeSet<String> names = new TreeSet<>();
  private final Map<String, String> byStem = new HashMap<>();

  private FolderListing(Path folder) {
    this.folder = folder;
  }

  static FolderListing of(Path folder) {
    FolderListing listing = new FolderListing(folder);
    try {
      Files.walkFileTree(
          folder,
          EnumSet.of(FileVisitOption.FOLLOW_LINKS),
          Integer.MAX_VALUE,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (attributes.isRegularFile()) {
                listing.names.add(slashes(folder.relativize(file)));
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
              // A link to a folder above: what it leads to is in the listing already.
              if (e instanceof FileSystemLoopException) {
                return FileVisitResult.CONTINUE;
              }
              throw e;
            }
          });
    } catch (IOException e) {
      throw new DataException(folder + ": the folder cannot be read (" + IoProblem.of(e) + ")", e);
    }
    listing.names.forEach(n -> listing.byStem.putIfAbsent(stem(n), n));
    return listing;
  }

  static String slashes(Path path) {
    return path.toString().replace('\\', '/');
  }

  /** Name without suffix, in lower case. */
  private static String stem(String name) {
    int slash = name.lastIndexOf('/');
    int dot = name.lastIndexOf('.');
    return (dot > slash + 1 ? name.substring(0, dot) : name).toLowerCase(Locale.ROOT);
  }

  TreeSet<String> names() {
    return names;
  }

  boolean has(String name) {
    String plain = slashes(Path.of(name).normalize());
    return names.contains(plain) || Files.exists(folder.resolve(name));
  }

  /** Returns a file that differs from {@code name} in suffix or case only, or null. */
  String similar(String name) {
    return byStem.get(stem(slashes(Path.of(name).normalize())));
  }
}
