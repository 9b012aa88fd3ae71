package dev.changenet.tensor.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.util.List;
import org.junit.jupiter.api.Test;

class IoProblemTest {
  private static final String PATH = "/data/file";

  @Test
  void noProblemIsJustThePath() {
    List<IOException> problems =
        List.of(
            new AccessDeniedException(PATH),
            new DirectoryNotEmptyException(PATH),
            new FileAlreadyExistsException(PATH),
            new FileSystemException(PATH),
            new NoSuchFileException(PATH),
            new NotDirectoryException(PATH),
            new NotLinkException(PATH));
    for (IOException e : problems) {
      assertThat(e).hasMessage(PATH);
      assertThat(IoProblem.of(e)).isNotBlank().doesNotContain(PATH);
    }
  }

  @Test
  void theSystemsOwnWordsAreKept() {
    assertThat(IoProblem.of(new FileSystemException(PATH, null, "Read-only file system")))
        .isEqualTo("Read-only file system");
    assertThat(IoProblem.of(new IOException("No space left on device")))
        .isEqualTo("No space left on device");
    assertThat(IoProblem.of(new IOException())).isEqualTo("IOException");
  }
}
