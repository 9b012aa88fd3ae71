package dev.changenet.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.image.DataException;
import dev.changenet.image.ImageReader;
import dev.changenet.image.Mask;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PredictionWriterTest {
  private static final int[][] PALETTE = {{0, 0, 0}, {255, 0, 0}, {0, 255, 0}};

  /** Two pixels side by side, three classes. */
  private static final ProbabilityMap MAP =
      new ProbabilityMap(2, 1, 3, new float[] {0.25f, 0.5f, 0.25f, 1, 0, 0});

  @TempDir Path folder;

  private PredictionWriter writer(String... entries) {
    return new PredictionWriter(folder, OutputNames.of(List.of(entries)), PALETTE);
  }

  private int[] grey(String file) throws IOException {
    BufferedImage image = ImageIO.read(folder.resolve(file).toFile());
    return image.getRaster().getSamples(0, 0, image.getWidth(), image.getHeight(), 0, (int[]) null);
  }

  @Test
  void classIdsAreTheValuesOfTheMask() {
    writer("sub/x.tif").mask("sub/x.tif", new Mask(3, 1, new byte[] {2, 0, 1}));

    assertThat(ImageReader.readMask(folder.resolve("mask/sub/x.png")).values())
        .containsExactly(2, 0, 1);
  }

  @Test
  void probabilitiesSpanSixteenBits() throws IOException {
    PredictionWriter writer = writer("x.png");
    writer.change("x.png", MAP);
    writer.classes("x.png", MAP);

    assertThat(grey("probability/x.png")).containsExactly(49151, 0);
    assertThat(grey("probability_0/x.png")).containsExactly(16384, 65535);
    assertThat(grey("probability_1/x.png")).containsExactly(32768, 0);
    assertThat(grey("probability_2/x.png")).containsExactly(16384, 0);
  }

  @Test
  void arraysAreNumPyFilesOfClassRowColumn() throws IOException {
    writer("x.png").array("x.png", MAP);

    ByteBuffer file =
        ByteBuffer.wrap(Files.readAllBytes(folder.resolve("probability/x.npy")))
            .order(ByteOrder.LITTLE_ENDIAN);
    assertThat(file.get(0)).isEqualTo((byte) 0x93);
    assertThat(new String(file.array(), 1, 5, StandardCharsets.US_ASCII)).isEqualTo("NUMPY");
    assertThat(file.getShort(6)).isEqualTo((short) 1);
    int header = file.getShort(8);
    assertThat((10 + header) % 64).isZero();
    assertThat(new String(file.array(), 10, header, StandardCharsets.US_ASCII))
        .startsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 2), }")
        .endsWith("\n");
    float[] values = new float[6];
    file.position(10 + header).slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    assertThat(values).containsExactly(0.25f, 1, 0.5f, 0, 0.25f, 0);
    assertThat(file.capacity()).isEqualTo(10 + header + 6 * 4);
  }

  @Test
  void namesLoseTheirSuffixUnlessTwoWouldMeet() {
    OutputNames plain = OutputNames.of(List.of("a.png", "sub/a.png", "b.c.TIFF", "v1.5", "a.png"));
    assertThat(List.of(plain.of("a.png"), plain.of("sub/a.png"), plain.of("b.c.TIFF")))
        .containsExactly("a", "sub/a", "b.c");
    assertThat(plain.of("v1.5")).isEqualTo("v1.5");
    assertThat(plain.of("./a.png")).isEqualTo("a");
    assertThat(plain.keepSuffix()).isFalse();

    OutputNames meeting = OutputNames.of(List.of("a.png", "b.png", "a.jpg"));
    assertThat(meeting.keepSuffix()).isTrue();
    assertThat(meeting.example()).isEqualTo("a.png and a.jpg");
    assertThat(List.of(meeting.of("a.png"), meeting.of("b.png"), meeting.of("a.jpg")))
        .containsExactly("a.png", "b.png", "a.jpg");
  }

  @Test
  void aThresholdAsksForChangeFirstAndForItsKindThen() {
    float[] p = {0.45f, 0.2f, 0.35f, 0.6f, 0.3f, 0.1f, 0.2f, 0.4f, 0.4f};
    ProbabilityMap map = new ProbabilityMap(3, 1, 3, p);

    assertThat(ClassDecision.MOST_PROBABLE.mask(map).values()).containsExactly(0, 0, 1);
    assertThat(new ClassDecision(OptionalDouble.of(0.5)).mask(map).values())
        .containsExactly(2, 0, 1);
    assertThat(new ClassDecision(OptionalDouble.of(0.3)).mask(map).values())
        .containsExactly(2, 1, 1);
    assertThat(new ClassDecision(OptionalDouble.of(0.9)).mask(map).values())
        .containsExactly(0, 0, 0);
  }

  @Test
  void aPictureTooLargeForTheHeapIsNamed() {
    assertThatThrownBy(() -> MAP.resized("huge.tif", 40_000, 40_000))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(
            "huge.tif: the probabilities of 3 classes at 40000x40000 pixels take");
  }
}
