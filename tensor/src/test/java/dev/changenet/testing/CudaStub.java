package dev.changenet.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The CUDA backend without a GPU: builds a driver, cuBLAS and the kernels for the host with g++, in
 * {@code target/cuda-stub}. What is up to date is not built again.
 *
 * <p>Used in test JVMs whose environment variables {@code CHANGENET_CUDA_PATH} and {@code
 * CHANGENET_FAKE_KERNELS} name that folder's {@code lib} and {@code kernels} (surefire execution
 * {@code cuda-stub}); {@code src/test/cuda/driver.cpp} says what else can be set.
 */
public final class CudaStub {
  private static final String BARRIER = "__syncthreads();";

  private static CudaStub instance;

  private final Path tensor = tensorModule();
  private final Path sources = tensor.resolve("src/test/cuda");
  private final Path cuda = tensor.resolve("src/main/resources/cuda");
  private final Path folder = buildFolder();

  private CudaStub() {}

  /** Builds what is missing; skips the calling test where g++ is absent. */
  public static synchronized CudaStub build() {
    requireCompiler();
    if (instance == null) {
      CudaStub stub = new CudaStub();
      stub.buildAll();
      instance = stub;
    }
    return instance;
  }

  /**
   * Skips the calling test where g++ is absent, or the system is none that JCuda has natives for.
   */
  public static void requireCompiler() {
    assumeTrue(
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64"),
        "the CUDA backend is for Linux on x86-64");
    assumeTrue(compilerPresent(), "g++ absent: install it to test the CUDA kernels without a GPU");
  }

  /** Runs g++ with {@code arguments}; an error shows what it said. */
  public static void gxx(String... arguments) {
    List<String> command = new ArrayList<>(List.of("g++"));
    command.addAll(List.of(arguments));
    run(command, arguments[arguments.length - 1]);
  }

  private static boolean compilerPresent() {
    return Stream.of(System.getenv("PATH").split(":"))
        .anyMatch(p -> Files.isExecutable(Path.of(p, "g++")));
  }

  private static Path buildFolder() {
    String kernels = System.getenv("CHANGENET_FAKE_KERNELS");
    return kernels == null
        ? Path.of(System.getProperty("basedir", ""), "target/cuda-stub")
        : Path.of(kernels).getParent();
  }

  private static Path tensorModule() {
    Path here = Path.of(System.getProperty("basedir", "")).toAbsolutePath();
    for (Path p : List.of(here, here.resolveSibling("tensor"))) {
      if (Files.isRegularFile(p.resolve("src/test/cuda/shim.h"))) {
        return p;
      }
    }
    throw new IllegalStateException("no src/test/cuda/shim.h in " + here);
  }

  /** Folder of the stub libraries. */
  public Path libraries() {
    return folder.resolve("lib").toAbsolutePath();
  }

  /** Folder of cuBLAS 13 without cuBLAS 12, with the driver. */
  public Path libraries13() {
    return folder.resolve("lib13").toAbsolutePath();
  }

  /** Folder of cuDNN alone. */
  public Path cudnn() {
    return folder.resolve("cudnn").toAbsolutePath();
  }

  /** Folder of the kernels' libraries. */
  public Path kernels() {
    return folder.resolve("kernels").toAbsolutePath();
  }

  /** Folder of the {@code .cu} files. */
  public Path cudaSources() {
    return cuda;
  }

  /** All kernel sources, by name. */
  public List<Path> families() {
    return list(cuda, ".cu");
  }

  private static List<Path> list(Path folder, String suffix) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(suffix)).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void buildAll() {
    try {
      for (Path p : List.of(libraries(), libraries13(), cudnn(), kernels())) {
        Files.createDirectories(p);
      }
      removeStale();
      try (ExecutorService pool =
          Executors.newFixedThreadPool(Math.min(4, Runtime.getRuntime().availableProcessors()))) {
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (Path cu : families()) {
          Path out = kernels().resolve(family(cu) + ".so");
          all.add(CompletableFuture.runAsync(() -> compile(cu, out), pool));
        }
        all.add(CompletableFuture.runAsync(this::buildLibraries, pool));
        all.forEach(CompletableFuture::join);
      }
      writePlaceholders();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (CompletionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  private static String family(Path cu) {
    return cu.getFileName().toString().replace(".cu", "");
  }

  private void removeStale() throws IOException {
    List<String> names = families().stream().map(f -> family(f) + ".so").toList();
    for (Path library : list(kernels(), ".so")) {
      if (!names.contains(library.getFileName().toString())) {
        Files.delete(library);
      }
    }
  }

  /** Compiles one {@code .cu} for the host. */
  public void compile(Path cu, Path library) {
    List<Path> inputs = new ArrayList<>(list(cuda, ".cuh"));
    if (!cu.getParent().equals(cuda)) {
      inputs.addAll(list(cu.getParent(), ".cuh"));
    }
    inputs.add(cu);
    for (String name : List.of("shim.h", "fibers.h", "compile.sh")) {
      inputs.add(sources.resolve(name));
    }
    String[] command = {
      "sh", sources.resolve("compile.sh").toString(), cu.toString(), library.toString(), "-I" + cuda
    };
    make(library, inputs, command);
  }

  /**
   * Compiles a family with one barrier taken out.
   *
   * @param file source or header that has the barrier
   * @param before text in it; the next {@code __syncthreads();} behind it is removed
   * @return the library
   */
  public Path withoutBarrier(String family, String file, String before) {
    Path copy = folder.resolve("faults").resolve(family + "-" + file).toAbsolutePath();
    try {
      Files.createDirectories(copy);
      for (Path header : list(cuda, ".cuh")) {
        plant(header, copy, file, before);
      }
      plant(cuda.resolve(family + ".cu"), copy, file, before);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Path library = copy.resolve(family + ".so");
    compile(copy.resolve(family + ".cu"), library);
    return library;
  }

  private static void plant(Path source, Path folder, String file, String before)
      throws IOException {
    String name = source.getFileName().toString();
    String text = Files.readString(source);
    if (name.equals(file)) {
      int from = text.indexOf(before);
      int at = from < 0 ? -1 : text.indexOf(BARRIER, from);
      if (at < 0) {
        throw new IllegalStateException("no barrier behind \"" + before + "\" in " + file);
      }
      text = text.substring(0, at) + text.substring(at + BARRIER.length());
    }
    Files.writeString(folder.resolve(name), text);
  }

  private void buildLibraries() {
    cpp("driver.cpp", libraries().resolve("libcuda.so.1"), "");
    cpp("driver.cpp", libraries13().resolve("libcuda.so.1"), "");
    cpp("cublas.cpp", libraries().resolve("libcublas.so.12"), "12");
    cpp("cublas.cpp", libraries13().resolve("libcublas.so.13"), "13");
    cpp("cublasLt.cpp", libraries().resolve("libcublasLt.so.12"), "12");
    cpp("cublasLt.cpp", libraries13().resolve("libcublasLt.so.13"), "13");
    cpp("cudnn.cpp", cudnn().resolve("libcudnn.so.9"), "9");
  }

  private void cpp(String source, Path library, String version) {
    String name = library.getFileName().toString();
    List<String> command =
        new ArrayList<>(
            List.of("g++", "-std=c++20", "-O2", "-fPIC", "-shared", "-fvisibility=hidden"));
    command.add("-Wl,-soname," + name);
    try {
      if (!version.isEmpty()) {
        Path map = Path.of(library + ".map");
        Files.writeString(map, name + " { global: cublas*; cudnn*; local: *; };\n");
        command.addAll(List.of("-DVERSION=" + version, "-Wl,--version-script=" + map));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Path input = sources.resolve(source);
    command.addAll(List.of("-o", library.toString(), input.toString()));
    List<Path> inputs = new ArrayList<>(list(sources, ".h"));
    inputs.add(input);
    make(library, inputs, command.toArray(String[]::new));
  }

  /** Where a family has no compiled kernels yet, the stub driver is content with anything. */
  private void writePlaceholders() throws IOException {
    Path bin = folder.resolveSibling("test-classes/cuda/bin");
    Files.createDirectories(bin);
    for (Path cu : families()) {
      Path ptx = cuda.resolve("bin/" + family(cu) + ".ptx");
      Path placeholder = bin.resolve(family(cu) + ".ptx");
      if (Files.exists(ptx)) {
        Files.deleteIfExists(placeholder);
      } else {
        Files.writeString(placeholder, "// for the stub driver\n");
      }
    }
  }

  private static void make(Path output, List<Path> inputs, String... command) {
    try {
      String key = hash(inputs, command);
      Path keyFile = Path.of(output + ".key");
      if (Files.exists(output) && Files.exists(keyFile) && Files.readString(keyFile).equals(key)) {
        return;
      }
      Files.deleteIfExists(keyFile);
      run(List.of(command), output.getFileName().toString());
      Files.writeString(keyFile, key);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void run(List<String> command, String what) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
        throw new IllegalStateException(
            "building " + what + " failed:\n" + String.join("\n", text.lines().limit(60).toList()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static String hash(List<Path> files, String... more) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(Arrays.toString(more).getBytes(StandardCharsets.UTF_8));
      for (Path file : files) {
        digest.update(Files.readAllBytes(file));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Order in which the threads and blocks of later launches run: usual, or last ones first. */
  public void setReverse(boolean reverse) {
    Linker linker = Linker.nativeLinker();
    SymbolLookup libc = linker.defaultLookup();
    try (Arena arena = Arena.ofConfined()) {
      int status =
          (int)
              linker
                  .downcallHandle(
                      libc.find("setenv").orElseThrow(),
                      FunctionDescriptor.of(
                          ValueLayout.JAVA_INT,
                          ValueLayout.ADDRESS,
                          ValueLayout.ADDRESS,
                          ValueLayout.JAVA_INT))
                  .invokeExact(
                      arena.allocateFrom("CHANGENET_SCHEDULE"),
                      arena.allocateFrom(reverse ? "reverse" : "forward"),
                      1);
      if (status != 0) {
        throw new IllegalStateException("setenv failed");
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Number of kernels that ran in this JVM so far. */
  public long launches() {
    try {
      return (long)
          Linker.nativeLinker()
              .downcallHandle(
                  symbol("changenet_launches"), FunctionDescriptor.of(ValueLayout.JAVA_LONG))
              .invokeExact();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Number of convolutions that the stub of cuDNN has computed in this JVM.
   *
   * @param kind 0: forward, 1: gradient of the input, 2: gradient of the weight
   * @param algorithm as in {@code cudnn.cpp}
   */
  public long convolutions(int kind, int algorithm) {
    MemorySegment function =
        SymbolLookup.libraryLookup(cudnn().resolve("libcudnn.so.9"), Arena.global())
            .find("cudnnStubRuns")
            .orElseThrow();
    try {
      return (long)
          Linker.nativeLinker()
              .downcallHandle(
                  function,
                  FunctionDescriptor.of(
                      ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT))
              .invokeExact(kind, algorithm);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Uses the kernels of {@code library} instead of those of the same names. */
  public void replaceKernels(Path library) {
    try (Arena arena = Arena.ofConfined()) {
      int done =
          (int)
              Linker.nativeLinker()
                  .downcallHandle(
                      symbol("changenet_replace"),
                      FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS))
                  .invokeExact(arena.allocateFrom(library.toString()));
      if (done == 0) {
        throw new IllegalStateException("no kernels in " + library);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private MemorySegment symbol(String name) {
    return SymbolLookup.libraryLookup(libraries().resolve("libcuda.so.1"), Arena.global())
        .find(name)
        .orElseThrow();
  }
}
