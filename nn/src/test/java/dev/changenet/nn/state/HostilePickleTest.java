package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles made to run code, exhaust memory or time, or confuse the reader. */
@Timeout(20)
class HostilePickleTest {
  @TempDir Path folder;

  private static final long[] SHAPE = {4, 6};
  private static final long[] STRIDE = {6, 1};

  private static PickleBytes pickle() {
    return new PickleBytes();
  }

  private Object read(byte[] pickle) {
    return PthReader.read(TestFiles.archive(folder.resolve("hostile.pth"), pickle));
  }

  /** Name and pickle of each attack that must be refused. */
  static Map<String, byte[]> refused() {
    Map<String, byte[]> c = new LinkedHashMap<>();
    for (String call :
        List.of(
            "os system",
            "posix system",
            "nt system",
            "builtins eval",
            "builtins exec",
            "__builtin__ eval",
            "__builtin__ apply",
            "builtins getattr",
            "builtins __import__",
            "subprocess Popen",
            "torch load",
            "torch.hub load",
            "importlib import_module",
            "collections OrderedDict.fromkeys",
            "operator attrgetter",
            "runpy run_path",
            "omegaconf_fake system",
            "torch._utils _rebuild_xla_tensor")) {
      String[] name = call.split(" ");
      c.put(
          "REDUCE " + call,
          pickle().global(name[0], name[1]).text("touch /tmp/x").op(0x85, 'R').stop());
      c.put(
          "STACK_GLOBAL " + call,
          pickle().text(name[0]).text(name[1]).op(0x93).text("true").op(0x85, 'R').stop());
    }
    c.put("INST", pickle().ops("(").text("true").ops("ios\nsystem\n").stop());
    c.put("OBJ", pickle().ops("(").global("os", "system").text("true").ops("o").stop());
    c.put("EXT1", pickle().op(0x82, 1).stop());
    c.put("PERSID", pickle().ops("P0\n").stop());
    c.put("text INT", pickle().ops("I1\n").stop());
    c.put("text STRING", pickle().ops("S'x'\n").stop());
    c.put("NEXT_BUFFER", pickle().op(0x97).stop());
    c.put("protocol 0", "I1\n.".getBytes(StandardCharsets.US_ASCII));
    c.put("protocol 9", new byte[] {(byte) 0x80, 9, 'N', '.'});
    c.put("call of a text", pickle().text("os.system").ops(")R").stop());
    c.put("call of a tensor", tensor(0, SHAPE, STRIDE).ops(")R").stop());
    c.put("call without tuple", pickle().global("collections", "OrderedDict").ops("]R").stop());
    c.put("new object of a text", pickle().text("os").ops(")").op(0x81).stop());
    c.put(
        "hidden function in _rebuild_from_type_v2",
        pickle()
            .global("torch._tensor", "_rebuild_from_type_v2")
            .op('(')
            .global("os", "system")
            .global("torch", "Tensor")
            .text("true")
            .op(0x85)
            .ops("NtR")
            .stop());

    c.put("BINUNICODE8 2^60", pickle().op(0x8d).i64(1L << 60).ops("x").stop());
    c.put("BINUNICODE8 negative", pickle().op(0x8d).i64(-1).ops("x").stop());
    c.put("BINBYTES8 2^62", pickle().op(0x8e).i64(1L << 62).ops("x").stop());
    c.put("BYTEARRAY8 2^33", pickle().op(0x96).i64(1L << 33).ops("x").stop());
    c.put("BINUNICODE 2^32-1", pickle().ops("X").i32(-1).ops("x").stop());
    c.put("BINSTRING 2^31", pickle().ops("T").i32(Integer.MIN_VALUE).stop());
    c.put("LONG4 2^31-1", pickle().op(0x8b).i32(Integer.MAX_VALUE).stop());
    c.put("LONG4 negative", pickle().op(0x8b).i32(-5).stop());
    c.put("LONG4 of 5000 bytes", pickle().op(0x8b).i32(5000).raw(new byte[5000]).stop());
    c.put("FRAME 2^60 without content", pickle().op(0x95).i64(1L << 60).stop());
    c.put("endless name", pickle().ops("c").repeat(100_000, "a").stop());
    c.put("name without end", pickle().ops("cos").stop());
    c.put("text not UTF-8", pickle().ops("X").i32(2).op(0xC3, 0x28).stop());

    c.put("nothing", pickle().stop());
    c.put("pop of nothing", pickle().ops("0").stop());
    c.put("pop below a mark", pickle().ops("N(0").stop());
    c.put("group never opened", pickle().ops("t").stop());
    c.put("values left over", pickle().ops("NN").stop());
    c.put("group left open", pickle().ops("(N").stop());
    c.put("no STOP", pickle().ops("NN00").op(0x80).stop());
    c.put("memo entry never stored", pickle().ops("h").op(7).stop());
    c.put("memo of nothing", pickle().ops("q").op(7).stop());
    c.put("append to a text", pickle().text("x").ops("Na").stop());
    c.put("append to a tuple", pickle().ops(")Na").stop());
    c.put("entry on a list", pickle().ops("]NNs").stop());
    c.put("key without value", pickle().ops("}(Nu").stop());
    c.put("elements on a dictionary", pickle().ops("}(N").op(0x90).stop());
    c.put("attributes on a list", pickle().ops("]}b").stop());
    c.put("list as key", pickle().ops("}]Ns").stop());
    c.put("dictionary as set element", pickle().op(0x8f).ops("(}").op(0x90).stop());
    c.put("nested tuple as key", pickle().ops("}").ops("))").op(0x86).ops("Ns").stop());

    c.put("400 thousand marks", pickle().repeat(400_000, "(").stop());
    c.put("nested lists", pickle().repeat(100_000, "]").repeat(99_999, "a").stop());
    c.put("nested tuples", pickle().ops(")").repeat(100_000, "\u0085").stop());
    c.put("nested dictionaries", pickle().repeat(9_000, "}N").ops("N").repeat(9_000, "s").stop());
    c.put("too many steps", pickle().repeat(1_500_000, "N0").ops("N").stop());
    PickleBytes tuples = pickle().ops("}(");
    for (int i = 0; i < 30_000; i++) {
      // 31 * a + b is the same for all of them
      tuples.integer(i).integer(-31L * i).op(0x86).ops("N");
    }
    c.put("tuples of equal hash as keys", tuples.ops("u").stop());
    PickleBytes classes = pickle().ops("}(");
    for (int i = 0; i < 30_000; i++) {
      StringBuilder name = new StringBuilder();
      for (int bit = 0; bit < 15; bit++) {
        // Both have the same hash.
        name.append((i >> bit & 1) == 0 ? "Aa" : "BB");
      }
      classes.global("m", name.toString()).ops("N");
    }
    c.put("classes of equal hash as keys", classes.ops("u").stop());
    PickleBytes copies = pickle().ops("](").repeat(30_000, "N").ops("eq").op(0).ops("0");
    copies.global("builtins", "set").ops("q").op(1).ops("0");
    for (int i = 0; i < 1000; i++) {
      copies.ops("h").op(1).ops("h").op(0).op(0x85).ops("R0");
    }
    c.put("one list copied a thousand times", copies.ops("N").stop());

    c.put("storage key with a path", storage("../../etc/passwd", 24).stop());
    c.put("storage count negative", storage("0", -1).stop());
    c.put("storage count 2^62", storage("0", 1L << 62).stop());
    c.put("storage count one less", storage("0", 23).stop());
    c.put(
        "storage of an unknown type",
        pickle().tensor("QInt8Storage", "0", 96, 0, SHAPE, STRIDE).stop());
    c.put(
        "one storage with two types",
        pickle()
            .op('(')
            .tensor("FloatStorage", "0", 24, 0, SHAPE, STRIDE)
            .tensor("IntStorage", "0", 24, 0, SHAPE, STRIDE)
            .op('t')
            .stop());
    c.put("persistent id a text", pickle().text("0").ops("Q").stop());
    c.put("persistent id too short", pickle().text("storage").op(0x85).ops("Q").stop());
    c.put("offset negative", tensor(-1, SHAPE, STRIDE).stop());
    c.put("offset beyond", tensor(1, SHAPE, STRIDE).stop());
    c.put("offset overflow", tensor(Long.MAX_VALUE, SHAPE, STRIDE).stop());
    c.put("size negative", tensor(0, new long[] {-4, -6}, STRIDE).stop());
    c.put("size 2^40", tensor(0, new long[] {1L << 40}, new long[] {0}).stop());
    c.put("stride negative", tensor(23, SHAPE, new long[] {-6, 1}).stop());
    c.put("stride overflow", tensor(0, SHAPE, new long[] {Long.MAX_VALUE, 1}).stop());
    c.put("strides missing", tensor(0, SHAPE, new long[] {1}).stop());
    c.put(
        "element count overflow",
        tensor(0, new long[] {1L << 30, 1L << 30, 1L << 30}, new long[3]).stop());
    c.put("one element repeated 2^30 times", tensor(0, new long[] {1 << 30}, new long[1]).stop());
    c.put("a thousand dimensions", tensor(0, new long[1000], new long[1000]).stop());
    c.put(
        "tensor without arguments",
        pickle().global("torch._utils", "_rebuild_tensor_v2").ops(")R").stop());
    c.put(
        "tensor on a text instead of a storage",
        pickle().global("torch._utils", "_rebuild_tensor_v2").text("0").op(0x85, 'R').stop());
    return c;
  }

  private static PickleBytes tensor(long offset, long[] shape, long[] stride) {
    return pickle().tensor("FloatStorage", "0", 24, offset, shape, stride);
  }

  private static PickleBytes storage(String key, long count) {
    return pickle().tensor("FloatStorage", key, count, 0, SHAPE, STRIDE);
  }

  static Iterable<String> names() {
    return refused().keySet();
  }

  @ParameterizedTest
  @MethodSource("names")
  void refusesInOneLine(String name) {
    byte[] pickle = refused().get(name);
    assertThatThrownBy(() -> read(pickle))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(folder.resolve("hostile.pth") + ": ")
        .message()
        .hasLineCount(1)
        .hasSizeLessThan(600);
  }

  @Test
  void theCarrierOfTheAttacksIsItselfReadable() {
    assertThat(read(tensor(0, SHAPE, STRIDE).stop()))
        .isInstanceOfSatisfying(
            StoredTensor.class, t -> assertThat(t.toFloats()).containsOnly(0).hasSize(24));
  }

  @Test
  void controlCharactersOfNamesDontReachTheMessage() {
    assertThatThrownBy(
            () -> read(pickle().text("os\u001b[31m\n").text("x").op(0x93).ops(")R").stop()))
        .hasMessageContaining("'os?[31m?.x'");
  }

  @Test
  void aDictionaryMayContainItself() {
    Map<?, ?> map = (Map<?, ?>) read(pickle().ops("}q").op(0).ops("Nh").op(0).ops("s").stop());
    assertThat(map.get(null)).isSameAs(map);
  }

  @Test
  void aListMayContainItself() {
    List<?> list = (List<?>) read(pickle().ops("]q").op(0).ops("h").op(0).ops("a").stop());
    assertThat(list.get(0)).isSameAs(list);
  }

  @Test
  void doublingTuplesCostsNothing() {
    PickleBytes doubling = pickle().ops(")");
    for (int i = 0; i < 60; i++) {
      doubling.ops("2").op(0x86);
    }
    byte[] bytes = doubling.stop();
    // Only its class is looked at: walking through the result would take for ever.
    assertThat(assertTimeout(Duration.ofSeconds(5), () -> read(bytes)) instanceof Tuple).isTrue();
  }

  @Test
  void namesOfFunctionsAreHarmlessWhileNotCalled() {
    assertThat(read(pickle().global("os", "system").stop()))
        .isEqualTo(new PythonClass("os.system"));
    Object made = read(pickle().global("os", "system").text("true").op(0x85, 0x81).stop());
    assertThat(made)
        .isInstanceOfSatisfying(
            PythonObject.class, o -> assertThat(o.className()).isEqualTo("os.system"));
  }

  @Test
  void dataConstructorsOfTrainingToolsStayInert() {
    PickleBytes p = pickle().op('(');
    p.global("pathlib", "PosixPath").text("/").text("tmp").op(0x86, 'R');
    p.global("_operator", "getitem").global("typing", "List").global("builtins", "int");
    p.op(0x86, 'R');
    p.global("nvidia_tao_core.config", "Mode").integer(1).op(0x85, 'R');
    p.global("collections", "defaultdict").global("builtins", "list").op(0x85, 'R');
    p.global("torch", "Size").integer(3).integer(4).op(0x86, 0x85, 'R');
    p.global("_codecs", "encode").text("\u00ff\u0001").text("latin1").op(0x86, 'R');
    p.global("numpy.core.multiarray", "scalar");
    p.global("numpy", "dtype").text("f8").op(0x89, 0x88, 0x87, 'R');
    p.op('C', 8, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F).op(0x86, 'R');
    p.ops("t");
    List<?> items = (List<?>) read(p.stop());
    assertThat(items.get(0)).hasToString("PythonObject(pathlib.PosixPath)");
    assertThat(items.get(1)).hasToString("PythonObject(_operator.getitem)");
    assertThat(items.get(2)).hasToString("PythonObject(nvidia_tao_core.config.Mode)");
    assertThat(items.get(3)).isEqualTo(Map.of());
    assertThat(items.get(4)).isEqualTo(List.of(3L, 4L));
    assertThat(items.get(5)).isEqualTo(new byte[] {(byte) 0xFF, 1});
    assertThat(items.get(6)).isEqualTo(1.5);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 9})
  void refusesCompressedEntriesWithoutUnpackingThem(int level) throws Exception {
    Path path = folder.resolve("bomb.pth");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path))) {
      zip.setLevel(level);
      zip.putNextEntry(new ZipEntry("a/data.pkl"));
      zip.write(new byte[1 << 20]);
      zip.closeEntry();
    }
    assertThatThrownBy(() -> PthReader.read(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("'a/data.pkl' is compressed or encrypted");
  }

  @Test
  void refusesDamagedWeights() {
    Path path = TestFiles.archive(folder.resolve("hostile.pth"), tensor(0, SHAPE, STRIDE).stop());
    byte[] bytes = TestFiles.bytes(path);
    int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("a/data/0");
    while ((at + 8) % 64 != 0) {
      at++;
    }
    bytes[at + 8 + 10] ^= 4;
    TestFiles.write(path, bytes);
    assertThatThrownBy(() -> PthReader.read(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("zip entry 'a/data/0' is damaged");
    WeightsFile asNeeded = WeightsFile.readAsNeeded(path);
    StoredTensor damaged = asNeeded.tensor();
    for (int again = 0; again < 2; again++) {
      assertThatThrownBy(damaged::toFloats)
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("zip entry 'a/data/0' is damaged");
    }
  }

  @Test
  void refusesOtherKindsOfArchives() {
    byte[] none = pickle().ops("N").stop();
    Path path = folder.resolve("other.pth");
    Map<String, byte[]> script = Map.of("a/data.pkl", none, "a/constants.pkl", none);
    assertThatThrownBy(() -> PthReader.read(TestFiles.zip(path, script)))
        .hasMessageContaining("TorchScript");
    Map<String, byte[]> two = Map.of("a/data.pkl", none, "b/data.pkl", none);
    assertThatThrownBy(() -> PthReader.read(TestFiles.zip(path, two)))
        .hasMessageContaining("more than one data.pkl");
    Map<String, byte[]> big = Map.of("a/data.pkl", none, "a/byteorder", new byte[] {'b', 'i', 'g'});
    assertThatThrownBy(() -> PthReader.read(TestFiles.zip(path, big)))
        .hasMessageContaining("byte order 'big'");
  }

  /** However small a file, entries that share their bytes would take as long as a large one. */
  @Test
  void entriesThatShareTheirBytesAreRefused() {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("a/data/0", new byte[20_000]);
    entries.put("a/data/1", new byte[1]);
    entries.put("a/data.pkl", pickle().ops("N").stop());
    Path path = TestFiles.zip(folder.resolve("shared.pth"), entries);
    assertThat(PthReader.read(path)).isNull();
    ByteBuffer file = ByteBuffer.wrap(TestFiles.bytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    int[] records = new int[2];
    for (int at = 0, n = 0; n < 2; at++) {
      if (file.getInt(at) == 0x02014b50) {
        records[n++] = at;
      }
    }
    // Checksum and sizes, and where the entry lies.
    for (int field : new int[] {16, 20, 24, 42}) {
      file.putInt(records[1] + field, file.getInt(records[0] + field));
    }
    Path bad = TestFiles.write(folder.resolve("bad.pth"), file.array());
    assertThatThrownBy(() -> PthReader.read(bad))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("zip entries overlap");
  }
}
