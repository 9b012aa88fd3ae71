package dev.changenet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.data.ChangeDataset.Purpose;
import dev.changenet.image.DataException;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.RgbImage;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChangeDatasetTest {
  @TempDir Path root;
  private DataSettings settings;

  @BeforeEach
  void writeDataSet() throws IOException {
    settings = DataSetFixture.write(root, 4);
  }

  @Test
  void samplesAreResizedAndLabelsDividedBy255() {
    ChangeDataset dataset = ChangeDataset.open(settings, "train", Purpose.TRAINING);
    assertThat(dataset.size()).isEqualTo(4);
    Sample sample = dataset.read(2);
    assertThat(sample.name()).isEqualTo("s2.png");
    assertThat(sample.a().width()).isEqualTo(32);
    assertThat(sample.b().height()).isEqualTo(32);
    assertThat(sample.mask().values()).containsOnly(0, 1);
    assertThat(dataset.read(2).a().pixels()).isEqualTo(sample.a().pixels());
  }

  @Test
  void aAndBAreNotSwapped() throws IOException {
    ImageWriter.writePng(root.resolve("A/s0.png"), constant(10));
    ImageWriter.writePng(root.resolve("B/s0.png"), constant(200));
    Sample sample = ChangeDataset.open(settings, "predict", Purpose.INFERENCE).read(0);
    assertThat(sample.a().get(5, 5, 0)).isEqualTo(10);
    assertThat(sample.b().get(5, 5, 0)).isEqualTo(200);
  }

  @Test
  void eachPictureIsResizedByItself() throws IOException {
    ImageWriter.writePng(root.resolve("A/s0.png"), DataSetFixture.image(1, 32, 32));
    ImageWriter.writePng(root.resolve("B/s0.png"), DataSetFixture.image(2, 50, 13));
    Sample sample = ChangeDataset.open(settings, "predict", Purpose.INFERENCE).read(0);
    assertThat(sample.a().pixels()).isEqualTo(DataSetFixture.image(1, 32, 32).pixels());
    assertThat(sample.b().width()).isEqualTo(32);
  }

  @ParameterizedTest
  @ValueSource(strings = {"predict", "test"})
  void inferenceNeverOpensMasks(String split) throws IOException {
    Files.delete(root.resolve("label/s1.png"));
    Files.writeString(root.resolve("label/s0.png"), "no mask");
    ChangeDataset dataset = ChangeDataset.open(settings, split, Purpose.INFERENCE);
    assertThat(dataset.read(0).mask()).isNull();
    assertThat(dataset.read(1).mask()).isNull();
    assertThat(dataset.containsChange()).isFalse();
  }

  @ParameterizedTest
  @EnumSource(names = {"TRAINING", "VALIDATION", "EVALUATION"})
  void allOtherPurposesNeedMasksWhateverTheSplit(Purpose purpose) throws IOException {
    assertThat(ChangeDataset.open(settings, "predict", purpose).read(0).mask()).isNotNull();
    Files.delete(root.resolve("label/s1.png"));
    assertThatThrownBy(() -> ChangeDataset.open(settings, "predict", purpose))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(root.resolve("label/s1.png").toString())
        .hasMessageContaining("1 file of its samples does not exist: ");
  }

  @Test
  void labelSuffixReplacesOnlyTheLiteralJpg() throws IOException {
    DataSettings other =
        new DataSettings(
            root,
            "A",
            "B",
            "label",
            "list",
            "_mask.tif",
            "norm",
            2,
            32,
            1,
            0,
            AugmentationSettings.none());
    Files.writeString(root.resolve("list/names.txt"), "x.jpg\nx.jpeg\ny.png\nz.jpg.jpg\nq.JPG\n");
    for (String name : new String[] {"x.jpg", "x.jpeg", "y.png", "z.jpg.jpg", "q.JPG"}) {
      ImageWriter.writePng(root.resolve("A").resolve(name), constant(1));
      ImageWriter.writePng(root.resolve("B").resolve(name), constant(2));
    }
    ChangeDataset dataset = ChangeDataset.open(other, "names", Purpose.INFERENCE);
    assertThat(dataset.maskPath(0)).isEqualTo(root.resolve("label/x_mask.tif"));
    assertThat(dataset.maskPath(1)).isEqualTo(root.resolve("label/x.jpeg"));
    assertThat(dataset.maskPath(2)).isEqualTo(root.resolve("label/y.png"));
    assertThat(dataset.maskPath(3)).isEqualTo(root.resolve("label/z_mask.tif_mask.tif"));
    assertThat(dataset.maskPath(4)).isEqualTo(root.resolve("label/q.JPG"));
  }

  @ParameterizedTest
  @CsvSource({"norm,0", "None,254", "none,254", "something,254"})
  void onlyTheWordNormDivides(String transform, int expected) throws IOException {
    writeMask(254);
    DataSettings classes = settings.withClasses(255, transform);
    Sample sample = ChangeDataset.open(classes, "train", Purpose.TRAINING).read(0);
    assertThat(sample.mask().get(3, 3)).isEqualTo(expected);
  }

  @Test
  void value255IsIgnoredAndOtherStrangeValuesAreRefused() throws IOException {
    DataSettings three = settings.withClasses(3, "None");
    writeMask(255);
    assertThat(ChangeDataset.open(three, "train", Purpose.TRAINING).read(0).mask().get(0, 0))
        .isEqualTo(DataSettings.IGNORE);
    writeMask(3);
    assertThatThrownBy(() -> ChangeDataset.open(three, "train", Purpose.TRAINING).read(0))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(root.resolve("label/s0.png").toString())
        .hasMessageContaining("mask value 3 at column 0, row 0")
        .hasMessageContaining("num_classes 3");
  }

  @Test
  void changedPixelsAreCounted() throws IOException {
    ChangeDataset dataset = ChangeDataset.open(settings, "train", Purpose.TRAINING);
    assertThat(dataset.changedPixels()).isZero();
    assertThat(dataset.containsChange()).isTrue();
    dataset.read(1);
    long once = dataset.changedPixels();
    assertThat(once).isBetween(300L, 700L);
    dataset.read(1);
    assertThat(dataset.changedPixels()).isEqualTo(once);
    for (int i = 0; i < 4; i++) {
      byte[] one = new byte[30 * 30];
      Arrays.fill(one, (byte) 1);
      ImageWriter.writePng(root.resolve("label/s" + i + ".png"), new Mask(30, 30, one));
    }
    ChangeDataset none = ChangeDataset.open(settings, "train", Purpose.TRAINING);
    assertThat(none.containsChange()).isFalse();
    none.read(0);
    assertThat(none.changedPixels()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "A,dataset.segment.image_folder_name",
    "B,dataset.segment.change_image_folder_name",
    "label,dataset.segment.annotation_folder_name",
    "list,dataset.segment.list_folder_name"
  })
  void aMissingFolderIsNamedWithItsKey(String folder, String key) throws IOException {
    Files.move(root.resolve(folder), root.resolve("elsewhere"));
    assertThatThrownBy(() -> ChangeDataset.open(settings, "train", Purpose.TRAINING))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(root.resolve(folder) + ": no such folder; ")
        .hasMessageEndingWith("check " + key);
  }

  @Test
  void aMissingRootIsNamed() {
    DataSettings lost = DataSettings.of(root.resolve("lost"));
    assertThatThrownBy(() -> ChangeDataset.open(lost, "train", Purpose.TRAINING))
        .hasMessageContaining("lost: no such folder; check dataset.segment.root_dir");
  }

  @Test
  void aFileInPlaceOfAFolderIsNamed() throws IOException {
    Files.move(root.resolve("B"), root.resolve("elsewhere"));
    Files.createFile(root.resolve("B"));
    assertThatThrownBy(() -> ChangeDataset.open(settings, "train", Purpose.TRAINING))
        .hasMessageContaining("is a file, expected a folder");
  }

  @Test
  void missingPicturesAreFoundOnOpening() throws IOException {
    Files.delete(root.resolve("B/s3.png"));
    Files.delete(root.resolve("A/s1.png"));
    assertThatThrownBy(() -> ChangeDataset.open(settings, "train", Purpose.TRAINING))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("2 files of its samples do not exist: ")
        .hasMessageContaining(root.resolve("A/s1.png").toString())
        .hasMessageContaining(root.resolve("B/s3.png").toString())
        .hasMessageContaining("train.txt");
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> settings.withImgSize(0)).hasMessageContaining("img_size");
    assertThatThrownBy(() -> settings.withBatchSize(0)).hasMessageContaining("batch_size");
    assertThatThrownBy(() -> settings.withWorkers(-1)).hasMessageContaining("workers");
    assertThatThrownBy(() -> settings.withClasses(1, "norm")).hasMessageContaining("num_classes");
    assertThatThrownBy(() -> settings.withClasses(256, "None")).hasMessageContaining("at most 255");
  }

  @Test
  void homeAndRelativePathsAreExpanded() {
    Path home = Path.of(System.getProperty("user.home"));
    assertThat(DataSettings.expand("~/data")).isEqualTo(home.resolve("data"));
    assertThat(DataSettings.expand("~")).isEqualTo(home);
    assertThat(DataSettings.expand("x/../y")).isEqualTo(Path.of("y").toAbsolutePath());
  }

  @ParameterizedTest
  @CsvSource({
    "levir-mini,train,norm,2",
    "clcd-mini,train,norm,2",
    "dsifn-mini,train,norm,2",
    "xbd-mini,train,None,5",
    "deeppcb-mini,train,None,7"
  })
  void realDataSetsAreRead(String name, String split, String transform, int classes) {
    DataSettings real =
        DataSettings.of(ReferenceData.path("data/" + name))
            .withImgSize(64)
            .withClasses(classes, transform);
    ChangeDataset dataset = ChangeDataset.open(real, split, Purpose.TRAINING);
    for (int i = 0; i < Math.min(4, dataset.size()); i++) {
      assertThat(dataset.read(i).mask().values()).hasSize(64 * 64);
    }
    assertThat(dataset.containsChange()).isTrue();
  }

  @Test
  void realGeoTiffIsRead() {
    DataSettings real = DataSettings.of(ReferenceData.path("data/levir-large")).withImgSize(64);
    DataSettings picture =
        new DataSettings(
            real.rootDir(),
            "A",
            "B",
            "label",
            "list",
            ".png",
            "norm",
            2,
            64,
            1,
            0,
            AugmentationSettings.none());
    Sample sample = ChangeDataset.open(picture, "test_geotiff", Purpose.INFERENCE).read(0);
    assertThat(sample.a().get(32, 32, 0)).isPositive();
  }

  @Test
  void aRealMaskWithFourChannelsIsRefused() {
    DataSettings real = DataSettings.of(ReferenceData.path("data/oscd-mini")).withImgSize(64);
    assertThatThrownBy(() -> ChangeDataset.open(real, "test", Purpose.EVALUATION).read(0))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("one channel (grey or palette), this file has 4");
  }

  private void writeMask(int value) {
    byte[] values = new byte[30 * 30];
    Arrays.fill(values, (byte) value);
    ImageWriter.writePng(root.resolve("label/s0.png"), new Mask(30, 30, values));
  }

  private static RgbImage constant(int value) {
    byte[] pixels = new byte[24 * 24 * 3];
    Arrays.fill(pixels, (byte) value);
    return new RgbImage(24, 24, pixels);
  }
}
