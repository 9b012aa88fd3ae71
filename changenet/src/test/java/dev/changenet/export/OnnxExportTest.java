package dev.changenet.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Variable;
import dev.changenet.backbone.VitVariant;
import dev.changenet.model.ChangeNet;
import dev.changenet.onnx.OnnxFile;
import dev.changenet.onnx.OnnxModel;
import dev.changenet.onnx.interpreter.NdArray;
import dev.changenet.onnx.interpreter.OnnxInterpreter;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.GoldenFormula;
import dev.changenet.testing.LongTests;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Exported files against ONNX Runtime, with inputs other than the traced ones. */
class OnnxExportTest {
  private static final double LIMIT = 1e-4;

  /** Nodes that the reference exporter writes for fan_tiny. */
  private static final int REFERENCE_NODES = 2622;

  @TempDir Path folder;

  /** A ViT-Adapter network of the real structure and small sizes. */
  private static ChangeNet small(VitVariant.Core core, ChangeNet.Config config) {
    int hidden = core == VitVariant.Core.NV_DINO_V2 ? 40 : 192;
    return new ChangeNet(
        Device.CPU,
        new ChangeNet.Config(
            config.backbone(),
            0,
            config.embedDim(),
            config.classes(),
            List.of(4, 8, 16, 32),
            config.inIndex(),
            false,
            64,
            true,
            false),
        new VitVariant(core, 48, 8, 4, hidden, 0, 8, 6, 8, false));
  }

  private static ChangeNet network(String backbone, int embedDim, int classes) {
    ChangeNet.Config config = ChangeNet.Config.of(backbone, embedDim, classes);
    ChangeNet net =
        switch (backbone) {
          case "small nvdinov2" -> small(VitVariant.Core.NV_DINO_V2, config);
          case "small c_radio" -> small(VitVariant.Core.C_RADIO_V2, config);
          default -> new ChangeNet(Device.CPU, config);
        };
    for (Map.Entry<String, Tensor> e : net.stateDict().entrySet()) {
      ChangeNet.write(
          e.getValue(), GoldenFormula.entry("", e.getKey(), e.getValue().shape().toArray()));
    }
    return net;
  }

  @ParameterizedTest
  @CsvSource({
    "fan_tiny_8_p4_hybrid, 256, 2, 12, 64, 96",
    "fan_tiny_8_p4_hybrid, 64, 5, 17, 64, 64",
    "fan_small_12_p4_hybrid, 32, 2, 12, 64, 64",
    "fan_small_12_p4_hybrid, 32, 2, 17, 64, 64",
    "fan_base_16_p4_hybrid, 32, 2, 12, 32, 64",
    "fan_large_16_p4_hybrid, 32, 2, 17, 64, 32",
    "small nvdinov2, 32, 2, 16, 64, 64",
    "small nvdinov2, 32, 3, 17, 96, 64",
    "small c_radio, 32, 2, 16, 64, 64",
    "small c_radio, 32, 3, 17, 64, 96",
  })
  void outputsEqualTheEngines(
      String backbone, int embedDim, int classes, int opset, int height, int width)
      throws Exception {
    Path file = folder.resolve("model.onnx");
    try (ChangeNet net = network(backbone, embedDim, classes)) {
      OnnxModel model = OnnxExport.lower(net, -1, height, width, opset, Map.of());
      if (backbone.startsWith("fan_tiny")) {
        assertThat(model.graph().nodes().size()).isLessThan(REFERENCE_NODES);
      }
      OnnxFile.write(model, file);
      OrtEnvironment env = OrtSessions.environment();
      try (OrtSession session = OrtSessions.open(file)) {
        assertThat(session.getInputNames()).containsExactlyElementsOf(OnnxExport.INPUTS);
        assertThat(session.getOutputNames()).containsExactlyElementsOf(OnnxExport.OUTPUTS);
        for (int batch : new int[] {1, 2, 3}) {
          compare(env, session, net, batch, height, width);
        }
        interpreterAgrees(env, session, file, height, width);
      }
    }
    onnxCheckerAccepts(file);
  }

  /** Our interpreter and ONNX Runtime compute the same from a file. */
  private static void interpreterAgrees(
      OrtEnvironment env, OrtSession session, Path file, int height, int width)
      throws OrtException {
    float[] a = images(7, 3 * height * width)[0];
    float[] b = images(8, 3 * height * width)[0];
    int[] dims = {1, 3, height, width};
    long[] shape = {1, 3, height, width};
    try (OnnxTensor first = OnnxTensor.createTensor(env, FloatBuffer.wrap(a), shape);
        OnnxTensor second = OnnxTensor.createTensor(env, FloatBuffer.wrap(b), shape);
        OrtSession.Result theirs = session.run(Map.of("input0", first, "input1", second));
        OnnxInterpreter interpreter = OnnxInterpreter.open(file)) {
      Map<String, NdArray> ours =
          interpreter.run(Map.of("input0", NdArray.of(a, dims), "input1", NdArray.of(b, dims)));
      for (String name : OnnxExport.OUTPUTS) {
        FloatBuffer expected = ((OnnxTensor) theirs.get(name).orElseThrow()).getFloatBuffer();
        float[] actual = ours.get(name).floats();
        assertThat(actual.length).isEqualTo(expected.remaining());
        double worst = 0;
        double largest = 0;
        for (int i = 0; i < actual.length; i++) {
          double d = Math.abs(actual[i] - (double) expected.get(i));
          worst = Math.max(worst, d);
          largest = Math.max(largest, Math.abs(expected.get(i)));
        }
        assertThat(worst / largest).as(name + " interpreted").isLessThanOrEqualTo(LIMIT);
      }
    }
  }

  private static float[][] images(int seed, int n) {
    Random random = new Random(seed);
    float[][] images = new float[2][n];
    for (float[] image : images) {
      for (int i = 0; i < n; i++) {
        image[i] = random.nextFloat() * 2 - 1;
      }
    }
    return images;
  }

  /** One graph of open size in ONNX Runtime, against the engine at each size. */
  @ParameterizedTest
  @CsvSource({"fan_tiny_8_p4_hybrid, 12, false", "fan_small_12_p4_hybrid, 17, true"})
  void aGraphOfOpenSizeIsRightAtEachSize(String backbone, int opset, boolean align)
      throws Exception {
    Path file = folder.resolve("open.onnx");
    ChangeNet.Config c = ChangeNet.Config.of(backbone, 16, 3);
    try (ChangeNet net =
        new ChangeNet(
            Device.CPU,
            new ChangeNet.Config(
                c.backbone(),
                0,
                c.embedDim(),
                c.classes(),
                c.featureStrides(),
                c.inIndex(),
                align,
                c.imgSize(),
                false,
                false))) {
      for (Map.Entry<String, Tensor> e : net.stateDict().entrySet()) {
        ChangeNet.write(
            e.getValue(), GoldenFormula.entry("", e.getKey(), e.getValue().shape().toArray()));
      }
      OnnxFile.write(OnnxExport.lowerOpen(net, -1, opset, Map.of()), file);
      OrtEnvironment env = OrtSessions.environment();
      try (OrtSession session = OrtSessions.open(file)) {
        compare(env, session, net, 1, 64, 96);
        compare(env, session, net, 2, 128, 48);
        compare(env, session, net, 1, 32, 160);
        compare(env, session, net, 1, 16, 16);
      }
    }
    onnxCheckerAccepts(file);
  }

  @Test
  void constantsBesideTheFileGiveTheSameOutputs() throws Exception {
    Path file = folder.resolve("split.onnx");
    try (ChangeNet net = network("fan_tiny_8_p4_hybrid", 32, 2)) {
      OnnxFile.write(OnnxExport.lower(net, -1, 64, 32, 17, Map.of()), file, 1 << 20);
      assertThat(Files.size(OnnxFile.dataPath(file))).isGreaterThan(20 << 20);
      assertThat(Files.size(file)).isLessThan(2 << 20);
      OrtEnvironment env = OrtSessions.environment();
      try (OrtSession session = OrtSessions.open(file)) {
        for (int batch : new int[] {1, 2}) {
          compare(env, session, net, batch, 64, 32);
        }
      }
    }
    onnxCheckerAccepts(file);
  }

  /** The networks themselves, with the interpolated or cropped positions of another size. */
  @ParameterizedTest
  @CsvSource({
    "c_radio_v2_vit_base_patch16_224, 224, 3",
    "vit_large_nvdinov2, 128, 10",
    "c_radio_v2_vit_large_patch16_224, 128, 10",
    "c_radio_v2_vit_huge_patch16_224, 64, 10",
  })
  void fullSizeVitOutputsEqualTheEngines(String backbone, int size, int gib) throws Exception {
    LongTests.require();
    long heap = Runtime.getRuntime().maxMemory() >> 30;
    assumeTrue(heap >= gib, backbone + " needs a heap of " + gib + " GiB, this one has " + heap);
    Path file = folder.resolve("model.onnx");
    try (ChangeNet net = network(backbone, 256, 2)) {
      OnnxFile.write(OnnxExport.lower(net, -1, size, size, 17, Map.of()), file);
      OrtEnvironment env = OrtSessions.environment();
      try (OrtSession session = OrtSessions.open(file)) {
        for (int batch : new int[] {1, 2}) {
          compare(env, session, net, batch, size, size);
        }
      }
    } finally {
      HeapStorage.trimPool();
    }
  }

  private static void compare(
      OrtEnvironment env, OrtSession session, ChangeNet net, int batch, int height, int width)
      throws OrtException {
    float[][] images = images(batch, batch * height * width * 3);
    long[] shape = {batch, 3, height, width};
    try (OnnxTensor a = OnnxTensor.createTensor(env, FloatBuffer.wrap(images[0]), shape);
        OnnxTensor b = OnnxTensor.createTensor(env, FloatBuffer.wrap(images[1]), shape);
        OrtSession.Result result = session.run(Map.of("input0", a, "input1", b));
        Scope _ = Scope.open();
        NoGrad _ = NoGrad.open()) {
      List<Variable> ours =
          net.forward(
              image(images[0], batch, height, width), image(images[1], batch, height, width));
      for (int k = 0; k < OnnxExport.OUTPUTS.size(); k++) {
        OnnxTensor theirs = (OnnxTensor) result.get(OnnxExport.OUTPUTS.get(k)).orElseThrow();
        assertThat(relativeError(ours.get(k).data(), theirs))
            .as(OnnxExport.OUTPUTS.get(k) + " at batch " + batch)
            .isLessThanOrEqualTo(LIMIT);
      }
    }
  }

  private static Variable image(float[] nchw, int batch, int height, int width) {
    int pixels = height * width;
    float[] nhwc = new float[nchw.length];
    for (int b = 0; b < batch; b++) {
      for (int c = 0; c < 3; c++) {
        for (int p = 0; p < pixels; p++) {
          nhwc[(b * pixels + p) * 3 + c] = nchw[(b * 3 + c) * pixels + p];
        }
      }
    }
    return new Variable(Tensor.of(nhwc, batch, height, width, 3));
  }

  /** Largest difference over the largest absolute value; shapes [B, h, w, K] and [B, K, h, w]. */
  private static double relativeError(Tensor ours, OnnxTensor theirs) {
    int batch = ours.dim(0);
    int pixels = ours.dim(1) * ours.dim(2);
    int k = ours.dim(3);
    assertThat(theirs.getInfo().getShape()).containsExactly(batch, k, ours.dim(1), ours.dim(2));
    FloatBuffer values = theirs.getFloatBuffer();
    double worst = 0;
    double largest = 0;
    for (int b = 0; b < batch; b++) {
      for (int c = 0; c < k; c++) {
        for (int p = 0; p < pixels; p++) {
          double v = values.get((b * k + c) * pixels + p);
          double d = Math.abs(v - ours.at((b * pixels + p) * k + c));
          worst = Math.max(worst, d);
          largest = Math.max(largest, Math.abs(v));
        }
      }
    }
    return worst / largest;
  }

  private static void onnxCheckerAccepts(Path file) throws IOException, InterruptedException {
    if (run("import onnx") != 0) {
      Assumptions.abort(
          "outputs compared, but /usr/bin/python3 has no onnx module for the checker");
    }
    assertThat(run("import onnx; onnx.checker.check_model(onnx.load(r'" + file + "'))"))
        .as("onnx.checker")
        .isZero();
  }

  private static int run(String script) throws IOException, InterruptedException {
    if (!java.nio.file.Files.isExecutable(Path.of("/usr/bin/python3"))) {
      return 127;
    }
    Process process =
        new ProcessBuilder("/usr/bin/python3", "-c", script)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!process.waitFor(2, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new IllegalStateException("python did not end within two minutes");
    }
    return process.exitValue();
  }
}
