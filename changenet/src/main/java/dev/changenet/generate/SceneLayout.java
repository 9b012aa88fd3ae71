package dev.changenet.generate;

import dev.changenet.generate.Building.Roof;
import dev.changenet.nn.random.RandomStream;
import java.util.ArrayList;
import java.util.List;

/**
 * What stands where in one scene, at both dates. Coordinates are pixels, the origin is the centre
 * of the picture.
 */
final class SceneLayout {
  /** What happened to a building, a road or a tree between the dates. */
  enum Fate {
    KEPT,
    NEW,
    GONE,
    REBUILT;

    boolean before() {
      return this != NEW;
    }

    boolean after() {
      return this != GONE;
    }
  }

  enum Kind {
    SUBURB,
    INDUSTRY,
    COUNTRY
  }

  /** A building lot; where nothing was rebuilt, {@code before} and {@code after} are the same. */
  record Lot(Building before, Building after, Fate fate, Block drive) {}

  /** A road along the grid's u axis (or v axis) at {@code position} on the other axis. */
  record Road(
      boolean alongU, double position, double halfWidth, double bend, ValueNoise noise, Fate fate) {
    double center(double t) {
      return position + bend * noise.at(t / 140.0, 0.5);
    }
  }

  /** A tree crown; {@code tone} −1 dark … 1 light. */
  record Tree(double x, double y, double radius, double tone, Fate fate, boolean cleared) {}

  private static final Color[] PITCHED = {
    new Color(158, 92, 70),
    new Color(140, 84, 66),
    new Color(122, 96, 80),
    new Color(128, 128, 132),
    new Color(92, 92, 98),
    new Color(150, 140, 128)
  };
  private static final Color[] FLAT = {
    new Color(206, 204, 198),
    new Color(228, 226, 220),
    new Color(172, 172, 172),
    new Color(112, 128, 150),
    new Color(138, 150, 140),
    new Color(148, 138, 126)
  };

  final Kind kind;
  final double cos;
  final double sin;
  final double zoom;
  final List<Road> roads = new ArrayList<>();
  final List<Lot> lots = new ArrayList<>();
  final List<Tree> trees = new ArrayList<>();

  private final RandomStream random;
  private final double extent;
  private final int classes;
  private final double changeLevel;

  SceneLayout(RandomStream random, int size, int classes) {
    this.random = random;
    this.classes = classes;
    double angle = StrictMath.toRadians(random.uniform(-45, 45));
    this.cos = StrictMath.cos(angle);
    this.sin = StrictMath.sin(angle);
    // Small pictures show smaller houses, so that there is still more than one of them.
    this.zoom = Math.clamp(Math.sqrt(size / 256.0), 0.5, 1.6);
    this.extent = size * 0.75;
    double k = random.nextDouble();
    this.kind = k < 0.55 ? Kind.SUBURB : k < 0.78 ? Kind.INDUSTRY : Kind.COUNTRY;
    double level = random.nextDouble();
    this.changeLevel = level < 0.1 ? 0 : level < 0.5 ? 0.7 : 1.5;
    drawRoads();
    drawLots();
    drawTrees();
  }

  double u(double x, double y) {
    return x * cos + y * sin;
  }

  double v(double x, double y) {
    return y * cos - x * sin;
  }

  /** Distance from the middle line of {@code road} in pixels. */
  double offRoad(Road road, double x, double y) {
    double u = u(x, y);
    double v = v(x, y);
    return road.alongU ? Math.abs(v - road.center(u)) : Math.abs(u - road.center(v));
  }

  private void drawRoads() {
    double spacingV =
        zoom
            * switch (kind) {
              case SUBURB -> random.uniform(70, 84);
              case INDUSTRY -> random.uniform(96, 124);
              case COUNTRY -> 5000;
            };
    double spacingU =
        zoom
            * switch (kind) {
              case SUBURB -> random.uniform(150, 230);
              case INDUSTRY -> random.uniform(170, 260);
              case COUNTRY -> 5000;
            };
    addRoads(true, spacingV);
    addRoads(false, spacingU);
    boolean newRoad = classes == 5 && random.nextDouble() < 0.35 && changeLevel > 0;
    if (newRoad) {
      double at = random.uniform(-0.4, 0.4) * extent;
      ValueNoise straight = new ValueNoise(0);
      roads.add(new Road(random.nextDouble() < 0.5, at, 3.2 * zoom, 0, straight, Fate.NEW));
    }
  }

  private void addRoads(boolean alongU, double spacing) {
    double bend = zoom * (kind == Kind.COUNTRY ? 40 : random.uniform(0, 9));
    ValueNoise noise = new ValueNoise(random.nextLong());
    double width = zoom * random.uniform(3.2, 5.2);
    if (kind == Kind.COUNTRY) {
      if (alongU || random.nextDouble() < 0.35) {
        double at = random.uniform(-0.35, 0.35) * extent;
        roads.add(new Road(alongU, at, width, bend, noise, Fate.KEPT));
      }
      return;
    }
    for (double p = -extent - random.uniform(0, spacing); p < extent + spacing; p += spacing) {
      roads.add(new Road(alongU, p, width, bend, noise, Fate.KEPT));
    }
  }

  private void drawLots() {
    List<Road> fronts = roads.stream().filter(Road::alongU).toList();
    for (Road road : fronts) {
      if (road.fate == Fate.KEPT) {
        drawRow(road, 1);
        drawRow(road, -1);
      }
    }
  }

  /** Puts a row of buildings beside a road. */
  private void drawRow(Road road, int side) {
    double u = -extent - random.uniform(0, 20);
    while (u < extent) {
      double along;
      double across;
      double gap;
      boolean taken;
      switch (kind) {
        case SUBURB -> {
          along = random.uniform(9.5, 15);
          across = random.uniform(7.5, 11);
          gap = random.uniform(3, 9);
          taken = random.nextDouble() < 0.88;
        }
        case INDUSTRY -> {
          along = random.uniform(14, 32);
          across = random.uniform(11, 20);
          gap = random.uniform(6, 14);
          taken = random.nextDouble() < 0.85;
        }
        default -> {
          along = random.uniform(11, 22);
          across = random.uniform(8, 12);
          gap = random.uniform(10, 40);
          taken = random.nextDouble() < 0.75;
        }
      }
      along *= zoom;
      across *= zoom;
      u += along;
      double setback = zoom * (random.uniform(4, 10) + (kind == Kind.COUNTRY ? 6 : 0));
      double v = road.center(u) + side * (road.halfWidth + setback + across);
      if (taken) {
        addLot(road, u, v, along, across);
      }
      u += along + gap * zoom;
    }
  }

  private void addLot(Road road, double u, double v, double along, double across) {
    double x = u * cos - v * sin;
    double y = u * sin + v * cos;
    double turn = StrictMath.toRadians(random.uniform(-4, 4));
    double c = cos * StrictMath.cos(turn) - sin * StrictMath.sin(turn);
    double s = sin * StrictMath.cos(turn) + cos * StrictMath.sin(turn);
    Block main = new Block(x, y, c, s, along, across);
    Building building = draw(main);
    Building rebuilt = draw(grown(main));
    Fate fate = drawFate();
    double reach = Math.max(building.reach(), rebuilt.reach());
    if (Math.abs(x) > extent || Math.abs(y) > extent || blocked(building, rebuilt, reach)) {
      return;
    }
    double toRoad = road.center(u) - v;
    Block drive =
        main.relative(
            random.uniform(-0.6, 0.6) * along, toRoad / 2, 2.2 * zoom, Math.abs(toRoad) / 2);
    lots.add(new Lot(building, fate == Fate.REBUILT ? rebuilt : building, fate, drive));
  }

  private Block grown(Block main) {
    return main.relative(
        random.uniform(-2, 2) * zoom,
        random.uniform(-1, 1) * zoom,
        main.along() * random.uniform(1.0, 1.25),
        main.across() * random.uniform(0.75, 1.2));
  }

  private Fate drawFate() {
    double r = random.nextDouble();
    // Few buildings stand in the country, so more of them must change for the scene to show any.
    double level = kind == Kind.SUBURB ? changeLevel : 1.3 * changeLevel;
    double born = 0.2 * level;
    double gone = born + 0.1 * level;
    double rebuilt = gone + (classes == 3 ? 0 : 0.06 * level);
    return r < born ? Fate.NEW : r < gone ? Fate.GONE : r < rebuilt ? Fate.REBUILT : Fate.KEPT;
  }

  private boolean blocked(Building a, Building b, double reach) {
    for (Road road : roads) {
      for (Building building : List.of(a, b)) {
        for (Block block : building.blocks()) {
          double half = Math.max(block.along(), block.across());
          double needed = road.halfWidth + 1.5 * zoom + (road.alongU ? block.across() : half);
          if (offRoad(road, block.x(), block.y()) < needed) {
            return true;
          }
        }
      }
    }
    for (Lot lot : lots) {
      double other = Math.max(lot.before.reach(), lot.after.reach());
      double dx = lot.before.main().x() - a.main().x();
      double dy = lot.before.main().y() - a.main().y();
      if (dx * dx + dy * dy < square((reach + other) * 0.82)) {
        return true;
      }
    }
    return false;
  }

  private Building draw(Block main) {
    List<Block> blocks = new ArrayList<>();
    blocks.add(main);
    boolean industry = kind == Kind.INDUSTRY;
    double wing = random.nextDouble();
    if (wing < (industry ? 0.3 : 0.45)) {
      double along = main.along() * random.uniform(0.35, 0.5);
      double across = main.across() * random.uniform(0.5, 0.75);
      double du = (main.along() - along) * (random.nextDouble() < 0.5 ? -1 : 1);
      double dv = main.across() * (random.nextDouble() < 0.5 ? -1 : 1);
      // The wing's ridge runs across the main ridge.
      Block b = main.relative(du, dv, along, across);
      blocks.add(across >= along ? new Block(b.x(), b.y(), -b.sin(), b.cos(), across, along) : b);
    }
    boolean flat = random.nextDouble() < (industry ? 0.8 : 0.12);
    Roof roof = flat ? Roof.FLAT : random.nextDouble() < 0.5 ? Roof.GABLE : Roof.HIP;
    Color[] palette = flat ? FLAT : PITCHED;
    Color color = palette[random.nextInt(palette.length)].scaled(random.uniform(0.88, 1.12));
    double height = zoom * (industry ? random.uniform(5, 10) : random.uniform(4, 7.5));
    return new Building(blocks, roof, color, height, random.nextLong());
  }

  private void drawTrees() {
    double area = square(2 * extent / zoom);
    double density =
        switch (kind) {
          case SUBURB -> random.uniform(0.0007, 0.002);
          case INDUSTRY -> random.uniform(0.0002, 0.0008);
          case COUNTRY -> random.uniform(0.0004, 0.0012);
        };
    int single = (int) (area * density);
    for (int i = 0; i < single; i++) {
      addTree(random.uniform(-extent, extent), random.uniform(-extent, extent), false);
    }
    int clumps = (int) (area * 0.00002) + random.nextInt(3);
    for (int i = 0; i < clumps; i++) {
      double x = random.uniform(-extent, extent);
      double y = random.uniform(-extent, extent);
      double spread = zoom * random.uniform(8, 26);
      boolean cleared = classes == 5 && changeLevel > 0 && random.nextDouble() < 0.25;
      int count = 8 + random.nextInt(30);
      for (int k = 0; k < count; k++) {
        addTree(x + spread * random.nextGaussian(), y + spread * random.nextGaussian(), cleared);
      }
    }
  }

  private void addTree(double x, double y, boolean cleared) {
    double radius = zoom * random.uniform(2.2, 5.8);
    double tone = random.uniform(-1, 1);
    double r = random.nextDouble();
    for (Road road : roads) {
      if (offRoad(road, x, y) < road.halfWidth + radius * 0.7) {
        return;
      }
    }
    for (Lot lot : lots) {
      if (Math.min(lot.before.distance(x, y), lot.after.distance(x, y)) < radius * 0.6
          || lot.drive.distance(x, y) < radius * 0.6) {
        return;
      }
    }
    // Single trees come and go without counting as change, as in real labels.
    Fate fate = cleared || r < 0.03 ? Fate.GONE : r < 0.06 ? Fate.NEW : Fate.KEPT;
    trees.add(new Tree(x, y, radius, tone, fate, cleared));
  }

  private static double square(double v) {
    return v * v;
  }
}
