package dev.changenet.check;

import dev.changenet.check.FileFacts.State;
import dev.changenet.data.DataSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Compares what the lists name with what lies in the folders. */
final class FileLookup {
  private final DataSettings data;
  private final Consumer<Finding> found;
  private final List<String> extra = new ArrayList<>();

  FileLookup(DataSettings data, Consumer<Finding> found) {
    this.data = data;
    this.found = found;
  }

  /**
   * @param listsComplete whether a file without a list is a stranger
   */
  void run(List<PairFacts> pairs, Set<String> listed, boolean listsComplete) {
    List<PairFacts> withMask = pairs.stream().filter(PairFacts::needsMask).toList();
    compare(data.imageFolderName(), pairs, p -> p.a, listed, n -> n);
    compare(data.changeImageFolderName(), pairs, p -> p.b, listed, n -> n);
    if (!withMask.isEmpty()) {
      compare(data.annotationFolderName(), withMask, p -> p.mask, listed, data::maskName);
    }
    if (listsComplete && !extra.isEmpty()) {
      found.accept(
          new Finding(
              Code.FILE_EXTRA,
              Severity.WARNING,
              "",
              extra,
              Words.count(extra.size(), "file")
                  + " that no list names: no run will ever look at "
                  + (extra.size() == 1 ? "it" : "them"),
              "add them to a list in "
                  + data.rootDir().resolve(data.listFolderName())
                  + ", or delete them"));
    }
  }

  private void compare(
      String folderName,
      List<PairFacts> pairs,
      Function<PairFacts, FileFacts> which,
      Set<String> listed,
      UnaryOperator<String> fileName) {
    Path folder = data.rootDir().resolve(folderName);
    FolderListing listing = FolderListing.of(folder);
    Set<String> known = new HashSet<>();
    listed.forEach(n -> known.add(plain(fileName.apply(n))));
    for (PairFacts pair : pairs) {
      FileFacts file = which.apply(pair);
      String name = fileName.apply(pair.name);
      if (listing.has(name)) {
        continue;
      }
      file.state = State.MISSING;
      String similar = listing.similar(name);
      if (similar != null && !known.contains(similar)) {
        file.elsewhere = folderName + "/" + similar;
        known.add(similar);
      }
    }
    for (String name : listing.names()) {
      if (!known.contains(name) && !hidden(name)) {
        extra.add(folderName + "/" + name);
      }
    }
  }

  private static String plain(String name) {
    return FolderListing.slashes(Path.of(name).normalize());
  }

  /** Such files belong to the operating system. */
  private static boolean hidden(String name) {
    String last = name.substring(name.lastIndexOf('/') + 1);
    return last.startsWith(".") || last.equals("Thumbs.db") || last.equals("desktop.ini");
  }
}
