package dev.changenet.generate;

import dev.changenet.generate.SceneLayout.Fate;
import dev.changenet.generate.SceneLayout.Lot;
import dev.changenet.generate.SceneLayout.Road;
import dev.changenet.generate.SceneLayout.Tree;
import dev.changenet.image.DataException;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.OutputFile;
import dev.changenet.image.RgbImage;
import dev.changenet.nn.random.RandomStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Draws aligned pairs of aerial scenes with change masks. Buildings appear, vanish and are rebuilt;
 * light, season, sun, haze, noise, sharpness, alignment, cars and single trees differ too but do
 * not count as change.
 *
 * <p>A scene depends only on the seed, its index, the size and the number of classes, not on the
 * other scenes.
 */
public final class SceneGenerator {
  private static final int NEW_BUILDING = 1;
  private static final int DEMOLISHED_BUILDING = 2;
  private static final int REBUILT_BUILDING = 3;
  private static final int OTHER_CHANGE = 4;

  private final GeneratorSettings settings;

  public SceneGenerator(GeneratorSettings settings) {
    this.settings = settings;
  }

  /**
   * Writes a complete data set: folders A, B and label with PNG files, and list with one text file
   * per split that has pairs.
   *
   * @throws DataException if a file cannot be written
   */
  public static void generate(Path root, GeneratorSettings settings) {
    SceneGenerator generator = new SceneGenerator(settings);
    IntStream.range(0, settings.total()).parallel().forEach(i -> generator.write(root, i));
    int val = settings.train();
    int test = val + settings.val();
    writeList(root, "train", 0, val);
    writeList(root, "val", val, test);
    writeList(root, "test", test, settings.total());
    writeList(root, "predict", test, settings.total());
  }

  /** Returns the file name of scene {@code index}. */
  public static String name(int index) {
    return String.format(Locale.ROOT, "scene_%05d.png", index);
  }

  /** Returns scene {@code index}. */
  public ScenePair scene(int index) {
    int size = settings.size();
    long seed = settings.seed();
    SceneLayout layout =
        new SceneLayout(
            RandomStream.of(seed, "scene_layout", index, size, settings.classes()),
            size,
            settings.classes());
    RandomStream days = RandomStream.of(seed, "scene_dates", index);
    DateConditions before = DateConditions.draw(days, false);
    DateConditions after = DateConditions.draw(days, true);
    long ground = days.nextLong();
    RgbImage a =
        new SceneRenderer(
                layout, before, false, size, ground, RandomStream.of(seed, "scene_date", index, 0))
            .render();
    RgbImage b =
        new SceneRenderer(
                layout, after, true, size, ground, RandomStream.of(seed, "scene_date", index, 1))
            .render();
    return new ScenePair(a, b, mask(layout));
  }

  private Mask mask(SceneLayout layout) {
    int size = settings.size();
    byte[] ids = new byte[size * size];
    for (int py = 0; py < size; py++) {
      for (int px = 0; px < size; px++) {
        int id = classAt(layout, px + 0.5 - size / 2.0, py + 0.5 - size / 2.0);
        ids[py * size + px] = (byte) (settings.classes() == 2 && id > 0 ? 255 : id);
      }
    }
    return new Mask(size, size, ids);
  }

  private static int classAt(SceneLayout layout, double x, double y) {
    for (Lot lot : layout.lots) {
      if (lot.fate() != Fate.KEPT) {
        double reach = lot.before().reach() + lot.after().reach();
        boolean near =
            Math.abs(x - lot.before().main().x()) < reach
                && Math.abs(y - lot.before().main().y()) < reach;
        if (near && Math.min(lot.before().distance(x, y), lot.after().distance(x, y)) < 0) {
          return switch (lot.fate()) {
            case NEW -> NEW_BUILDING;
            case GONE -> DEMOLISHED_BUILDING;
            default -> REBUILT_BUILDING;
          };
        }
      }
    }
    for (Road road : layout.roads) {
      if (road.fate() != Fate.KEPT && layout.offRoad(road, x, y) < road.halfWidth()) {
        return OTHER_CHANGE;
      }
    }
    for (Tree tree : layout.trees) {
      double dx = x - tree.x();
      double dy = y - tree.y();
      if (tree.cleared() && dx * dx + dy * dy < tree.radius() * tree.radius()) {
        return OTHER_CHANGE;
      }
    }
    return 0;
  }

  private void write(Path root, int index) {
    ScenePair pair = scene(index);
    ImageWriter.writePng(root.resolve("A").resolve(name(index)), pair.a());
    ImageWriter.writePng(root.resolve("B").resolve(name(index)), pair.b());
    ImageWriter.writePng(root.resolve("label").resolve(name(index)), pair.mask());
  }

  private static void writeList(Path root, String split, int from, int to) {
    if (from < to) {
      String lines =
          IntStream.range(from, to)
              .mapToObj(SceneGenerator::name)
              .collect(Collectors.joining("\n", "", "\n"));
      OutputFile.write(root.resolve("list").resolve(split + ".txt"), lines);
    }
  }
}
