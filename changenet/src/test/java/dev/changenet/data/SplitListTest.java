package dev.changenet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.image.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SplitListTest {
  @TempDir Path folder;

  @Test
  void aLineIsASampleAndItsFirstColumnTheName() throws IOException {
    write(
        "train.txt",
        "a.png\n  b.png\textra columns 3\n\n# comment\nc.png#note\r\nb.png\r\n   \nd/e.jpg");
    assertThat(SplitList.read(folder, "train").names())
        .containsExactly("a.png", "b.png", "c.png", "b.png", "d/e.jpg");
  }

  @ParameterizedTest
  @ValueSource(strings = {"one.png", "one.png\n", "one.png x y\n", "\uFEFFone.png\r\n"})
  void aSingleEntryIsEnough(String content) throws IOException {
    write("val.txt", content);
    assertThat(SplitList.read(folder, "val").names()).containsExactly("one.png");
  }

  @Test
  void csvTakesTheFirstCellAndSkipsTheHeader() throws IOException {
    write(
        "test.csv",
        "image_names,other\r\nmy file #1.png,3\r\n\r\n\"quoted, name.png\",x\nplain.png\n");
    assertThat(SplitList.read(folder, "test").names())
        .containsExactly("my file #1.png", "quoted, name.png", "plain.png");
  }

  @Test
  void onlyTheFirstCsvLineCanBeAHeader() throws IOException {
    write("test.csv", "a.png,1\nimage_names,2\n");
    assertThat(SplitList.read(folder, "test").names()).containsExactly("a.png", "image_names");
  }

  @Test
  void txtGoesBeforeCsv() throws IOException {
    write("train.csv", "from_csv.png\n");
    write("train.txt", "from_txt.png\n");
    assertThat(SplitList.read(folder, "train").names()).containsExactly("from_txt.png");
  }

  @Test
  void aMissingListNamesBothPaths() {
    assertThatThrownBy(() -> SplitList.read(folder, "val"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(folder.resolve("val.txt").toString())
        .hasMessageContaining(folder.resolve("val.csv").toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n\n", "# nothing\n   \n", "\uFEFF"})
  void anEmptyListIsAnError(String content) throws IOException {
    write("train.txt", content);
    assertThatThrownBy(() -> SplitList.read(folder, "train"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(folder.resolve("train.txt") + ": no samples in the list");
  }

  @Test
  void aCsvWithNothingButAHeaderIsAnError() throws IOException {
    write("train.csv", "image_names\n");
    assertThatThrownBy(() -> SplitList.read(folder, "train")).hasMessageContaining("no samples");
  }

  @Test
  void otherEncodingsAreAnError() throws IOException {
    Files.write(folder.resolve("train.txt"), new byte[] {'a', (byte) 0xE4, '.', 'p', 'n', 'g'});
    assertThatThrownBy(() -> SplitList.read(folder, "train"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("train.txt")
        .hasMessageContaining("UTF-8");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../x.png", "a/../../x.png", "/etc/x.png", "a\0b.png"})
  void entriesMustStayInsideTheDataFolder(String entry) throws IOException {
    write("train.txt", "good.png\n" + entry + "\n");
    assertThatThrownBy(() -> SplitList.read(folder, "train"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("train.txt, line 2: entry '" + entry + "'");
  }

  private void write(String name, String content) throws IOException {
    Files.writeString(folder.resolve(name), content);
  }
}
