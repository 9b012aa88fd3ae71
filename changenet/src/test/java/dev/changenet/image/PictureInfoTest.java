package dev.changenet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PictureInfoTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "rgb.png, PNG, 3, 8, false",
    "rgb.bmp, BMP, 3, 8, false",
    "rgb.tif, TIFF, 3, 8, false",
    "rgb_lzw.tif, TIFF, 3, 8, false",
    "rgba.png, PNG, 4, 8, false",
    "rgba.tif, TIFF, 4, 8, false",
    "rgb16.png, PNG, 3, 16, false",
    "grey.png, PNG, 1, 8, false",
    "grey.tif, TIFF, 1, 8, false",
    "grey.jpg, JPEG, 1, 8, false",
    "grey16.png, PNG, 1, 16, false",
    "grey2.png, PNG, 1, 2, false",
    "grey_alpha.png, PNG, 2, 8, false",
    "palette8.png, PNG, 1, 8, true",
    "palette.gif, GIF, 1, 8, true",
    "palette.tif, TIFF, 1, 8, true",
    "bilevel.png, PNG, 1, 1, false",
    "rgb.jpg, JPEG, 3, 8, false",
    "progressive.jpg, JPEG, 3, 8, false",
    "cmyk.jpg, JPEG, 4, 8, false"
  })
  void theHeaderSaysWhatIsStored(
      String name, String format, int channels, int bits, boolean palette) {
    Path file = fixture(name);
    PictureInfo info = PictureInfo.read(file);
    RgbImage decoded = ImageReader.readRgb(file);
    assertThat(info)
        .isEqualTo(
            new PictureInfo(format, decoded.width(), decoded.height(), channels, bits, palette));
  }

  @ParameterizedTest
  @CsvSource({"rgb.png", "rgb.jpg", "grey.png", "progressive.jpg"})
  void aMissingEndIsNoticedWithoutDecoding(String name) throws IOException {
    byte[] whole = Files.readAllBytes(fixture(name));
    for (int bytes : new int[] {20, whole.length / 2, whole.length - 1}) {
      Path cut = folder.resolve(name);
      Files.write(cut, Arrays.copyOf(whole, bytes));
      assertThatThrownBy(() -> PictureInfo.read(cut)).isInstanceOf(DamagedPictureException.class);
    }
  }

  @Test
  void whatIsNoPictureIsNotDamaged() throws IOException {
    Path text = Files.writeString(folder.resolve("x.png"), "hello");
    assertThatThrownBy(() -> PictureInfo.read(text))
        .isExactlyInstanceOf(DataException.class)
        .hasMessageContaining("it looks like text");
    assertThat(ImageFormat.describe(new byte[0])).isEqualTo("it is empty");
    assertThatThrownBy(() -> PictureInfo.read(folder))
        .isExactlyInstanceOf(DataException.class)
        .hasMessageContaining("is a folder");
    assertThatThrownBy(() -> PictureInfo.read(folder.resolve("none.png")))
        .isExactlyInstanceOf(DataException.class);
  }

  private static Path fixture(String name) {
    try {
      return Path.of(PictureInfoTest.class.getResource("/image/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
