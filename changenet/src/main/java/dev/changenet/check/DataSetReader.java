package dev.changenet.check;

import dev.changenet.check.CheckSettings.Depth;
import dev.changenet.data.DataSettings;
import dev.changenet.data.SplitList;
import dev.changenet.image.DataException;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Finds the folders, reads the lists and looks up the files that they name. */
final class DataSetReader {
  private final CheckSettings settings;
  private final DataSettings data;
  private final Consumer<Finding> found;
  private final Map<String, PairFacts> pairs = new LinkedHashMap<>();
  private final Set<String> listed = new HashSet<>();
  private boolean listsComplete = true;

  DataSetReader(CheckSettings settings, Consumer<Finding> found) {
    this.settings = settings;
    this.data = settings.data();
    this.found = found;
  }

  /** Reads what can be read; nothing when a folder is missing. */
  Optional<DataSet> read() {
    if (!folders()) {
      return Optional.empty();
    }
    List<Split> splits = new ArrayList<>();
    settings.splits().forEach((role, name) -> list(role, name).ifPresent(splits::add));
    choose(splits);
    List<PairFacts> all = List.copyOf(pairs.values());
    if (settings.depth() == Depth.FULL || settings.depth() == Depth.QUICK) {
      new FileLookup(data, found).run(all, listed(), listsComplete);
    }
    return Optional.of(new DataSet(settings, splits, all, Set.copyOf(listed)));
  }

  private boolean folders() {
    Map<String, String> keys = new LinkedHashMap<>();
    keys.put("root_dir", "");
    keys.put("image_folder_name", data.imageFolderName());
    keys.put("change_image_folder_name", data.changeImageFolderName());
    keys.put("list_folder_name", data.listFolderName());
    if (settings.splits().keySet().stream().anyMatch(Role::masks)) {
      keys.put("annotation_folder_name", data.annotationFolderName());
    }
    List<String> missing = new ArrayList<>();
    List<String> wrong = new ArrayList<>();
    for (Map.Entry<String, String> e : keys.entrySet()) {
      Path folder = data.rootDir().resolve(e.getValue());
      if (!Files.isDirectory(folder)) {
        missing.add(e.getValue().isEmpty() ? folder.toString() : e.getValue());
        wrong.add("dataset.segment." + e.getKey());
        if (e.getValue().isEmpty()) {
          break;
        }
      }
    }
    if (missing.isEmpty()) {
      return sameFolders(keys);
    }
    found.accept(
        new Finding(
            Code.FOLDER_MISSING,
            Severity.ERROR,
            "",
            missing,
            missing.size() == 1
                ? "no such folder in " + data.rootDir() + "; nothing else was looked at"
                : missing.size() + " folders are missing in " + data.rootDir(),
            (missing.equals(List.of(data.listFolderName()))
                    ? "write the lists with 'changenet split'"
                    : "create it")
                + ", or set "
                + String.join(", ", wrong)));
    return false;
  }

  private boolean sameFolders(Map<String, String> keys) {
    Map<Path, String> seen = new LinkedHashMap<>();
    for (String key :
        List.of("image_folder_name", "change_image_folder_name", "annotation_folder_name")) {
      if (!keys.containsKey(key)) {
        continue;
      }
      Path folder = real(data.rootDir().resolve(keys.get(key)));
      String other = seen.putIfAbsent(folder, key);
      if (other != null) {
        found.accept(
            new Finding(
                Code.SAME_FOLDER,
                Severity.ERROR,
                "",
                List.of(keys.get(key)),
                "dataset.segment."
                    + other
                    + " and "
                    + key
                    + " are the same folder: nothing can differ between them",
                "set dataset.segment." + key + " to the folder it stands for"));
        return false;
      }
    }
    return true;
  }

  private static Path real(Path folder) {
    try {
      return folder.toRealPath();
    } catch (IOException e) {
      throw new DataException(folder + ": the folder cannot be read (" + IoProblem.of(e) + ")", e);
    }
  }

  private Optional<Split> list(Role role, String name) {
    Path folder = data.rootDir().resolve(data.listFolderName());
    Path txt = folder.resolve(name + ".txt");
    Path csv = folder.resolve(name + ".csv");
    boolean both = Files.isRegularFile(txt) && Files.isRegularFile(csv);
    if (!Files.isRegularFile(txt) && !Files.isRegularFile(csv)) {
      listsComplete &= role == Role.PREDICT;
      found.accept(
          new Finding(
              Code.LIST_MISSING,
              role.required() ? Severity.ERROR : Severity.NOTE,
              name,
              List.of(show(txt)),
              role.required()
                  ? "no list for this split, which training needs"
                  : "no list for this split; "
                      + (role == Role.TEST ? "evaluate" : "inference")
                      + " will need it",
              (role.required()
                      ? "write it with 'changenet split'"
                      : "create it with a file name per line")
                  + ", or set dataset.segment."
                  + role.key()));
      return Optional.empty();
    }
    if (both) {
      found.accept(
          new Finding(
              Code.LIST_AMBIGUOUS,
              Severity.NOTE,
              name,
              List.of(show(txt), show(csv)),
              "two lists for one split; the .txt list is used",
              "delete the one you don't mean"));
    }
    SplitList list;
    try {
      list = SplitList.read(folder, name);
    } catch (DataException e) {
      listsComplete = false;
      Path path = Files.isRegularFile(txt) ? txt : csv;
      found.accept(
          new Finding(
              Code.LIST_UNUSABLE,
              Severity.ERROR,
              name,
              List.of(show(path)),
              cause(e.getMessage(), path),
              "correct the list"));
      return Optional.empty();
    }
    List<PairFacts> members = new ArrayList<>();
    for (String entry : list.names()) {
      PairFacts pair = pairs.computeIfAbsent(entry, this::pair);
      pair.roles.add(role);
      members.add(pair);
    }
    return Optional.of(new Split(role, name, list.path(), members));
  }

  private static String cause(String message, Path path) {
    String text =
        message.startsWith(path.toString()) ? message.substring(path.toString().length()) : message;
    return text.replaceFirst("^[:,] ", "").replaceFirst("; [^;]*$", "");
  }

  private PairFacts pair(String name) {
    return new PairFacts(
        name,
        file(data.imageFolderName(), name),
        file(data.changeImageFolderName(), name),
        file(data.annotationFolderName(), data.maskName(name)));
  }

  private FileFacts file(String folder, String name) {
    Path path = data.rootDir().resolve(folder).resolve(name);
    return new FileFacts(show(path), path);
  }

  private String show(Path path) {
    return FolderListing.slashes(
        path.startsWith(data.rootDir()) ? data.rootDir().relativize(path) : path);
  }

  /** Files of other lists in the folder are no strangers. */
  private Set<String> listed() {
    Path folder = data.rootDir().resolve(data.listFolderName());
    for (String file : FolderListing.of(folder).names()) {
      if (file.endsWith(".txt") || file.endsWith(".csv")) {
        try {
          listed.addAll(
              SplitList.read(folder, file.substring(0, file.length() - ".txt".length())).names());
        } catch (DataException e) {
          // Not a list, or one that is reported where it is used.
          continue;
        }
      }
    }
    listed.addAll(pairs.keySet());
    return listed;
  }

  /** Decides which headers and masks are read. */
  private void choose(List<Split> splits) {
    for (Split split : splits) {
      for (PairFacts pair : sample(split.pairs(), settings.depth().headers())) {
        pair.wantsHeaders = true;
      }
      if (split.role().masks()) {
        for (PairFacts pair : sample(split.pairs(), settings.depth().masks())) {
          pair.wantsHeaders = true;
          pair.wantsMask = true;
        }
      }
    }
  }

  /** Returns at most {@code most} of the pairs, evenly spaced. */
  private static Set<PairFacts> sample(List<PairFacts> pairs, int most) {
    if (pairs.size() <= most) {
      return Collections.unmodifiableSet(new LinkedHashSet<>(pairs));
    }
    Set<PairFacts> chosen = new LinkedHashSet<>();
    for (long i = 0; i < most; i++) {
      chosen.add(pairs.get((int) (i * pairs.size() / most)));
    }
    return chosen;
  }
}
