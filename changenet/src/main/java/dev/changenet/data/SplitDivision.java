package dev.changenet.data;

import dev.changenet.image.DataException;
import dev.changenet.image.OutputFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Divides the pairs of a data set among its splits, and writes their lists.
 *
 * <p>A pair's place depends on its name and a seed alone, and a split is a range of places: with a
 * few pairs more, nearly all others stay where they were.
 *
 * @param lists names of the pairs by split, in order; every list has at least one
 * @param unlabelled names of the pairs without a mask
 * @param notes sentences about the pictures that are in no list
 */
public record SplitDivision(
    Map<String, List<String>> lists, List<String> unlabelled, List<String> notes) {

  /**
   * Looks for pairs with a mask and divides them.
   *
   * @param shares relative size of each split, positive
   * @throws DataException if a folder is missing, there are no pairs, or fewer of them than splits
   */
  public static SplitDivision of(DataSettings data, Map<String, Integer> shares, long seed) {
    Path root = data.rootDir();
    ChangeDataset.checkFolder(root, "dataset.segment.root_dir");
    ChangeDataset.checkFolder(
        root.resolve(data.imageFolderName()), "dataset.segment.image_folder_name");
    ChangeDataset.checkFolder(
        root.resolve(data.changeImageFolderName()), "dataset.segment.change_image_folder_name");
    ChangeDataset.checkFolder(
        root.resolve(data.annotationFolderName()), "dataset.segment.annotation_folder_name");
    PairFinder.Found found =
        PairFinder.find(
            root.resolve(data.imageFolderName()), root.resolve(data.changeImageFolderName()));
    Path masks = root.resolve(data.annotationFolderName());
    List<String> labelled = new ArrayList<>();
    List<String> unlabelled = new ArrayList<>();
    for (PicturePair pair : found.pairs()) {
      boolean mask = Files.isRegularFile(masks.resolve(data.maskName(pair.name())));
      (mask ? labelled : unlabelled).add(pair.name());
    }
    if (labelled.size() < shares.size()) {
      throw new DataException(
          masks
              + ": masks for "
              + labelled.size()
              + " of the "
              + found.pairs().size()
              + " pairs, but there are "
              + shares.size()
              + " lists to fill"
              + (unlabelled.isEmpty()
                  ? ""
                  : "; the mask of "
                      + unlabelled.getFirst()
                      + " is looked for as "
                      + data.maskName(unlabelled.getFirst())));
    }
    return new SplitDivision(divide(labelled, shares, seed), unlabelled, found.notes());
  }

  private static Map<String, List<String>> divide(
      List<String> names, Map<String, Integer> shares, long seed) {
    List<String> shuffled = new ArrayList<>(names);
    shuffled.sort(
        Comparator.<String>comparingLong(name -> place(name, seed))
            .thenComparing(Comparator.naturalOrder()));
    long total = shares.values().stream().mapToLong(Integer::longValue).sum();
    Map<String, List<String>> lists = new LinkedHashMap<>();
    int begin = 0;
    long share = 0;
    int splitsLeft = shares.size();
    for (Map.Entry<String, Integer> split : shares.entrySet()) {
      splitsLeft--;
      share += split.getValue();
      // Every split gets a pair, and leaves one for each that follows.
      int end =
          Math.clamp(
              Math.round((double) share * names.size() / total),
              begin + 1,
              names.size() - splitsLeft);
      lists.put(split.getKey(), List.copyOf(new TreeSet<>(shuffled.subList(begin, end))));
      begin = end;
    }
    return lists;
  }

  /** FNV-1a over the name, finished by MurmurHash3's mixer. */
  private static long place(String name, long seed) {
    long hash = 0xcbf29ce484222325L ^ seed;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * 0x100000001b3L;
    }
    hash = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    hash = (hash ^ (hash >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return hash ^ (hash >>> 33);
  }

  /** Returns the file of a list: .csv where a name has a blank or #, which end a name in .txt. */
  public static Path file(DataSettings data, String split, List<String> names) {
    boolean plain =
        names.stream()
            .noneMatch(n -> n.chars().anyMatch(c -> Character.isWhitespace(c) || c == '#'));
    return data.rootDir().resolve(data.listFolderName()).resolve(split + (plain ? ".txt" : ".csv"));
  }

  /**
   * @throws DataException if {@code name} can't stand in a list
   */
  public static void requireWritable(String name) {
    if (name.indexOf('"') >= 0 || name.indexOf('\n') >= 0) {
      throw new DataException(
          "the file name "
              + name.replace("\n", "\\n")
              + " has a quotation mark or a line break and can't stand in a list; rename the pair");
    }
  }

  /**
   * Writes a list, so that {@link SplitList#read} returns {@code names}.
   *
   * @return the file
   */
  public static Path write(DataSettings data, String split, List<String> names) {
    Path file = file(data, split, names);
    boolean csv = file.toString().endsWith(".csv");
    StringBuilder text = new StringBuilder(csv ? "image_names\n" : "");
    for (String name : names) {
      requireWritable(name);
      text.append(csv ? '"' + name + '"' : name).append('\n');
    }
    OutputFile.write(file, text.toString());
    return file;
  }
}
