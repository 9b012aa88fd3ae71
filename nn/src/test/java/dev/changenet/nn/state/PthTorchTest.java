package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PyTorch itself opens what was written; skipped where it isn't installed. */
class PthTorchTest {
  private static final String PYTHON = System.getProperty("changenet.python", "/usr/bin/python3");

  @TempDir Path folder;

  private String python(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(PYTHON));
    command.addAll(List.of(arguments));
    Path output = folder.resolve("output.txt");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("finished in time").isTrue();
    return "exit " + process.exitValue() + "\n" + Files.readString(output);
  }

  private void requireTorch() throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of(PYTHON)), "no " + PYTHON + " to run PyTorch with");
    String result = python("-c", "import torch");
    assumeTrue(result.startsWith("exit 0"), "PyTorch is not installed for " + PYTHON);
  }

  private static StoredTensor typed(StoredType type, Consumer<ByteBuffer> fill) {
    byte[] bytes = new byte[2 * type.bytes()];
    fill.accept(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    return StoredTensor.ofBytes(type, new int[] {2}, bytes);
  }

  private static Map<String, Object> content() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("epoch", 7);
    root.put("big", BigInteger.TWO.pow(70));
    root.put("negative", -(1L << 40));
    root.put("rate", 1e-4);
    root.put("name", "Änderung");
    root.put("flag", true);
    root.put("nothing", null);
    root.put("list", List.of(1, 255, 256, 65535, 65536, -1, List.of(), Map.of()));
    root.put("tuple", Tuple.of(1, "x", 2.5, null, Tuple.of()));
    root.put("betas", Tuple.of(0.9, 0.999));

    OrderedDict state = new OrderedDict();
    float[] pooled = {0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 99};
    state.put("weight", StoredTensor.ofFloats(new int[] {2, 3}, pooled));
    state.put("bias", StoredTensor.ofFloats(new int[] {2}, new float[2]));
    state.put("steps", StoredTensor.longScalar(12));
    state.put("none", StoredTensor.ofFloats(new int[] {0, 4}, new float[0]));
    state.attributes().put("_metadata", new OrderedDict());
    root.put("state_dict", state);

    Map<String, Object> types = new LinkedHashMap<>();
    types.put("float64", StoredTensor.ofDoubles(new int[] {2}, new double[] {0.1, -1e300}));
    types.put("float32", StoredTensor.ofFloats(new int[] {2}, new float[] {0.25f, -2}));
    types.put(
        "float16",
        typed(StoredType.FLOAT16, b -> b.putShort((short) 0x3C00).putShort((short) 0xC000)));
    types.put(
        "bfloat16",
        typed(StoredType.BFLOAT16, b -> b.putShort((short) 0x3F80).putShort((short) 0xC000)));
    types.put("int64", StoredTensor.ofLongs(new int[] {2}, new long[] {1L << 62, -1}));
    types.put("int32", typed(StoredType.INT32, b -> b.putInt(7).putInt(-8)));
    types.put(
        "int16", typed(StoredType.INT16, b -> b.putShort((short) 300).putShort((short) -300)));
    types.put("int8", typed(StoredType.INT8, b -> b.put((byte) 127).put((byte) -128)));
    types.put("uint8", typed(StoredType.UINT8, b -> b.put((byte) 0).put((byte) 255)));
    types.put("bool", typed(StoredType.BOOL, b -> b.put((byte) 1).put((byte) 0)));
    root.put("types", types);

    Storage storage = StoredTensor.ofFloats(new int[] {4}, new float[] {0, 1, 2, 3}).storage();
    StoredTensor row = new StoredTensor(storage, new int[] {2}, new long[] {1}, 2);
    StoredTensor transposed = new StoredTensor(storage, new int[] {2, 2}, new long[] {1, 2}, 0);
    root.put("shared", List.of(row, transposed));

    Map<Object, Object> moments = new LinkedHashMap<>();
    moments.put(0, adamW(new int[] {2, 3}, 1, 2, 3, 4, 5, 6));
    moments.put(1, adamW(new int[] {2}, 1, 2));
    Map<String, Object> group = new LinkedHashMap<>();
    group.put("lr", 1e-4);
    group.put("betas", Tuple.of(0.9, 0.999));
    group.put("eps", 1e-8);
    group.put("weight_decay", 0.01);
    group.put("amsgrad", false);
    group.put("foreach", null);
    group.put("maximize", false);
    group.put("capturable", false);
    group.put("params", List.of(0, 1));
    root.put("optimizer_states", List.of(Map.of("state", moments, "param_groups", List.of(group))));
    return root;
  }

  private static Map<String, Object> adamW(int[] shape, float... values) {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("step", StoredTensor.floatScalar(3));
    state.put("exp_avg", StoredTensor.ofFloats(shape, values));
    state.put("exp_avg_sq", StoredTensor.ofFloats(shape, values));
    return state;
  }

  @ParameterizedTest
  @ValueSource(longs = {0xFFFFFFFFL, 0})
  void torchOpensWhatWasWrittenAndItsCopyIsReadBack(long zip32Limit) throws Exception {
    requireTorch();
    Path path = folder.resolve("written.pth");
    Path copy = folder.resolve("copy.pth");
    Path weights = folder.resolve("weights.pth");
    Map<String, Object> content = content();
    PthWriter.write(path, content, zip32Limit);
    PthWriter.write(
        weights,
        Map.of("state_dict", content.get("state_dict"), "types", content.get("types"), "epoch", 7),
        zip32Limit);

    String script = TestFiles.sample("open_with_torch.py").toString();
    String result = python(script, path.toString(), weights.toString(), copy.toString());
    assertThat(result).startsWith("exit 0").endsWith("OK\n");

    WeightsFile ours = WeightsFile.read(path);
    WeightsFile theirs = WeightsFile.read(copy);
    assertThat(theirs.map().keySet()).hasToString(ours.map().keySet().toString());
    ours.tensors("types")
        .forEach(
            (name, tensor) ->
                assertThat(theirs.tensor("types", name).toDoubles())
                    .as(name)
                    .containsExactly(tensor.toDoubles()));
  }

  @Test
  void torchReadsALargeTensor() throws Exception {
    requireTorch();
    Path path = folder.resolve("large.pth");
    float[] values = new float[3_000_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 1000;
    }
    PthWriter.write(path, Map.of("w", StoredTensor.ofFloats(new int[] {3, 1_000_000}, values)));
    String code =
        "import sys, torch; t = torch.load(sys.argv[1])['w'];"
            + " print(tuple(t.shape), int(t.double().sum()), int(t[2, 999_999]))";
    assertThat(python("-c", code, path.toString()))
        .isEqualTo("exit 0\n(3, 1000000) 1498500000 999\n");
    assertThat(Arrays.equals(WeightsFile.read(path).tensor("w").toFloats(), values)).isTrue();
  }
}
