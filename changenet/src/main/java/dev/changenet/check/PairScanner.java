package dev.changenet.check;

import dev.changenet.check.CheckSettings.Depth;
import dev.changenet.check.FileFacts.State;
import dev.changenet.image.DamagedPictureException;
import dev.changenet.image.DataException;
import dev.changenet.image.ImageReader;
import dev.changenet.image.Mask;
import dev.changenet.image.PictureInfo;
import dev.changenet.image.RgbImage;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.function.Consumer;

/** Reads the files of a pair and keeps facts, not pictures. */
final class PairScanner {
  private final CheckSettings settings;
  private final ShiftEvidence shifts;

  PairScanner(CheckSettings settings, ShiftEvidence shifts) {
    this.settings = settings;
    this.shifts = shifts;
  }

  /**
   * @param index place of the pair among all
   */
  void scan(PairFacts pair, int index) {
    if (pair.wantsHeaders) {
      header(pair.a);
      header(pair.b);
      if (pair.needsMask()) {
        header(pair.mask);
      }
    }
    if (pair.wantsMask && pair.mask.readable()) {
      DecodingMemory.with(bytes(pair.mask), () -> mask(pair));
    }
    if (settings.depth() == Depth.FULL) {
      DecodingMemory.with(Math.max(bytes(pair.a), bytes(pair.b)), () -> pictures(pair, index));
    }
  }

  private static void header(FileFacts file) {
    if (file.state != State.UNREAD) {
      return;
    }
    guarded(
        file,
        () -> {
          if (!Files.exists(file.path)) {
            file.state = State.MISSING;
          } else if (Files.isRegularFile(file.path) && Files.size(file.path) == 0) {
            file.state = State.EMPTY;
          } else {
            file.info = PictureInfo.read(file.path);
            file.state = State.READABLE;
          }
        });
  }

  private interface Reading {
    void run() throws IOException;
  }

  private static void guarded(FileFacts file, Reading reading) {
    try {
      reading.run();
    } catch (DamagedPictureException e) {
      file.state = State.DAMAGED;
      file.problem = e.getMessage();
    } catch (DataException e) {
      file.state = State.UNREADABLE;
      file.problem = e.getMessage();
    } catch (IOException e) {
      file.state = State.UNREADABLE;
      file.problem = "the file cannot be read (" + IoProblem.of(e) + ")";
    }
  }

  private void mask(PairFacts pair) {
    guarded(
        pair.mask,
        () -> {
          if (pair.mask.info.channels() != 1) {
            if (pair.mask.info.bits() > 8) {
              throw new DataException(
                  pair.mask.path
                      + ": "
                      + pair.mask.info.channels()
                      + " channels of "
                      + pair.mask.info.bits()
                      + " bits");
            }
            pair.values = MaskFacts.of(ImageReader.readRgb(pair.mask.path), settings.colors());
            return;
          }
          Mask mask = ImageReader.readMask(pair.mask.path);
          pair.values = MaskFacts.of(mask);
          if (pair.mask.info.palette() && !settings.colors().isEmpty()) {
            RgbImage shown = ImageReader.readRgb(pair.mask.path);
            pair.paletteContradicts = contradicts(mask, shown);
          }
        });
    if (pair.mask.state == State.UNREADABLE && pair.mask.info.bits() > 8) {
      pair.mask.state = State.TOO_DEEP;
    }
  }

  private boolean contradicts(Mask mask, RgbImage shown) {
    for (int i = 0; i < mask.values().length; i++) {
      int x = i % mask.width();
      int y = i / mask.width();
      int id =
          settings
              .colors()
              .indexOf(List.of(shown.get(x, y, 0), shown.get(x, y, 1), shown.get(x, y, 2)));
      if (id >= 0 && id != mask.get(x, y)) {
        return true;
      }
    }
    return false;
  }

  private void pictures(PairFacts pair, int index) {
    GreyImage a = grey(pair.a, facts -> pair.pictureA = facts);
    GreyImage b = grey(pair.b, facts -> pair.pictureB = facts);
    if (shifts.wants(index)
        && a != null
        && b != null
        && a.width() == b.width()
        && a.height() == b.height()) {
      shifts.add(pair, index, PhaseCorrelation.between(a, b));
    }
  }

  private static long bytes(FileFacts file) {
    return file.readable() ? DecodingMemory.bytes(file.info) : 0;
  }

  private static GreyImage grey(FileFacts file, Consumer<PictureFacts> keep) {
    RgbImage image = read(file);
    if (image == null) {
      return null;
    }
    GreyImage grey = GreyImage.of(image);
    keep.accept(PictureFacts.of(image, grey));
    return grey;
  }

  private static RgbImage read(FileFacts file) {
    RgbImage[] image = new RgbImage[1];
    if (file.readable()) {
      guarded(file, () -> image[0] = ImageReader.readRgb(file.path));
    }
    return image[0];
  }
}
