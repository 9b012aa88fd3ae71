package dev.changenet.tensor.io;

import dev.changenet.tensor.ChangeNetException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of files and bytes, in lower-case hexadecimal. */
public final class Sha256 {
  private static final int PIECE = 1 << 16;

  private Sha256() {}

  /** Returns a digest of nothing so far. */
  public static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Returns what {@code digest} has seen. */
  public static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Returns the hash of {@code bytes}. */
  public static String of(byte[] bytes) {
    MessageDigest digest = digest();
    digest.update(bytes);
    return hex(digest);
  }

  /**
   * Returns the hash of a file's content.
   *
   * @throws ChangeNetException if it cannot be read
   */
  public static String of(Path file) {
    MessageDigest digest = digest();
    update(digest, file);
    return hex(digest);
  }

  /** Adds the content of {@code file}. */
  public static void update(MessageDigest digest, Path file) {
    byte[] piece = new byte[PIECE];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
        digest.update(piece, 0, n);
      }
    } catch (IOException e) {
      throw new ChangeNetException(file + ": cannot be read (" + IoProblem.of(e) + ")", e);
    }
  }
}
