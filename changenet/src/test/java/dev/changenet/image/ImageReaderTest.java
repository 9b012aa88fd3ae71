package dev.changenet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The fixtures' expected pictures were written by Pillow 12.3. */
class ImageReaderTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rgb.png",
        "rgb.bmp",
        "rgb.tif",
        "rgb_lzw.tif",
        "rgb_deflate.tif",
        "rgba.png",
        "rgba.tif",
        "rgb16.png",
        "grey.png",
        "grey.tif",
        "grey.bmp",
        "grey.jpg",
        "grey16.png",
        "grey2.png",
        "grey4.png",
        "grey_alpha.png",
        "palette.png",
        "palette8.png",
        "palette.bmp",
        "palette.gif",
        "bilevel.png",
        "bilevel.tif",
        "bilevel.bmp",
        "cmyk.tif"
      })
  void picturesBecomeTheRgbThatPillowMakesOfThem(String name) {
    RgbImage image = ImageReader.readRgb(fixture(name));
    RgbImage expected = ImageReader.readRgb(fixture(name + ".expected.png"));
    assertThat(image.width()).isEqualTo(21);
    assertThat(image.height()).isEqualTo(13);
    assertThat(image.pixels()).isEqualTo(expected.pixels());
  }

  @ParameterizedTest
  @CsvSource({"rgb.jpg,2", "progressive.jpg,2", "rgb420.jpg,12", "cmyk.jpg,3", "palette.tif,1"})
  void otherPicturesDifferFromPillowByRoundingOnly(String name, int tolerance) {
    byte[] image = ImageReader.readRgb(fixture(name)).pixels();
    byte[] expected = ImageReader.readRgb(fixture(name + ".expected.png")).pixels();
    for (int i = 0; i < image.length; i++) {
      assertThat(Math.abs((image[i] & 0xFF) - (expected[i] & 0xFF))).isLessThanOrEqualTo(tolerance);
    }
  }

  @Test
  void masksAreStoredValuesAndPaletteIndices() {
    assertThat(ImageReader.readMask(fixture("grey.png")).values())
        .isEqualTo(red("grey.png.expected.png"));
    assertThat(ImageReader.readMask(fixture("grey.tif")).values())
        .isEqualTo(red("grey.png.expected.png"));
    assertThat(ImageReader.readMask(fixture("grey2.png")).values())
        .isEqualTo(red("grey2.png.expected.png"));
    assertThat(ImageReader.readMask(fixture("grey4.png")).values())
        .isEqualTo(red("grey4.png.expected.png"));
    byte[] palette = ImageReader.readMask(fixture("palette.png")).values();
    for (byte index : palette) {
      assertThat((int) index).isBetween(0, 15);
    }
    assertThat(palette).isNotEqualTo(red("palette.png.expected.png"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bilevel.png", "bilevel.tif"})
  void bilevelMasksAreZeroAndOne(String name) {
    byte[] shown = red(name + ".expected.png");
    byte[] values = ImageReader.readMask(fixture(name)).values();
    for (int i = 0; i < values.length; i++) {
      assertThat((int) values[i]).isEqualTo(shown[i] == 0 ? 0 : 1);
    }
  }

  /** As many libraries write a mask whose class 0 shall be transparent. */
  @Test
  void bilevelMasksWithATransparentColourAreZeroAndOneToo() throws IOException {
    byte[] plain = png(8, 2, 1, 0, new byte[] {0, (byte) 0b10110001, 0, 0b01111110});
    int header = 8 + 25;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(plain, 0, header);
    out.write(chunk("tRNS", new byte[2]));
    out.write(plain, header, plain.length - header);
    Path file = Files.write(folder.resolve("mask.png"), out.toByteArray());
    assertThat(ImageReader.readMask(file).values())
        .containsExactly(1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0);
  }

  /** 5 bits of red, 6 of green, 5 of blue; Pillow spreads each over 0 to 255, rounded down. */
  @Test
  void sixteenBitBmpIsSpreadOverTheBytes() throws IOException {
    ByteBuffer bmp = ByteBuffer.allocate(66 + 8).order(ByteOrder.LITTLE_ENDIAN);
    bmp.put((byte) 'B').put((byte) 'M').putInt(74).putInt(0).putInt(66);
    bmp.putInt(40).putInt(2).putInt(2).putShort((short) 1).putShort((short) 16).putInt(3);
    bmp.putInt(8).putInt(0).putInt(0).putInt(0).putInt(0);
    bmp.putInt(0xF800).putInt(0x07E0).putInt(0x001F);
    // From the bottom row up: red, green; blue, a mixture.
    bmp.putShort((short) (31 << 11)).putShort((short) (63 << 5));
    bmp.putShort((short) 31).putShort((short) (10 << 11 | 20 << 5 | 30));
    Path file = Files.write(folder.resolve("a.bmp"), bmp.array());
    byte[] expected = {0, 0, -1, 82, 80, (byte) 246, -1, 0, 0, 0, -1, 0};
    assertThat(ImageReader.readRgb(file).pixels()).containsExactly(expected);
  }

  @Test
  void sixteenBitMasksWithSmallValuesAreAccepted() {
    Mask mask = ImageReader.readMask(fixture("grey16_small.png"));
    assertThat(mask.get(4, 3)).isEqualTo(7 % 3);
    assertThatThrownBy(() -> ImageReader.readMask(fixture("grey16.png")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("grey16.png: mask value ")
        .hasMessageContaining("does not fit in 8 bits");
  }

  @ParameterizedTest
  @CsvSource({
    "rgb.png,3",
    "rgba.png,4",
    "grey_alpha.png,2",
    "rgb.jpg,3",
    "cmyk.tif,4",
    "rgb.bmp,3"
  })
  void masksWithSeveralChannelsAreRefused(String name, int channels) {
    assertThatThrownBy(() -> ImageReader.readMask(fixture(name)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(name)
        .hasMessageContaining("one channel (grey or palette), this file has " + channels);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rgb.png",
        "palette.png",
        "rgb.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "grey.jpg",
        "rgb.bmp",
        "palette.gif",
        "rgb.tif",
        "rgb_lzw.tif",
        "rgb_deflate.tif"
      })
  void aFileCutAnywhereIsAnErrorNotHalfAPicture(String name) throws IOException {
    byte[] whole = Files.readAllBytes(fixture(name));
    for (int k = 1; k < 20; k++) {
      Path cut = folder.resolve(k + name);
      Files.write(cut, Arrays.copyOf(whole, Math.max(1, whole.length * k / 20)));
      assertThatThrownBy(() -> ImageReader.readRgb(cut))
          .as(name + " cut at " + k + "/20")
          .isInstanceOf(DataException.class)
          .hasMessageContaining(cut.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"rgb.jpg", "rgb.png", "rgb420.jpg"})
  void theLastByteCounts(String name) throws IOException {
    byte[] whole = Files.readAllBytes(fixture(name));
    Path cut = Files.write(folder.resolve(name), Arrays.copyOf(whole, whole.length - 1));
    assertThatThrownBy(() -> ImageReader.readRgb(cut))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("truncated");
  }

  @Test
  void damagedPngDataIsFoundByItsChecksum() throws IOException {
    byte[] bytes = Files.readAllBytes(fixture("rgb.png"));
    bytes[60] ^= 0x10;
    Path path = Files.write(folder.resolve("damaged.png"), bytes);
    assertThatThrownBy(() -> ImageReader.readRgb(path))
        .hasMessageContaining("damaged.png")
        .hasMessageContaining("checksum of chunk IDAT is wrong");
  }

  @Test
  void damagedJpegDataIsAnError() throws IOException {
    byte[] bytes = Files.readAllBytes(fixture("rgb.jpg"));
    Arrays.fill(bytes, bytes.length - 120, bytes.length - 2, (byte) 0xFE);
    Path path = Files.write(folder.resolve("damaged.jpg"), bytes);
    assertThatThrownBy(() -> ImageReader.readRgb(path))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("damaged.jpg");
  }

  @Test
  void aPngWithTooLittlePixelDataIsAnError() throws IOException {
    Path path = Files.write(folder.resolve("short.png"), png(20, 20, 8, 2, new byte[300]));
    assertThatThrownBy(() -> ImageReader.readRgb(path))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("short.png");
  }

  @Test
  void hugeHeadersAreRefusedBeforeDecoding() throws IOException {
    Path png = Files.write(folder.resolve("huge.png"), png(100_000, 100_000, 8, 0, new byte[9]));
    assertThatThrownBy(() -> ImageReader.readRgb(png))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("huge.png: the header claims 100000x100000 pixels");
    byte[] jpeg = Files.readAllBytes(fixture("rgb.jpg"));
    int frame = new String(jpeg, StandardCharsets.ISO_8859_1).indexOf("\u00FF\u00C0");
    ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) 60_000).putShort(frame + 7, (short) 60_000);
    Path hugeJpeg = Files.write(folder.resolve("huge.jpg"), jpeg);
    assertThatThrownBy(() -> ImageReader.readMask(hugeJpeg))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("the header claims 60000x60000 pixels");
  }

  @Test
  void impossibleHeadersAreErrors() throws IOException {
    Path zero = Files.write(folder.resolve("zero.png"), png(0, 7, 8, 0, new byte[9]));
    assertThatThrownBy(() -> ImageReader.readRgb(zero))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("zero.png");
    Path depth = Files.write(folder.resolve("depth.png"), png(4, 4, 7, 0, new byte[20]));
    assertThatThrownBy(() -> ImageReader.readRgb(depth))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("depth.png");
  }

  @Test
  void missingEmptyAndForeignFilesAreNamed() throws IOException {
    Path missing = folder.resolve("none.png");
    assertThatThrownBy(() -> ImageReader.readRgb(missing))
        .isInstanceOf(DataException.class)
        .hasMessage(missing + ": no such file; check the split list and the folder");
    Path empty = Files.createFile(folder.resolve("empty.png"));
    assertThatThrownBy(() -> ImageReader.readRgb(empty))
        .hasMessageContaining("empty.png: the file is empty (0 bytes)");
    Path text = Files.writeString(folder.resolve("text.png"), "hello, no picture");
    assertThatThrownBy(() -> ImageReader.readRgb(text))
        .hasMessageContaining("text.png: not a picture")
        .hasMessageContaining("looks like text")
        .hasMessageContaining("PNG, JPEG, BMP, TIFF or GIF");
    Path zeros = Files.write(folder.resolve("zeros.jpg"), new byte[500]);
    assertThatThrownBy(() -> ImageReader.readMask(zeros))
        .hasMessageContaining("starts with the bytes 00 00");
    Path webp = Files.writeString(folder.resolve("x.jpg"), "RIFF1234WEBPVP8 ");
    assertThatThrownBy(() -> ImageReader.readRgb(webp)).hasMessageContaining("WebP");
    assertThatThrownBy(() -> ImageReader.readRgb(folder)).hasMessageContaining("is a folder");
    Path signature =
        Files.write(
            folder.resolve("signature.png"),
            Arrays.copyOf(Files.readAllBytes(fixture("rgb.png")), 8));
    assertThatThrownBy(() -> ImageReader.readRgb(signature)).hasMessageContaining("truncated");
  }

  @Test
  void unreadableFilesAreNamed() throws IOException {
    Path locked = Files.write(folder.resolve("locked.png"), new byte[] {1});
    Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("---------"));
    assumeTrue(!Files.isReadable(locked), "this account may read everything");
    assertThatThrownBy(() -> ImageReader.readRgb(locked)).hasMessageContaining("no permission");
  }

  @Test
  void theContentDecidesNotTheSuffix() throws IOException {
    Path path = Files.copy(fixture("rgb.png"), folder.resolve("really_png.jpg"));
    assertThat(ImageReader.readRgb(path).pixels())
        .isEqualTo(ImageReader.readRgb(fixture("rgb.png")).pixels());
  }

  /** A grammatically valid PNG of the given header and raw (uncompressed) pixel data. */
  private static byte[] png(int width, int height, int depth, int type, byte[] raw)
      throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (DeflaterOutputStream deflater = new DeflaterOutputStream(packed)) {
      deflater.write(raw);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
    byte[] header =
        ByteBuffer.allocate(13)
            .putInt(width)
            .putInt(height)
            .put((byte) depth)
            .put((byte) type)
            .array();
    out.write(chunk("IHDR", header));
    out.write(chunk("IDAT", packed.toByteArray()));
    out.write(chunk("IEND", new byte[0]));
    return out.toByteArray();
  }

  private static byte[] chunk(String type, byte[] data) {
    ByteBuffer buffer = ByteBuffer.allocate(12 + data.length);
    buffer.putInt(data.length).put(type.getBytes(StandardCharsets.US_ASCII)).put(data);
    CRC32 crc = new CRC32();
    crc.update(buffer.array(), 4, 4 + data.length);
    return buffer.putInt((int) crc.getValue()).array();
  }

  private static byte[] red(String name) {
    RgbImage image = ImageReader.readRgb(fixture(name));
    byte[] red = new byte[image.width() * image.height()];
    for (int i = 0; i < red.length; i++) {
      red[i] = image.pixels()[3 * i];
    }
    return red;
  }

  private static Path fixture(String name) {
    try {
      return Path.of(ImageReaderTest.class.getResource("/image/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
