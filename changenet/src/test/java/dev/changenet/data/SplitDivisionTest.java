package dev.changenet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.image.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SplitDivisionTest {
  @TempDir Path root;

  /** Empty files do: pictures are not opened. */
  private void pair(String name, boolean mask) throws IOException {
    for (String file :
        mask
            ? List.of("A/" + name, "B/" + name, "label/" + name.replace(".jpg", ".png"))
            : List.of("A/" + name, "B/" + name)) {
      Files.createDirectories(root.resolve(file).getParent());
      Files.createFile(root.resolve(file));
    }
  }

  private static Map<String, Integer> shares(int train, int val, int test) {
    Map<String, Integer> shares = new LinkedHashMap<>();
    shares.put("train", train);
    shares.put("val", val);
    shares.put("test", test);
    return shares;
  }

  private SplitDivision divide(long seed) {
    return SplitDivision.of(DataSettings.of(root), shares(70, 15, 15), seed);
  }

  @Test
  void everyPairWithAMaskIsInOneList() throws IOException {
    for (int i = 0; i < 41; i++) {
      pair(i % 3 == 0 ? "city/" + i + ".jpg" : i + ".png", i != 40);
    }
    Files.createFile(root.resolve("A/alone.png"));
    SplitDivision division = divide(1);
    assertThat(division.lists().keySet()).containsExactly("train", "val", "test");
    assertThat(division.lists().values().stream().map(List::size)).containsExactly(28, 6, 6);
    assertThat(division.lists().values().stream().flatMap(Collection::stream))
        .hasSize(40)
        .doesNotHaveDuplicates()
        .contains("city/0.jpg", "1.png");
    assertThat(division.unlabelled()).containsExactly("40.png");
    assertThat(division.notes()).singleElement().asString().contains("1 picture (alone.png)");
    division.lists().values().forEach(list -> assertThat(list).isSorted());
    assertThat(divide(1)).isEqualTo(division);
    assertThat(divide(2).lists()).isNotEqualTo(division.lists());
  }

  @Test
  void aNewPairMovesFewOthers() throws IOException {
    for (int i = 0; i < 100; i++) {
      pair(i + ".png", true);
    }
    List<String> before = divide(1).lists().get("test");
    pair("new.png", true);
    List<String> both = new ArrayList<>(divide(1).lists().get("test"));
    both.retainAll(before);
    assertThat(both).hasSizeGreaterThanOrEqualTo(before.size() - 1);
  }

  @Test
  void theSmallestSetFillsEveryList() throws IOException {
    pair("a.png", true);
    pair("b.png", true);
    assertThatThrownBy(() -> divide(1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("masks for 2 of the 2 pairs, but there are 3 lists to fill");
    pair("c.png", true);
    assertThat(divide(1).lists().values()).allMatch(list -> list.size() == 1);
  }

  @Test
  void saysWhereAMaskIsLookedFor() throws IOException {
    pair("a.jpg", false);
    Files.createDirectory(root.resolve("label"));
    assertThatThrownBy(() -> divide(1))
        .hasMessageEndingWith("the mask of a.jpg is looked for as a.png");
  }

  @Test
  void writtenListsAreReadBack() {
    DataSettings data = DataSettings.of(root);
    List<String> plain = List.of("a.png", "city/b.png");
    assertThat(SplitDivision.write(data, "train", plain)).hasFileName("train.txt");
    assertThat(SplitList.read(root.resolve("list"), "train").names()).isEqualTo(plain);
    List<String> blanks = List.of("a b, c.png", "c#1.png");
    assertThat(SplitDivision.write(data, "val", blanks)).hasFileName("val.csv");
    assertThat(SplitList.read(root.resolve("list"), "val").names()).isEqualTo(blanks);
    assertThatThrownBy(() -> SplitDivision.write(data, "test", List.of("a \"b\".png")))
        .isInstanceOf(DataException.class);
  }
}
