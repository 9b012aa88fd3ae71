package dev.changenet.tensor.cuda;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import jcuda.driver.JCudaDriver;

/**
 * Finds NVIDIA's shared libraries and loads them, so that JCuda's natives find them.
 *
 * <p>Looked through, in this order: {@code CHANGENET_CUDA_PATH} (folders, separated by colons),
 * {@code LD_LIBRARY_PATH}, and the usual places of a CUDA toolkit and of the system. CUDA 12 is
 * taken as it is; for CUDA 13 the natives are retargeted (see {@link ElfRetarget}).
 */
final class CudaLibraries {
  /** Environment variable with the folders of the CUDA libraries. */
  static final String PATH_VARIABLE = "CHANGENET_CUDA_PATH";

  private static final String JCUDA_VERSION = "12.6.0";

  // The first bytes of a 64-bit ELF file, where its fields lie and what they hold.
  private static final int HEAD = 64;
  private static final int ELF = 0x464c457f;
  private static final int MACHINE = 18;
  private static final int X86_64 = 62;
  private static final int PROGRAM_HEADERS = 32;
  private static final int PROGRAM_HEADER_SIZE = 54;
  private static final int PROGRAM_HEADER_COUNT = 56;

  // The same of a segment's header.
  private static final int SEGMENT = 56;
  private static final int LOADED = 1;
  private static final int SEGMENT_START = 8;
  private static final int SEGMENT_LENGTH = 32;

  private static final List<String> USUAL =
      List.of(
          "/usr/local/cuda/lib64",
          "/usr/local/cuda/targets/x86_64-linux/lib",
          "/usr/local/cuda-13/lib64",
          "/usr/local/cuda-12/lib64",
          "/usr/lib/x86_64-linux-gnu",
          "/usr/lib64",
          "/usr/lib",
          "/usr/local/nvidia/lib64");

  private CudaLibraries() {}

  private static List<Path> folders() {
    Set<String> names = new LinkedHashSet<>();
    for (String variable : new String[] {PATH_VARIABLE, "LD_LIBRARY_PATH"}) {
      String value = System.getenv(variable);
      if (value != null) {
        names.addAll(List.of(value.split(File.pathSeparator)));
      }
    }
    names.addAll(USUAL);
    List<Path> folders = new ArrayList<>();
    for (String name : names) {
      if (!name.isBlank() && Files.isDirectory(Path.of(name))) {
        folders.add(Path.of(name));
      }
    }
    return folders;
  }

  /** Returns where the library is, or null. */
  static Path find(String fileName) {
    for (Path folder : folders()) {
      Path file = folder.resolve(fileName);
      if (Files.isRegularFile(file)) {
        return file.toAbsolutePath();
      }
    }
    return null;
  }

  /** Loads the driver's library from a folder of the search path, when one of them has it. */
  static void loadDriver() {
    Path driver = find("libcuda.so.1");
    if (driver != null) {
      load(driver);
    }
  }

  /** A sentence about folders in the variable that are none, or nothing. */
  static String wrongFolders() {
    String value = System.getenv(PATH_VARIABLE);
    if (value == null) {
      return "";
    }
    List<String> wrong =
        Stream.of(value.split(File.pathSeparator))
            .filter(name -> !name.isBlank() && !Files.isDirectory(Path.of(name)))
            .toList();
    return wrong.isEmpty()
        ? ""
        : "; " + PATH_VARIABLE + " names " + String.join(", ", wrong) + ", where no folder is";
  }

  /** Throws when cuBLAS isn't installed. */
  static void requireCublas() {
    cublasVersion();
  }

  /** Loads cuBLAS, and JCublas2's native library for it. */
  static void loadCublas() {
    int version = cublasVersion();
    load(find("libcublasLt.so." + version));
    load(find("libcublas.so." + version));
    initializeCublas(version);
  }

  /** The version that is found first; 12 where a folder has both. */
  private static int cublasVersion() {
    for (Path folder : folders()) {
      for (int version : new int[] {12, 13}) {
        if (Files.isRegularFile(folder.resolve("libcublas.so." + version))
            && find("libcublasLt.so." + version) != null) {
          return version;
        }
      }
    }
    throw new CudaException(
        "neither libcublas.so.12 nor libcublas.so.13 (with libcublasLt) found in "
            + String.join(", ", folders().stream().map(Path::toString).toList())
            + "; install the CUDA libraries, or name their folders in "
            + PATH_VARIABLE
            + wrongFolders());
  }

  /** Loads cuDNN; returns false when it isn't installed. */
  static boolean loadCudnn() {
    Path cudnn = find("libcudnn.so.9");
    if (cudnn == null) {
      return false;
    }
    load(cudnn);
    loadNative("JCudnn", folder -> {}, jcuda.jcudnn.JCudnn::initialize);
    return true;
  }

  private static void load(Path library) {
    requireElf(library);
    try {
      System.load(library.toString());
    } catch (UnsatisfiedLinkError e) {
      // The loader puts the path in front, once or twice.
      String reason = String.valueOf(e.getMessage()).replace(library + ": ", "");
      throw new CudaException("cannot load " + library + ": " + reason + ".", e);
    }
  }

  /**
   * Refuses what is plainly no library for this machine, of which Java would warn by itself, and
   * what is only a part of one, at which the process would end.
   */
  private static void requireElf(Path library) {
    try (FileChannel file = FileChannel.open(library)) {
      ByteBuffer head = read(file, 0, HEAD);
      if (head == null || head.getInt(0) != ELF || head.getShort(MACHINE) != X86_64) {
        throw new CudaException("cannot load " + library + ": it is no shared library for x86-64.");
      }
      long end = endOfSegments(file, head);
      if (end > file.size()) {
        throw new CudaException(
            "cannot load "
                + library
                + ": it is incomplete, "
                + file.size()
                + " bytes of at least "
                + end
                + "; install it again.");
      }
    } catch (IOException e) {
      throw new CudaException("cannot read " + library + ": " + e.getMessage() + ".", e);
    }
  }

  /** Returns how long a file must be to hold its table of segments and them. */
  private static long endOfSegments(FileChannel file, ByteBuffer head) throws IOException {
    long table = head.getLong(PROGRAM_HEADERS);
    int size = Short.toUnsignedInt(head.getShort(PROGRAM_HEADER_SIZE));
    int count = Short.toUnsignedInt(head.getShort(PROGRAM_HEADER_COUNT));
    long end = table + (long) size * count;
    for (int i = 0; i < count; i++) {
      ByteBuffer segment = read(file, table + (long) i * size, SEGMENT);
      if (segment != null && segment.getInt(0) == LOADED) {
        end = Math.max(end, segment.getLong(SEGMENT_START) + segment.getLong(SEGMENT_LENGTH));
      }
    }
    return end;
  }

  /** Returns some bytes of a file, or null where it has none. */
  private static ByteBuffer read(FileChannel file, long at, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      // A damaged table may begin anywhere.
      if (at < 0 || file.read(bytes, at + bytes.position()) < 0) {
        return null;
      }
    }
    return bytes;
  }

  /** Loads JCuda's native library for the driver. */
  static void loadJCudaDriver() {
    loadNative("JCudaDriver", folder -> {}, () -> JCudaDriver.setExceptionsEnabled(false));
  }

  private static void initializeCublas(int version) {
    String name = "libJCublas2-" + JCUDA_VERSION + "-linux-x86_64.so";
    loadNative(
        "JCublas2",
        folder -> {
          if (version != 12) {
            writeRetargeted(
                name, "libcublas.so.12", "libcublas.so." + version, folder.resolve(name));
          }
        },
        jcuda.jcublas.JCublas2::initialize);
  }

  private interface Preparation {
    void in(Path folder) throws IOException;
  }

  /**
   * Lets JCuda unpack a native library and load it, in a folder that is nobody else's: its loader
   * takes a file of the right name that is already in the temporary folder.
   */
  private static void loadNative(String what, Preparation preparation, Runnable initialize) {
    String before = System.getProperty("java.io.tmpdir");
    try {
      Path folder = Files.createTempDirectory("changenet-cuda");
      try {
        preparation.in(folder);
        System.setProperty("java.io.tmpdir", folder.toString());
        initialize.run();
      } finally {
        System.setProperty("java.io.tmpdir", before);
        delete(folder);
      }
    } catch (IOException e) {
      throw new CudaException(unpackFailure(what, before, e.toString()), e);
    } catch (UnsatisfiedLinkError e) {
      // Some eighty lines; the last that names an error is the cause.
      String cause =
          String.valueOf(e.getMessage())
              .lines()
              .map(String::strip)
              .filter(line -> line.contains("Error: ") || line.contains("Exception: "))
              .reduce((first, last) -> last)
              .orElse("");
      throw new CudaException(unpackFailure(what, before, cause), e);
    }
  }

  /**
   * Deletes a folder of files. What can't be deleted stays: some network file systems keep loaded
   * libraries, and the library itself is fine.
   */
  private static void delete(Path folder) {
    File[] files = folder.toFile().listFiles();
    for (File file : files == null ? new File[0] : files) {
      file.delete();
    }
    folder.toFile().delete();
  }

  private static String unpackFailure(String what, String folder, String cause) {
    return "JCuda's native library "
        + what
        + " cannot be loaded from the temporary folder "
        + folder
        + (cause.isEmpty() ? "" : " (" + cause + ")")
        + "; another one can be named with CHANGENET_JAVA_OPTS=-Djava.io.tmpdir=<folder>";
  }

  private static void writeRetargeted(String name, String from, String to, Path file)
      throws IOException {
    byte[] image;
    try (InputStream in = CudaLibraries.class.getResourceAsStream("/lib/" + name)) {
      if (in == null) {
        throw new CudaException(
            "JCuda's native library " + name + " is not on the class path; reinstall ChangeNet.");
      }
      image = in.readAllBytes();
    }
    Path temporary = file.resolveSibling(name + ".tmp");
    Files.write(temporary, ElfRetarget.retarget(image, from, to));
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
