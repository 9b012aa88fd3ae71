package dev.changenet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
