package dev.changenet.tensor.cuda;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

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

  private static int cublasVersion() {
    for (int version : new int[] {12, 13}) {
      if (find("libcublasLt.so." + version) != null && find("libcublas.so." + version) != null) {
        return version;
      }
    }
    throw new CudaException(
        "neither libcublas.so.12 nor libcublas.so.13 (with libcublasLt) found in "
            + String.join(", ", folders().stream().map(Path::toString).toList())
            + "; install the CUDA libraries, or name their folders in "
            + PATH_VARIABLE);
  }

  /** Loads cuDNN; returns false when it isn't installed. */
  static boolean loadCudnn() {
    Path cudnn = find("libcudnn.so.9");
    if (cudnn == null) {
      return false;
    }
    load(cudnn);
    jcuda.jcudnn.JCudnn.initialize();
    return true;
  }

  private static void load(Path library) {
    try {
      System.load(library.toString());
    } catch (UnsatisfiedLinkError e) {
      throw new CudaException("cannot load " + library + ": " + e.getMessage() + ".", e);
    }
  }

  private static void initializeCublas(int version) {
    if (version == 12) {
      jcuda.jcublas.JCublas2.initialize();
      return;
    }
    String name = "libJCublas2-" + JCUDA_VERSION + "-linux-x86_64.so";
    try {
      Path folder = Files.createTempDirectory("changenet-cuda");
      Path patched = folder.resolve(name);
      writeRetargeted(name, "libcublas.so.12", "libcublas.so." + version, patched);
      // JCuda's loader takes a file of this name in the temporary folder when there is one.
      String before = System.getProperty("java.io.tmpdir");
      System.setProperty("java.io.tmpdir", folder.toString());
      try {
        jcuda.jcublas.JCublas2.initialize();
      } finally {
        System.setProperty("java.io.tmpdir", before);
        Files.deleteIfExists(patched);
        Files.deleteIfExists(folder);
      }
    } catch (IOException e) {
      throw new CudaException("cannot write a copy of " + name + ": " + e.getMessage() + ".", e);
    }
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
