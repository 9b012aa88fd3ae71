package dev.changenet.check;

import dev.changenet.data.DataSettings;
import dev.changenet.data.SplitList;
import dev.changenet.image.DataException;
import dev.changenet.image.ImageReader;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.PictureInfo;
import dev.changenet.image.RgbImage;
import dev.changenet.tensor.io.FolderEntries;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;

/**
 * Writes masks with one channel from masks with several, into a new folder that can take the place
 * of the old one. Colours become classes through color_map; where the channels are equal, one of
 * them is kept; masks with one channel are written as they are.
 */
public final class MaskConversion {
  private final CheckSettings settings;
  private final Path target;

  /**
   * @param target folder to create; must be new or empty
   */
  public MaskConversion(CheckSettings settings, Path target) {
    this.settings = settings;
    this.target = target.toAbsolutePath().normalize();
  }

  /**
   * What was written.
   *
   * @param masks number of files
   * @param mapped how many of them through color_map
   */
  public record Result(int masks, int mapped) {}

  /**
   * Converts the masks of train, val and test that exist.
   *
   * @throws DataException if the folder holds something, a mask cannot be read, or a colour is not
   *     in color_map; nothing is written then, unless the disk fails
   */
  public Result run(Progress progress) {
    requireEmpty();
    DataSettings data = settings.data();
    Path source = data.rootDir().resolve(data.annotationFolderName());
    List<String> names = names(source);
    // All masks are checked before the first is written; keeping them all could fill the memory.
    boolean[] mapped = new boolean[names.size()];
    Workers.forEach(
        names.size(),
        settings.threads(),
        "Checking masks",
        progress,
        i -> mapped[i] = guarded(source.resolve(names.get(i)), MaskConversion::needsMap));
    int colored = 0;
    for (boolean m : mapped) {
      colored += m ? 1 : 0;
    }
    // In one folder a value must mean one thing.
    boolean all = colored > 0;
    AtomicInteger written = new AtomicInteger();
    for (int pass = 0; pass < 2; pass++) {
      boolean write = pass == 1;
      Workers.forEach(
          names.size(),
          settings.threads(),
          write ? "Writing masks" : "Converting masks",
          progress,
          i -> {
            Mask mask =
                guarded(source.resolve(names.get(i)), (path, info) -> convert(path, info, all));
            if (write) {
              ImageWriter.writePng(target.resolve(names.get(i)), mask);
              written.incrementAndGet();
            }
          });
    }
    return new Result(written.get(), colored);
  }

  private void requireEmpty() {
    try {
      if (Files.exists(target) && !Files.isDirectory(target)) {
        throw new DataException(target + ": is a file; give the name of a new or empty folder");
      }
      if (Files.isDirectory(target) && !FolderEntries.matching(target, "*").isEmpty()) {
        throw new DataException(
            target + ": the folder is not empty; give the name of a new or empty folder");
      }
    } catch (IOException e) {
      throw new DataException(target + ": the folder cannot be read (" + IoProblem.of(e) + ")", e);
    }
  }

  private List<String> names(Path source) {
    Path lists = settings.data().rootDir().resolve(settings.data().listFolderName());
    Set<String> names = new LinkedHashSet<>();
    settings
        .splits()
        .forEach(
            (role, split) -> {
              boolean exists =
                  Files.isRegularFile(lists.resolve(split + ".txt"))
                      || Files.isRegularFile(lists.resolve(split + ".csv"));
              if (role.masks() && exists) {
                for (String entry : SplitList.read(lists, split).names()) {
                  String mask = settings.data().maskName(entry);
                  if (Files.isRegularFile(source.resolve(mask))) {
                    names.add(mask);
                  }
                }
              }
            });
    if (names.isEmpty()) {
      throw new DataException(source + ": no mask that a list names; nothing to convert");
    }
    return new ArrayList<>(names);
  }

  private static <T> T guarded(Path path, BiFunction<Path, PictureInfo, T> work) {
    PictureInfo info = PictureInfo.read(path);
    return DecodingMemory.with(DecodingMemory.bytes(info), () -> work.apply(path, info));
  }

  private static boolean needsMap(Path path, PictureInfo info) {
    if (info.channels() == 1) {
      return false;
    }
    if (info.bits() > 8) {
      throw new DataException(
          path
              + ": has "
              + info.channels()
              + " channels of "
              + info.bits()
              + " bits, expected 8; store masks as 8-bit PNG files");
    }
    byte[] p = ImageReader.readRgb(path).pixels();
    for (int i = 0; i < p.length; i += RgbImage.CHANNELS) {
      if (p[i] != p[i + 1] || p[i] != p[i + 2]) {
        return true;
      }
    }
    return false;
  }

  private Mask convert(Path path, PictureInfo info, boolean byColor) {
    if (info.channels() == 1) {
      return ImageReader.readMask(path);
    }
    RgbImage image = ImageReader.readRgb(path);
    byte[] out = new byte[image.width() * image.height()];
    int last = -1;
    byte id = 0;
    for (int i = 0; i < out.length; i++) {
      int x = i % image.width();
      int y = i / image.width();
      int r = image.get(x, y, 0);
      if (!byColor) {
        out[i] = (byte) r;
        continue;
      }
      int color = r << 16 | image.get(x, y, 1) << 8 | image.get(x, y, 2);
      if (color != last) {
        id = (byte) classOf(path, x, y, color);
        last = color;
      }
      out[i] = id;
    }
    return new Mask(image.width(), image.height(), out);
  }

  private int classOf(Path path, int x, int y, int color) {
    List<Integer> rgb = List.of(color >> 16, color >> 8 & 0xFF, color & 0xFF);
    int id = settings.colors().indexOf(rgb);
    if (id < 0) {
      throw new DataException(
          path
              + ": colour "
              + rgb
              + " at column "
              + x
              + ", row "
              + y
              + (settings.colors().isEmpty()
                  ? " has no class: the spec has no color_map"
                  : " is not in color_map")
              + "; give each class its colour in dataset.segment.color_map");
    }
    return id;
  }
}
