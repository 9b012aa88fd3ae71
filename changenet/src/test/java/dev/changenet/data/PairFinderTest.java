package dev.changenet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.image.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PairFinderTest {
  @TempDir Path folder;
  private Path a;
  private Path b;

  @BeforeEach
  void folders() throws IOException {
    a = Files.createDirectory(folder.resolve("a"));
    b = Files.createDirectory(folder.resolve("b"));
  }

  private static void touch(Path folder, String... names) throws IOException {
    for (String name : names) {
      Files.createDirectories(folder.resolve(name).getParent());
      Files.writeString(folder.resolve(name), "x");
    }
  }

  @Test
  void picturesOfTheSameNameArePairsInOrder() throws IOException {
    touch(a, "z.png", "sub/b.TIF", "a.jpg", ".hidden.png", ".git/x.png", "notes.txt", "png");
    touch(b, "z.png", "sub/b.TIF", "a.jpg", ".hidden.png", ".git/x.png", "notes.txt", "png");

    PairFinder.Found found = PairFinder.find(a, b);

    assertThat(found.pairs())
        .containsExactly(
            new PicturePair("a.jpg", a.resolve("a.jpg"), b.resolve("a.jpg")),
            new PicturePair("sub/b.TIF", a.resolve("sub/b.TIF"), b.resolve("sub/b.TIF")),
            new PicturePair("z.png", a.resolve("z.png"), b.resolve("z.png")));
    assertThat(found.notes()).isEmpty();
  }

  @Test
  void picturesWithoutPartnerAreToldOnceForEachFolder() throws IOException {
    touch(a, "x.png", "1.png", "2.png", "3.png", "4.png");
    touch(b, "x.png", "only.png");

    PairFinder.Found found = PairFinder.find(a, b);

    assertThat(found.pairs()).extracting(PicturePair::name).containsExactly("x.png");
    assertThat(found.notes())
        .containsExactly(
            a
                + ": 4 pictures (1.png, 2.png, 3.png, …) left out, there is nothing of that name in "
                + b,
            b + ": 1 picture (only.png) left out, there is nothing of that name in " + a);
  }

  @Test
  void aFolderMayBeALink() throws IOException {
    touch(a, "x.png");
    Path link = Files.createSymbolicLink(folder.resolve("link"), a);

    assertThat(PairFinder.find(link, a).pairs())
        .containsExactly(new PicturePair("x.png", link.resolve("x.png"), a.resolve("x.png")));
  }

  @Test
  void twoFilesAreOnePairNamedAfterTheFirst() throws IOException {
    touch(a, "before.png");
    touch(b, "after.jpg");
    Path before = a.resolve("before.png");
    Path after = b.resolve("after.jpg");

    assertThat(PairFinder.find(before, after).pairs())
        .containsExactly(new PicturePair("before.png", before, after));
  }

  @Test
  void foldersWithoutCommonNamesAreAnError() throws IOException {
    touch(a, "x.png");
    touch(b, "x.jpg");

    assertThatThrownBy(() -> PairFinder.find(a, b))
        .isInstanceOf(DataException.class)
        .hasMessage(
            a
                + " and "
                + b
                + " have no picture of the same name (1 picture (x.png); 1 picture (x.jpg)); the"
                + " two pictures of a pair need the same name, suffix included");
  }

  @Test
  void aFolderAndAFileAreAnError() throws IOException {
    touch(a, "x.png");
    Path file = a.resolve("x.png");

    assertThatThrownBy(() -> PairFinder.find(file, b))
        .isInstanceOf(DataException.class)
        .hasMessage(b + " is a folder, " + file + " is a file; give two pictures or two folders");
    assertThatThrownBy(() -> PairFinder.find(file, a.resolve("no.png")))
        .isInstanceOf(DataException.class)
        .hasMessage(a.resolve("no.png") + ": no such picture or folder");
  }
}
