package dev.changenet.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.changenet.onnx.lowering.LoweringCase;
import dev.changenet.onnx.lowering.LoweringCases;
import dev.changenet.onnx.lowering.LoweringOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The ONNX project's own checker, with shape inference, accepts exported files. Needs a Python with
 * the package onnx: {@code /usr/bin/python3}, or the one that {@code changenet.python} names.
 */
class PythonCheckerTest {
  private static final String PYTHON = System.getProperty("changenet.python", "/usr/bin/python3");

  private static final String SCRIPT =
      """
      import sys, onnx
      for path in sys.argv[1:]:
          try:
              onnx.checker.check_model(path, full_check=True)
              model = onnx.shape_inference.infer_shapes(onnx.load(path), strict_mode=True)
              for declared in model.graph.output:
                  assert declared.type.tensor_type.HasField("shape"), path
          except Exception as error:
              print(path, error)
              sys.exit(1)
      """;

  @TempDir Path folder;

  private record Result(int exitCode, String output) {}

  private Result python(List<String> arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(PYTHON, "-c"));
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    return new Result(process.waitFor(), output);
  }

  @ParameterizedTest
  @ValueSource(ints = {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24})
  void everyExportedOperationPassesTheChecker(int opset) throws Exception {
    assumeTrue(Files.isExecutable(Path.of(PYTHON)), PYTHON + " is absent");
    Result version = python(List.of("import onnx; print(onnx.defs.onnx_opset_version())"));
    assumeTrue(version.exitCode() == 0, PYTHON + " has no package onnx (python3-onnx)");
    assumeTrue(
        Integer.parseInt(version.output()) >= opset,
        PYTHON + "'s onnx knows operator sets up to " + version.output() + " only");
    List<String> arguments = new ArrayList<>(List.of(SCRIPT));
    for (List<LoweringCase> cases : LoweringCases.byOp().values()) {
      for (LoweringCase c : cases) {
        if (c.firstOpset() > opset) {
          continue;
        }
        for (boolean fold : new boolean[] {true, false}) {
          Path path = folder.resolve(arguments.size() + ".onnx");
          LoweringOptions options = new LoweringOptions(opset, fold, fold, Map.of("a", "b"));
          OnnxFile.write(c.export(new LoweringCase.Weights(), options, 1), path);
          arguments.add(path.toString());
        }
      }
    }
    Result result = python(arguments);
    assertThat(result.exitCode()).as(result.output()).isZero();
  }
}
