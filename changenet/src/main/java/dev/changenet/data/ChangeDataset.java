package dev.changenet.data;

import dev.changenet.image.DataException;
import dev.changenet.image.ImageReader;
import dev.changenet.image.Mask;
import dev.changenet.image.Resize;
import dev.changenet.image.RgbImage;
import java.lang.ref.SoftReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * One split of a data set: knows its samples and reads them, resized to S×S, without augmentation.
 *
 * <p>Opening checks that all folders and files exist; the pictures are opened when a sample is
 * read. Safe to use from several threads. A split that is read every epoch and fits in a part of
 * the heap is kept in memory once read, as long as nothing else needs that memory.
 */
public final class ChangeDataset {
  /** What a split is read for; decides whether masks are needed. */
  public enum Purpose {
    TRAINING("train"),
    VALIDATION("validation"),
    EVALUATION("evaluation"),
    INFERENCE("inference");

    private final String word;

    Purpose(String word) {
      this.word = word;
    }

    boolean needsMasks() {
      return this != INFERENCE;
    }

    @Override
    public String toString() {
      return word;
    }
  }

  private static final long MAX_CACHE_BYTES = 512L << 20;

  private final DataSettings settings;
  private final Purpose purpose;
  private final SplitList list;
  private final List<PicturePair> pairs;
  private final AtomicReferenceArray<SoftReference<Sample>> cache;
  private final AtomicLong changedPixels = new AtomicLong();

  private ChangeDataset(
      DataSettings settings, Purpose purpose, SplitList list, List<PicturePair> pairs) {
    this.settings = settings;
    this.purpose = purpose;
    this.list = list;
    this.pairs = List.copyOf(pairs);
    long pixels = (long) settings.imgSize() * settings.imgSize();
    long bytes = list.names().size() * pixels * (2 * RgbImage.CHANNELS + 1);
    long limit = Math.min(MAX_CACHE_BYTES, Runtime.getRuntime().maxMemory() / 8);
    boolean again = purpose == Purpose.TRAINING || purpose == Purpose.VALIDATION;
    this.cache = again && bytes <= limit ? new AtomicReferenceArray<>(list.names().size()) : null;
  }

  /**
   * Opens split {@code split} of the data set.
   *
   * @throws DataException if a folder, the list or a file of a sample is missing
   */
  public static ChangeDataset open(DataSettings settings, String split, Purpose purpose) {
    Path root = settings.rootDir();
    checkFolder(root, "dataset.segment.root_dir");
    checkFolder(root.resolve(settings.imageFolderName()), "dataset.segment.image_folder_name");
    checkFolder(
        root.resolve(settings.changeImageFolderName()), "dataset.segment.change_image_folder_name");
    checkFolder(root.resolve(settings.listFolderName()), "dataset.segment.list_folder_name");
    if (purpose.needsMasks()) {
      checkFolder(
          root.resolve(settings.annotationFolderName()), "dataset.segment.annotation_folder_name");
    }
    SplitList list = SplitList.read(root.resolve(settings.listFolderName()), split);
    List<PicturePair> pairs =
        list.names().stream()
            .map(
                name ->
                    new PicturePair(
                        name,
                        root.resolve(settings.imageFolderName()).resolve(name),
                        root.resolve(settings.changeImageFolderName()).resolve(name)))
            .toList();
    ChangeDataset dataset = new ChangeDataset(settings, purpose, list, pairs);
    dataset.checkFiles();
    return dataset;
  }

  /**
   * Makes a data set of given pairs, for inference: no list, no masks; the root folder of {@code
   * settings} is not looked at.
   *
   * @param source the folder or file the pairs come from, for messages
   */
  public static ChangeDataset of(DataSettings settings, Path source, List<PicturePair> pairs) {
    SplitList names = new SplitList(source, pairs.stream().map(PicturePair::name).toList());
    return new ChangeDataset(settings, Purpose.INFERENCE, names, pairs);
  }

  /** Number of samples, at least 1. */
  public int size() {
    return list.names().size();
  }

  /** List entry of sample {@code index}, unchanged. */
  public String name(int index) {
    return list.names().get(index);
  }

  /** What the split is read for. */
  public Purpose purpose() {
    return purpose;
  }

  /** The settings it was opened with. */
  public DataSettings settings() {
    return settings;
  }

  /** The list the samples come from. */
  public Path listPath() {
    return list.path();
  }

  /** File of the first picture. */
  public Path pathA(int index) {
    return pairs.get(index).a();
  }

  /** File of the second picture. */
  public Path pathB(int index) {
    return pairs.get(index).b();
  }

  /** File of the mask: every {@code .jpg} in the entry becomes the label suffix. */
  public Path maskPath(int index) {
    return settings
        .rootDir()
        .resolve(settings.annotationFolderName())
        .resolve(settings.maskName(name(index)));
  }

  /**
   * Reads sample {@code index}: pictures bicubic, mask nearest, each resized to S×S if it is not
   * already.
   *
   * @throws DataException if a file cannot be read or the mask holds a value without a class
   */
  public Sample read(int index) {
    SoftReference<Sample> kept = cache == null ? null : cache.get(index);
    Sample cached = kept == null ? null : kept.get();
    if (cached != null) {
      return cached;
    }
    int size = settings.imgSize();
    RgbImage a = Resize.bicubic(ImageReader.readRgb(pathA(index)), size, size);
    RgbImage b = Resize.bicubic(ImageReader.readRgb(pathB(index)), size, size);
    Mask mask = purpose.needsMasks() ? Resize.nearest(readMask(index), size, size) : null;
    Sample sample = new Sample(name(index), a, b, mask);
    if (cache != null) {
      cache.set(index, new SoftReference<>(sample));
    }
    changedPixels.addAndGet(countChanged(mask));
    return sample;
  }

  /**
   * A pair in the size of its files.
   *
   * @param a first picture
   * @param b second picture, of the same size
   */
  public record Originals(RgbImage a, RgbImage b) {}

  /**
   * Reads the pictures of sample {@code index} in the size they have.
   *
   * @throws DataException if a file cannot be read or the sizes differ
   */
  public Originals readOriginals(int index) {
    originalSize(index);
    return new Originals(ImageReader.readRgb(pathA(index)), ImageReader.readRgb(pathB(index)));
  }

  /**
   * Returns the size that both pictures of sample {@code index} have.
   *
   * @throws DataException if they differ
   */
  public ImageReader.Size originalSize(int index) {
    ImageReader.Size a = ImageReader.size(pathA(index));
    ImageReader.Size b = ImageReader.size(pathB(index));
    if (!a.equals(b)) {
      throw new DataException(
          "%s has %s pixels, %s has %s; a result of the original size needs two pictures of one size"
              .formatted(pathA(index), a, pathB(index), b));
    }
    return a;
  }

  /**
   * Changed pixels (class above 0, not ignored) in the masks decoded so far, after resizing; a mask
   * that is decoded again counts again. Still 0 after a whole pass means that nothing can be
   * learned; {@code label_transform} is the usual reason.
   */
  public long changedPixels() {
    return changedPixels.get();
  }

  /**
   * Tells whether any mask of the split has a changed pixel; reads masks only until the first one.
   */
  public boolean containsChange() {
    if (changedPixels.get() > 0) {
      return true;
    }
    for (int i = 0; purpose.needsMasks() && i < size(); i++) {
      if (countChanged(readMask(i)) > 0) {
        return true;
      }
    }
    return false;
  }

  private Mask readMask(int index) {
    Path path = maskPath(index);
    Mask mask = ImageReader.readMask(path);
    byte[] raw = mask.values();
    byte[] ids = new byte[raw.length];
    for (int i = 0; i < raw.length; i++) {
      int value = raw[i] & 0xFF;
      int id = settings.normalizesLabels() ? value / 255 : value;
      if (id >= settings.numClasses() && id != DataSettings.IGNORE) {
        throw new DataException(
            DataMessages.noClass(path, value, i % mask.width(), i / mask.width(), settings));
      }
      ids[i] = (byte) id;
    }
    return new Mask(mask.width(), mask.height(), ids);
  }

  private static long countChanged(Mask mask) {
    long changed = 0;
    if (mask != null) {
      for (byte id : mask.values()) {
        changed += id != 0 && id != (byte) DataSettings.IGNORE ? 1 : 0;
      }
    }
    return changed;
  }

  /**
   * @param key the setting that names the folder
   * @throws DataException if it is none
   */
  static void checkFolder(Path folder, String key) {
    if (!Files.isDirectory(folder)) {
      String what = Files.exists(folder) ? "is a file, expected a folder" : "no such folder";
      String remedy =
          key.endsWith("list_folder_name") ? "write lists with 'changenet split', or " : "";
      throw new DataException(folder + ": " + what + "; " + remedy + "check " + key);
    }
  }

  private void checkFiles() {
    List<String> missing = new ArrayList<>();
    for (int i = 0; i < size(); i++) {
      collectMissing(pathA(i), missing);
      collectMissing(pathB(i), missing);
      if (purpose.needsMasks()) {
        collectMissing(maskPath(i), missing);
      }
    }
    if (!missing.isEmpty()) {
      int shown = Math.min(missing.size(), 3);
      requireEntry(Path.of(missing.getFirst()).toAbsolutePath().getParent());
      throw new DataException(
          list.path()
              + ": "
              + DataMessages.count(missing.size(), "file")
              + " of its samples "
              + (missing.size() == 1 ? "does" : "do")
              + " not exist: "
              + String.join(", ", missing.subList(0, shown))
              + (missing.size() > shown ? ", …" : "")
              + "; add "
              + (missing.size() == 1 ? "it or remove the entry" : "them or remove the entries")
              + list.headerAdvice(missing.getFirst()));
    }
  }

  /** What is in a folder that may not be entered seems to be missing. */
  private static void requireEntry(Path folder) {
    if (Files.isDirectory(folder) && !Files.isExecutable(folder)) {
      throw new DataException(
          folder + ": no permission to read what is in the folder (access denied)");
    }
  }

  private static void collectMissing(Path path, List<String> missing) {
    if (!Files.exists(path)) {
      missing.add(path.toString());
    }
  }
}
