package dev.changenet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageWriterTest {
  @TempDir Path folder;

  @Test
  void pngFilesGiveTheSamePixelsBack() {
    RgbImage image = gradient(37, 11);
    Path path = folder.resolve("deep/er/x.png");
    ImageWriter.writePng(path, image);
    assertThat(ImageReader.readRgb(path).pixels()).isEqualTo(image.pixels());
    Mask mask = new Mask(3, 2, new byte[] {0, 1, 2, 127, -128, -1});
    ImageWriter.writePng(folder.resolve("m.png"), mask);
    assertThat(ImageReader.readMask(folder.resolve("m.png")).values()).isEqualTo(mask.values());
  }

  /** Also where the palette looks like grey levels, which could be stored without it. */
  @ParameterizedTest
  @ValueSource(ints = {2, 4, 5, 16, 255})
  void palettePicturesKeepTheValuesAndShowTheColours(int colors) throws IOException {
    int[][] palette = new int[colors][];
    byte[] values = new byte[colors * 2];
    for (int i = 0; i < colors; i++) {
      int grey = 255 * i / (colors - 1);
      palette[i] = colors == 5 ? new int[] {i, 200, 255 - i} : new int[] {grey, grey, grey};
      values[i] = (byte) i;
      values[2 * colors - 1 - i] = (byte) i;
    }
    Path path = folder.resolve("ids.png");

    ImageWriter.writePng(path, new Mask(colors, 2, values), palette);

    assertThat(ImageReader.readMask(path).values()).isEqualTo(values);
    BufferedImage image = ImageIO.read(path.toFile());
    assertThat(image.getColorModel()).isInstanceOf(IndexColorModel.class);
    for (int i = 0; i < colors; i++) {
      assertThat(image.getRaster().getSample(i, 0, 0)).isEqualTo(i);
      assertThat(image.getRGB(i, 0) & 0xFFFFFF)
          .isEqualTo(palette[i][0] << 16 | palette[i][1] << 8 | palette[i][2]);
    }
    // Bit depth 8 and colour type 3 of the header.
    byte[] file = Files.readAllBytes(path);
    assertThat(file[24]).isEqualTo((byte) 8);
    assertThat(file[25]).isEqualTo((byte) 3);
  }

  @Test
  void aValueWithoutColourIsRefused() {
    Path path = folder.resolve("ids.png");
    Mask mask = new Mask(1, 1, new byte[] {2});
    int[][] palette = {{0, 0, 0}, {1, 1, 1}};

    assertThatThrownBy(() -> ImageWriter.writePng(path, mask, palette))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("value 2 has no colour among 2");
    assertThat(path).doesNotExist();
  }

  @Test
  void grey16FilesKeepAllBits() throws IOException {
    short[] values = {0, 1, 255, 256, 32767, (short) 32768, (short) 65534, (short) 65535};
    Path path = folder.resolve("grey.png");

    ImageWriter.writeGrey16(path, 4, 2, values);

    BufferedImage image = ImageIO.read(path.toFile());
    assertThat(image.getType()).isEqualTo(BufferedImage.TYPE_USHORT_GRAY);
    for (int i = 0; i < values.length; i++) {
      assertThat(image.getRaster().getSample(i % 4, i / 4, 0)).isEqualTo(values[i] & 0xFFFF);
    }
    assertThat(ImageReader.size(path)).isEqualTo(new ImageReader.Size(4, 2));
  }

  @Test
  void jpegFilesStayCloseAndKeepSharpColourBorders() {
    RgbImage image = RgbImage.black(32, 32);
    for (int i = 0; i < 32 * 32; i++) {
      image.pixels()[3 * i + (i % 32 < 15 ? 0 : 2)] = (byte) 230;
    }
    Path path = folder.resolve("x.jpg");
    ImageWriter.writeJpeg(path, image, 0.95f);
    RgbImage back = ImageReader.readRgb(path);
    for (int i = 0; i < image.pixels().length; i++) {
      assertThat(Math.abs((image.pixels()[i] & 0xFF) - (back.pixels()[i] & 0xFF))).isLessThan(30);
    }
  }

  @Test
  void filesAreReplacedWholeAndNothingElseIsLeft() throws IOException {
    Path path = folder.resolve("x.png");
    ImageWriter.writePng(path, gradient(4, 4));
    ImageWriter.writePng(path, gradient(9, 4));
    assertThat(ImageReader.readRgb(path).width()).isEqualTo(9);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(path);
    }
  }

  @Test
  void anUnwritablePlaceIsNamed() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    Path below = file.resolve("x.png");
    assertThatThrownBy(() -> ImageWriter.writePng(below, gradient(2, 2)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(below.toString())
        .hasMessageContaining("cannot be written");
  }

  private static RgbImage gradient(int width, int height) {
    RgbImage image = RgbImage.black(width, height);
    for (int i = 0; i < image.pixels().length; i++) {
      image.pixels()[i] = (byte) (i * 7);
    }
    return image;
  }
}
