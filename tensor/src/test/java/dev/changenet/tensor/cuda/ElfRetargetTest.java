package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.testing.CudaStub;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** On libraries made for the purpose: one with two versions, one that was linked to the first. */
class ElfRetargetTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path folder;

  private Path library(String version) throws IOException {
    Path source = write("dependency.cpp", "extern \"C\" int answer() { return " + version + "; }");
    Path map = write(version + ".map", "libchanged.so." + version + " { global: *; };");
    Path library = folder.resolve("libchanged.so." + version);
    CudaStub.gxx(
        "-shared",
        "-fPIC",
        "-Wl,-soname,libchanged.so." + version,
        "-Wl,--version-script=" + map,
        source.toString(),
        "-o",
        library.toString());
    return library;
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text + "\n");
  }

  private byte[] user(Path dependency) throws IOException {
    Path source =
        write(
            "user.cpp",
            "extern \"C\" int answer(); extern \"C\" int ask() { return answer() + 1000; }");
    Path user = folder.resolve("libuser.so");
    CudaStub.gxx(
        "-shared", "-fPIC", source.toString(), dependency.toString(), "-o", user.toString());
    return Files.readAllBytes(user);
  }

  @Test
  void aRetargetedLibraryUsesTheOtherVersion() throws Throwable {
    CudaStub.requireCompiler();
    byte[] image = user(library("12"));
    Path newer = library("13");
    Path patched = folder.resolve("libpatched.so");
    byte[] changed = ElfRetarget.retarget(image, "libchanged.so.12", "libchanged.so.13");
    assertThat(changed).hasSameSizeAs(image);
    Files.write(patched, changed);
    System.load(newer.toString());
    System.load(patched.toString());
    int answer =
        (int)
            Linker.nativeLinker()
                .downcallHandle(
                    SymbolLookup.loaderLookup().find("ask").orElseThrow(),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT))
                .invokeExact();
    assertThat(answer).isEqualTo(1013);
  }

  /** Without the version's hash, the loader refuses the library: the test can fail. */
  @Test
  void aChangedNameAloneIsRefused() throws IOException {
    CudaStub.requireCompiler();
    Path older = library("12");
    byte[] image = user(older);
    Path newer = library("13");
    String text = new String(image, StandardCharsets.ISO_8859_1);
    String renamed = text.replace("libchanged.so.12", "libchanged.so.13");
    Path file = folder.resolve("librenamed.so");
    Files.write(file, renamed.getBytes(StandardCharsets.ISO_8859_1));
    Files.delete(older);
    System.load(newer.toString());
    assertThatThrownBy(() -> System.load(file.toString()))
        .isInstanceOf(UnsatisfiedLinkError.class)
        .hasMessageContaining("libchanged.so.13");
  }

  @Test
  void whatCannotBeRetargetedIsRefused() throws IOException {
    CudaStub.requireCompiler();
    byte[] image = user(library("12"));
    assertThatThrownBy(() -> ElfRetarget.retarget(image, "libchanged.so.12", "libchanged.so.9"))
        .hasMessageContaining("differ in length");
    assertThatThrownBy(() -> ElfRetarget.retarget(image, "libother.so.12", "libother.so.13"))
        .hasMessage("the library doesn't need libother.so.12");
    assertThatThrownBy(() -> ElfRetarget.retarget(new byte[100], "liba.so.1", "liba.so.2"))
        .hasMessage("no 64-bit little-endian ELF file");
  }

  /** Values of the loader's own function for two names of version nodes. */
  @Test
  void hashIsThatOfSystemV() {
    assertThat(ElfRetarget.hash("GLIBC_2.2.5")).isEqualTo(0x09691a75);
    assertThat(ElfRetarget.hash("GLIBC_2.17")).isEqualTo(0x06969197);
  }
}
