package dev.changenet.onnx;

import dev.changenet.tensor.io.AtomicFile;
import dev.changenet.tensor.io.IoProblem;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypted model container, {@code .etlt}.
 *
 * <p>Layout, integers little-endian: int32 0 (the length of an input name that only an older format
 * used); 8 bytes magic {@code CNETLT}, version 1, 0; int32 PBKDF2 iterations; 16 bytes salt; 7
 * bytes nonce; then the plain bytes in pieces of 1 MiB (the last one shorter, possibly empty), each
 * encrypted with AES-256-GCM and followed by its 16-byte tag. The key is PBKDF2-HMAC-SHA256 of the
 * passphrase's UTF-8 form and the salt. Piece i has the nonce {@code nonce ‖ i (big-endian int32) ‖
 * last (0 or 1)} and the whole header as associated data, so that exchanged, missing or appended
 * pieces are noticed. The cipher of NVIDIA's own {@code .etlt} files is not public: those files
 * can't be read, nor theirs read these.
 */
public final class EtltFile {
  private static final byte[] MAGIC = {'C', 'N', 'E', 'T', 'L', 'T', 1, 0};
  private static final int ITERATIONS = 600_000;
  private static final int MAX_ITERATIONS = 10_000_000;
  private static final int SALT = 16;
  private static final int NONCE = 7;
  private static final int HEADER = 4 + 8 + 4 + SALT + NONCE;
  private static final int PIECE = 1 << 20;
  private static final int TAG = 16;

  private EtltFile() {}

  /**
   * Encrypts {@code plain} into a new file, written under a temporary name and then moved.
   *
   * @throws OnnxException when the passphrase is empty or the file exists or can't be written
   */
  public static void write(Path path, InputStream plain, String passphrase) {
    Path target = path.toAbsolutePath();
    if (passphrase == null || passphrase.isEmpty()) {
      throw new OnnxException(path + ": an .etlt file needs a key: set encryption_key");
    }
    if (Files.exists(target)) {
      throw new OnnxException(path + " already exists: remove it or choose another name");
    }
    try {
      Files.createDirectories(target.getParent());
      AtomicFile.stream(target, out -> encrypt(plain, out, passphrase));
    } catch (IOException e) {
      throw new OnnxException(path + ": writing failed: " + IoProblem.of(e), e);
    }
  }

  /** Encrypts the file {@code plain} into the new file {@code path}. */
  public static void write(Path path, Path plain, String passphrase) {
    try (InputStream in = Files.newInputStream(plain)) {
      write(path, in, passphrase);
    } catch (IOException e) {
      throw new OnnxException(plain + ": can't be read: " + IoProblem.of(e), e);
    }
  }

  /**
   * Decrypts a file into memory.
   *
   * @throws OnnxException when it isn't such a file, is damaged or the passphrase is wrong
   */
  public static byte[] read(Path path, String passphrase) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    read(path, passphrase, out);
    return out.toByteArray();
  }

  /**
   * Decrypts a file to a stream; on failure what was written so far must be thrown away.
   *
   * @throws OnnxException as {@link #read(Path, String)}
   */
  public static void read(Path path, String passphrase, OutputStream out) {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(path), 1 << 16)) {
      decrypt(path, in, out, passphrase);
    } catch (IOException e) {
      throw new OnnxException(path + ": can't be read: " + IoProblem.of(e), e);
    }
  }

  private static void encrypt(InputStream plain, OutputStream out, String passphrase)
      throws IOException {
    byte[] header = new byte[HEADER];
    byte[] random = new byte[SALT + NONCE];
    new SecureRandom().nextBytes(random);
    ByteBuffer.wrap(header)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0)
        .put(MAGIC)
        .putInt(ITERATIONS)
        .put(random);
    out.write(header);
    SecretKey key = key(header, ITERATIONS, passphrase);
    byte[] piece = plain.readNBytes(PIECE);
    for (int i = 0; ; i++) {
      byte[] next = piece.length < PIECE ? new byte[0] : plain.readNBytes(PIECE);
      boolean last = next.length == 0;
      try {
        out.write(cipher(Cipher.ENCRYPT_MODE, key, header, i, last).doFinal(piece));
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("AES-GCM failed: " + e.getMessage(), e);
      }
      if (last) {
        return;
      }
      piece = next;
    }
  }

  private static void decrypt(Path path, InputStream in, OutputStream out, String passphrase)
      throws IOException {
    byte[] header = in.readNBytes(HEADER);
    if (header.length < HEADER
        || ByteBuffer.wrap(header).getInt(0) != 0
        || !Arrays.equals(header, 4, 12, MAGIC, 0, 8)) {
      throw new OnnxException(
          path
              + ": not an encrypted model of this program (files made by other tools use a cipher"
              + " that isn't public)");
    }
    int iterations = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getInt(12);
    if (iterations < 1 || iterations > MAX_ITERATIONS) {
      throw new OnnxException(path + ": damaged header (" + iterations + " key iterations)");
    }
    SecretKey key = key(header, iterations, passphrase == null ? "" : passphrase);
    byte[] piece = in.readNBytes(PIECE + TAG);
    for (int i = 0; ; i++) {
      byte[] next = piece.length < PIECE + TAG ? new byte[0] : in.readNBytes(PIECE + TAG);
      boolean last = next.length == 0;
      try {
        out.write(cipher(Cipher.DECRYPT_MODE, key, header, i, last).doFinal(piece));
      } catch (AEADBadTagException e) {
        throw new OnnxException(
            path
                + (i == 0
                    ? ": wrong encryption key, or the file is damaged"
                    : ": the file is damaged or cut off"),
            e);
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("AES-GCM failed: " + e.getMessage(), e);
      }
      if (last) {
        return;
      }
      piece = next;
    }
  }

  private static SecretKey key(byte[] header, int iterations, String passphrase) {
    // PBEKeySpec takes chars and encodes them as UTF-8; an empty password needs no special case.
    byte[] salt = Arrays.copyOfRange(header, 16, 16 + SALT);
    PBEKeySpec spec = new PBEKeySpec(passphrase.toCharArray(), salt, iterations, 256);
    try {
      byte[] bytes =
          SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
      return new SecretKeySpec(bytes, "AES");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("PBKDF2 is unavailable: " + e.getMessage(), e);
    } finally {
      spec.clearPassword();
    }
  }

  private static Cipher cipher(int mode, SecretKey key, byte[] header, int index, boolean last)
      throws GeneralSecurityException {
    byte[] iv =
        ByteBuffer.allocate(12)
            .put(header, HEADER - NONCE, NONCE)
            .putInt(index)
            .put((byte) (last ? 1 : 0))
            .array();
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, key, new GCMParameterSpec(8 * TAG, iv));
    cipher.updateAAD(header);
    return cipher;
  }
}
