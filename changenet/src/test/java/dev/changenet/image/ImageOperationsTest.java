package dev.changenet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.image.Geometry.PasteBox;
import dev.changenet.nn.random.RandomStream;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageOperationsTest {
  @ParameterizedTest
  @CsvSource({"1,1,1,1", "1,1,5,7", "5,7,1,1", "3,200,17,2", "2,2,256,1", "33,31,32,32"})
  void oddSizesResizeToTheAskedSize(int w, int h, int toW, int toH) {
    RgbImage image = Resize.bicubic(noise(w, h), toW, toH);
    assertThat(image.width()).isEqualTo(toW);
    assertThat(image.height()).isEqualTo(toH);
    Mask mask = Resize.nearest(mask(w, h), toW, toH);
    assertThat(mask.values()).hasSize(toW * toH);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 31, 100, 333})
  void aConstantPictureStaysConstant(int size) {
    RgbImage grey = new RgbImage(9, 5, filled(9 * 5 * 3, 137));
    assertThat(Resize.bicubic(grey, size, size).pixels()).containsOnly((byte) 137);
    assertThat(GaussianBlur.apply(grey, size / 10.0).pixels()).containsOnly((byte) 137);
  }

  @Test
  void sameSizeIsTheSamePicture() {
    RgbImage image = noise(8, 6);
    assertThat(Resize.bicubic(image, 8, 6)).isSameAs(image);
    Mask mask = mask(8, 6);
    assertThat(Resize.nearest(mask, 8, 6)).isSameAs(mask);
  }

  @Test
  void nearestTakesThePixelUnderTheCentre() {
    Mask mask = new Mask(4, 1, new byte[] {10, 20, 30, 40});
    assertThat(Resize.nearest(mask, 2, 1).values()).containsExactly(20, 40);
    assertThat(Resize.nearest(mask, 8, 1).values()).containsExactly(10, 10, 20, 20, 30, 30, 40, 40);
    assertThat(Resize.nearest(mask, 3, 1).values()).containsExactly(10, 30, 40);
  }

  @Test
  void flipsAndQuarterTurnsMovePixelsWhereExpected() {
    Mask mask = new Mask(2, 2, new byte[] {1, 2, 3, 4});
    assertThat(Geometry.flipLeftRight(mask).values()).containsExactly(2, 1, 4, 3);
    assertThat(Geometry.flipTopBottom(mask).values()).containsExactly(3, 4, 1, 2);
    assertThat(Geometry.rotate(mask, 90).values()).containsExactly(2, 4, 1, 3);
    assertThat(Geometry.rotate(mask, 180).values()).containsExactly(4, 3, 2, 1);
    assertThat(Geometry.rotate(mask, -90).values()).containsExactly(3, 1, 4, 2);
    assertThat(Geometry.rotate(mask, 720).values()).containsExactly(1, 2, 3, 4);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 16, 33})
  void fourQuarterTurnsAreNone(int size) {
    RgbImage image = noise(size, size);
    RgbImage turned = image;
    for (int i = 0; i < 4; i++) {
      turned = Geometry.rotate(turned, 90);
    }
    assertThat(turned.pixels()).isEqualTo(image.pixels());
    assertThat(Geometry.rotate(Geometry.rotate(image, 90), 270).pixels()).isEqualTo(image.pixels());
  }

  @Test
  void otherAnglesLeaveTheCornersEmpty() {
    Mask mask = new Mask(21, 21, filled(441, 9));
    Mask turned = Geometry.rotate(mask, 45);
    assertThat(turned.get(0, 0)).isZero();
    assertThat(turned.get(20, 20)).isZero();
    assertThat(turned.get(10, 10)).isEqualTo(9);
    assertThat(turned.get(10, 1)).isEqualTo(9);
    assertThatThrownBy(() -> Geometry.rotate(mask, Double.NaN)).hasMessageContaining("finite");
  }

  @Test
  void cropsAndPastesCopyTheRightPart() {
    Mask mask = new Mask(3, 3, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9});
    assertThat(Geometry.crop(mask, 1, 1, 2, 2).values()).containsExactly(5, 6, 8, 9);
    Mask pasted = Geometry.paste(mask, new PasteBox(0, 2, 1, 0, 2, 1), 3, 2, 255);
    assertThat(pasted.values()).containsExactly(-1, 7, 8, -1, -1, -1);
    assertThatThrownBy(() -> Geometry.crop(mask, 2, 0, 2, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("outside the source of 3x3");
    assertThatThrownBy(() -> Geometry.paste(mask, new PasteBox(0, 0, 2, 0, 3, 1), 3, 3, 0))
        .hasMessageContaining("outside the target");
  }

  @Test
  void operationsNeverChangeTheirInput() {
    RgbImage image = noise(12, 12);
    byte[] before = image.pixels().clone();
    Resize.bicubic(image, 5, 20);
    GaussianBlur.apply(image, 0.9);
    Geometry.rotate(image, 33);
    Geometry.flipLeftRight(image);
    for (ColorAdjustment adjustment : ColorAdjustment.values()) {
      adjustment.apply(image, 0.4);
    }
    assertThat(image.pixels()).isEqualTo(before);
  }

  @Test
  void neutralFactorsKeepThePicture() {
    RgbImage image = noise(16, 16);
    for (ColorAdjustment adjustment :
        new ColorAdjustment[] {
          ColorAdjustment.BRIGHTNESS, ColorAdjustment.CONTRAST, ColorAdjustment.SATURATION
        }) {
      assertThat(adjustment.apply(image, 1).pixels()).isEqualTo(image.pixels());
    }
    assertThat(GaussianBlur.apply(image, 0)).isSameAs(image);
    assertThat(ColorAdjustment.BRIGHTNESS.apply(image, 0).pixels()).containsOnly((byte) 0);
  }

  @Test
  void factorsOutOfRangeAreRefused() {
    RgbImage image = noise(2, 2);
    assertThatThrownBy(() -> ColorAdjustment.HUE.apply(image, 0.51)).hasMessageContaining("0.51");
    assertThatThrownBy(() -> ColorAdjustment.CONTRAST.apply(image, -1)).hasMessageContaining("-1");
    assertThatThrownBy(() -> GaussianBlur.apply(image, Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> Resize.bicubic(image, 0, 4)).hasMessageContaining("0x4");
    assertThatThrownBy(() -> new RgbImage(2, 2, new byte[5]))
        .hasMessageContaining("need 12 bytes, got 5");
  }

  private static RgbImage noise(int width, int height) {
    RgbImage image = RgbImage.black(width, height);
    RandomStream random = RandomStream.of(width, "noise", height);
    for (int i = 0; i < image.pixels().length; i++) {
      image.pixels()[i] = (byte) random.nextInt(256);
    }
    return image;
  }

  private static Mask mask(int width, int height) {
    return new Mask(width, height, filled(width * height, 3));
  }

  private static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }
}
