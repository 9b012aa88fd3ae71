package dev.changenet.generate;

import dev.changenet.generate.SceneLayout.Fate;
import dev.changenet.generate.SceneLayout.Kind;
import dev.changenet.generate.SceneLayout.Lot;
import dev.changenet.generate.SceneLayout.Road;
import dev.changenet.generate.SceneLayout.Tree;
import dev.changenet.image.RgbImage;
import dev.changenet.nn.random.RandomStream;
import java.util.Arrays;

/** Paints one date of a scene: ground, roads, shadows, cars, buildings, trees, then the camera. */
final class SceneRenderer {
  private static final Color ASPHALT = new Color(116, 116, 118);
  private static final Color CONCRETE = new Color(172, 168, 158);
  private static final Color YARD = new Color(150, 148, 142);
  private static final Color SOIL = new Color(152, 126, 98);
  private static final Color GRASS = new Color(104, 116, 74);
  private static final Color CROWN = new Color(62, 82, 50);
  private static final Color DRY = new Color(150, 136, 100);
  private static final Color LUSH = new Color(82, 112, 56);
  private static final Color[] FIELDS = {
    new Color(100, 116, 66),
    new Color(126, 128, 84),
    new Color(158, 142, 100),
    new Color(138, 114, 86),
    new Color(88, 108, 60)
  };

  /** Paints the pixel at world position (x, y), {@code coverage} of which the shape covers. */
  private interface Paint {
    Color at(double x, double y, Color below);
  }

  /** Signed distance from a shape's outline in pixels, negative inside. */
  private interface Outline {
    double distance(double x, double y);
  }

  private final SceneLayout scene;
  private final DateConditions day;
  private final boolean after;
  private final int size;
  private final ValueNoise noise;
  private final RandomStream random;
  private final double[] red;
  private final double[] green;
  private final double[] blue;
  private final double[] light;

  /**
   * Prepares painting.
   *
   * @param groundSeed texture of the ground, the same at both dates
   * @param random what is new on every date: cars and sensor noise
   */
  SceneRenderer(
      SceneLayout scene,
      DateConditions day,
      boolean after,
      int size,
      long groundSeed,
      RandomStream random) {
    this.scene = scene;
    this.day = day;
    this.after = after;
    this.size = size;
    this.noise = new ValueNoise(groundSeed);
    this.random = random;
    this.red = new double[size * size];
    this.green = new double[size * size];
    this.blue = new double[size * size];
    this.light = new double[size * size];
  }

  RgbImage render() {
    paintGround();
    for (Lot lot : scene.lots) {
      if (present(lot.fate())) {
        fill(
            lot.drive().x(),
            lot.drive().y(),
            lot.drive().reach(),
            lot.drive()::distance,
            this::paving);
      } else if (lot.before().texture() % 2 == 0) {
        bareGround(lot.before());
      }
    }
    for (Road road : scene.roads) {
      if (present(road.fate())) {
        paintRoad(road);
      }
    }
    paintCars();
    castShadows();
    for (Lot lot : scene.lots) {
      if (present(lot.fate())) {
        paintBuilding(after ? lot.after() : lot.before());
      }
    }
    for (Tree tree : scene.trees) {
      if (present(tree.fate())) {
        paintTree(tree);
      }
    }
    return new Camera(day, size).expose(red, green, blue, random);
  }

  private boolean present(Fate fate) {
    return after ? fate.after() : fate.before();
  }

  private double worldX(int px) {
    return px + 0.5 - size / 2.0 - day.shiftX();
  }

  private double worldY(int py) {
    return py + 0.5 - size / 2.0 - day.shiftY();
  }

  private void paintGround() {
    for (int py = 0; py < size; py++) {
      for (int px = 0; px < size; px++) {
        put(py * size + px, ground(worldX(px), worldY(py)), 1);
      }
    }
  }

  private Color ground(double x, double y) {
    double z = scene.zoom;
    double coarse = noise.octaves(x / (70 * z), y / (70 * z), 3);
    double fine = noise.octaves(x / (9 * z) + 50, y / (9 * z), 4);
    Color color;
    if (scene.kind == Kind.COUNTRY) {
      color = field(x, y, coarse);
    } else {
      double bare = Math.clamp(coarse * 2.2 - (scene.kind == Kind.INDUSTRY ? 0.1 : 0.55), 0, 0.85);
      // Gardens differ from lot to lot.
      double u = Math.floor(scene.u(x, y) / (34 * z));
      double v = Math.floor(scene.v(x, y) / (42 * z));
      double lot = noise.lattice((long) u, (long) v + 1000);
      color = vegetation(GRASS.mixed(FIELDS[1], 0.5 + 0.5 * lot)).mixed(SOIL, bare);
      if (scene.kind == Kind.INDUSTRY) {
        color = color.mixed(YARD, Math.clamp(1.5 * lot + 1.5 * coarse + 0.2, 0, 0.9));
      }
    }
    double grain = noise.at(x * 0.9, y * 0.9 + 300);
    return color.scaled(1 + 0.1 * coarse + 0.16 * fine + 0.05 * grain);
  }

  private Color field(double x, double y, double coarse) {
    double z = scene.zoom;
    double warp = 5 * z * coarse;
    double u = scene.u(x, y) + warp;
    double v = scene.v(x, y) - warp;
    long row = (long) Math.floor(v / (90 * z));
    double shift = 60 * z * noise.lattice(row, 77);
    long column = (long) Math.floor((u + shift) / (120 * z));
    double pick = noise.lattice(column, row + 500) * 0.5 + 0.5;
    int type = Math.min((int) (pick * FIELDS.length), FIELDS.length - 1);
    Color color = type == 3 ? FIELDS[3] : vegetation(FIELDS[type]);
    double turn = noise.lattice(column + 31, row);
    double across = turn > 0 ? u : v;
    double stripes = noise.at(across / (1.6 * z), row * 3.7 + column);
    return color.scaled(1 + (type == 1 ? 0.02 : 0.08) * stripes);
  }

  private Color vegetation(Color color) {
    double s = day.season();
    return s < 0 ? color.mixed(DRY, -0.5 * s) : color.mixed(LUSH, 0.5 * s);
  }

  private Color paving(double x, double y, Color below) {
    return CONCRETE.scaled(1 + 0.06 * noise.octaves(x / 5, y / 5 + 90, 3));
  }

  private void bareGround(Building building) {
    Outline ragged = (x, y) -> building.distance(x, y) + 2.5 * noise.at(x / 4, y / 4 + 700) - 1;
    Paint soil =
        (x, y, below) ->
            below.mixed(SOIL.scaled(1 + 0.2 * noise.octaves(x / 5, y / 5 + 800, 3)), 0.8);
    Block main = building.main();
    fill(main.x(), main.y(), building.reach() + 4, ragged, soil);
  }

  private void paintRoad(Road road) {
    double half = road.halfWidth();
    Paint surface =
        (x, y, below) -> {
          double off = scene.offRoad(road, x, y);
          double along = road.alongU() ? scene.u(x, y) : scene.v(x, y);
          double wear = noise.octaves(x / 14 + 40, y / 14 + 40, 3);
          Color color = ASPHALT.scaled(1 + 0.07 * wear - 0.04 * Math.abs(off - half / 2) / half);
          double dash = along / (9 * scene.zoom);
          boolean line = half > 3.6 * scene.zoom && off < 0.45 && dash - Math.floor(dash) < 0.5;
          boolean kerb = off > half - 0.9 && scene.kind != Kind.COUNTRY;
          return line || kerb ? color.mixed(CONCRETE, line ? 0.6 : 0.55) : color;
        };
    fill(0, 0, size, (x, y) -> outsideRoad(road, x, y), surface);
  }

  private double outsideRoad(Road road, double x, double y) {
    double across = (road.alongU() ? scene.v(x, y) : scene.u(x, y)) - road.position();
    double least = Math.abs(across) - road.bend() - road.halfWidth();
    return least > 1 ? least : scene.offRoad(road, x, y) - road.halfWidth();
  }

  private void paintCars() {
    double z = scene.zoom;
    for (Road road : scene.roads) {
      int cars = random.nextInt(5);
      for (int i = 0; i < cars; i++) {
        double t = random.uniform(-0.7, 0.7) * size;
        double lane = road.halfWidth() * (random.nextDouble() < 0.5 ? -0.5 : 0.5);
        double level = random.uniform(0, 1);
        double hue = random.nextDouble();
        double u = road.alongU() ? t : road.center(t) + lane;
        double v = road.alongU() ? road.center(t) + lane : t;
        Block car =
            new Block(
                u * scene.cos - v * scene.sin,
                u * scene.sin + v * scene.cos,
                road.alongU() ? scene.cos : -scene.sin,
                road.alongU() ? scene.sin : scene.cos,
                2.3 * z,
                1.1 * z);
        double grey = 40 + 200 * level;
        Color color =
            hue < 0.2
                ? new Color(150, 50, 46)
                : hue < 0.35 ? new Color(60, 80, 130) : new Color(grey, grey, grey);
        if (present(road.fate())) {
          fill(car.x(), car.y(), car.reach(), car::distance, (x, y, below) -> color);
        }
      }
    }
  }

  /** Fills {@link #light} with the part of the sunlight that reaches the ground, and applies it. */
  private void castShadows() {
    Arrays.fill(light, 1);
    for (Lot lot : scene.lots) {
      if (present(lot.fate())) {
        Building building = after ? lot.after() : lot.before();
        shade(
            building.main().x(),
            building.main().y(),
            building.reach(),
            building.height(),
            building::distance);
      }
    }
    for (Tree tree : scene.trees) {
      if (present(tree.fate())) {
        Outline disc = (x, y) -> length(x - tree.x(), y - tree.y()) - tree.radius();
        shade(tree.x(), tree.y(), tree.radius(), tree.radius() * 1.1, disc);
      }
    }
    for (int i = 0; i < light.length; i++) {
      red[i] *= light[i];
      green[i] *= light[i];
      // Shadows get their light from the sky.
      blue[i] *= 1 - (1 - light[i]) * 0.86;
    }
  }

  private void shade(double x, double y, double reach, double height, Outline outline) {
    double dx = day.sunX() * height;
    double dy = day.sunY() * height;
    int steps = Math.max(1, (int) (length(dx, dy) / 0.9));
    Outline swept =
        (px, py) -> {
          double d = Double.POSITIVE_INFINITY;
          for (int i = 0; i <= steps && d > -0.5; i++) {
            double t = (double) i / steps;
            double sx = px - t * dx;
            double sy = py - t * dy;
            // Most pixels are too far away to be worth the exact distance.
            if (length(sx - x, sy - y) < reach + 1) {
              d = Math.min(d, outline.distance(sx, sy));
            }
          }
          return d;
        };
    double margin = reach + length(dx, dy);
    forEachCovered(
        x,
        y,
        margin,
        swept,
        (i, px, py, coverage) -> light[i] = Math.min(light[i], 1 - coverage * (1 - day.shadow())));
  }

  private void paintBuilding(Building building) {
    double leanX = day.leanX() * building.height();
    double leanY = day.leanY() * building.height();
    double length = length(day.sunX(), day.sunY());
    RoofPaint paint = new RoofPaint(building, -day.sunX() / length, -day.sunY() / length);
    for (Block block : building.blocks()) {
      fill(
          block.x() + leanX,
          block.y() + leanY,
          block.reach(),
          (x, y) -> block.distance(x - leanX, y - leanY),
          (x, y, below) -> paint.at(block, x - leanX, y - leanY));
    }
  }

  private double crown(Tree tree, double x, double y) {
    double dx = x - tree.x();
    double dy = y - tree.y();
    double wobble = 0.32 * tree.radius() * noise.octaves(x / 3 + 900, y / 3, 2);
    return length(dx, dy) - tree.radius() + wobble;
  }

  private void paintTree(Tree tree) {
    Color base = vegetation(CROWN.mixed(GRASS, 0.22 + 0.2 * tree.tone()));
    double length = length(day.sunX(), day.sunY());
    Paint leaves =
        (x, y, below) -> {
          double towards =
              -((x - tree.x()) * day.sunX() + (y - tree.y()) * day.sunY())
                  / (length * tree.radius());
          double leaf = noise.octaves(x / 2.4 + 500, y / 2.4, 2);
          return base.scaled(0.95 + 0.28 * towards + 0.3 * leaf);
        };
    fill(tree.x(), tree.y(), tree.radius() * 1.4, (x, y) -> crown(tree, x, y), leaves);
  }

  private static double length(double x, double y) {
    return Math.sqrt(x * x + y * y);
  }

  private void put(int i, Color color, double coverage) {
    red[i] += (color.r() - red[i]) * coverage;
    green[i] += (color.g() - green[i]) * coverage;
    blue[i] += (color.b() - blue[i]) * coverage;
  }

  private void fill(double x, double y, double reach, Outline outline, Paint paint) {
    forEachCovered(
        x,
        y,
        reach,
        outline,
        (i, px, py, coverage) ->
            put(i, paint.at(px, py, new Color(red[i], green[i], blue[i])), coverage));
  }

  private interface PixelVisitor {
    void visit(int index, double x, double y, double coverage);
  }

  /** Visits the pixels that a shape around (x, y) covers at least partly. */
  private void forEachCovered(
      double x, double y, double reach, Outline outline, PixelVisitor visitor) {
    double centerX = x + size / 2.0 + day.shiftX();
    double centerY = y + size / 2.0 + day.shiftY();
    int left = Math.clamp((long) Math.floor(centerX - reach - 1), 0, size);
    int right = Math.clamp((long) Math.ceil(centerX + reach + 1), 0, size);
    int top = Math.clamp((long) Math.floor(centerY - reach - 1), 0, size);
    int bottom = Math.clamp((long) Math.ceil(centerY + reach + 1), 0, size);
    for (int py = top; py < bottom; py++) {
      for (int px = left; px < right; px++) {
        double wx = worldX(px);
        double wy = worldY(py);
        double coverage = Math.clamp(0.5 - outline.distance(wx, wy), 0.0, 1.0);
        if (coverage > 0) {
          visitor.visit(py * size + px, wx, wy, coverage);
        }
      }
    }
  }
}
