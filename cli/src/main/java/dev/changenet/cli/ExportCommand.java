package dev.changenet.cli;

import dev.changenet.config.Task;
import picocli.CommandLine.Command;

/** {@code export}. */
@Command(
    name = "export",
    description = {
      "Write a trained network as an ONNX file that any ONNX runtime can load.",
      "",
      "The file goes to export.onnx_file, which must not exist yet; status.json and"
          + " experiment.yaml go into results_dir/export."
    },
    footer = {
      "",
      "Examples:",
      "  changenet export -e spec.yaml export.onnx_file=model.onnx \\",
      "      export.checkpoint=out/train/changenet_model_segment_latest.pth \\",
      "      export.input_width=256 export.input_height=256",
      "  changenet export -e spec.yaml export.onnx_file=model.etlt encryption_key=secret",
      "",
      "Inputs: input0 (folder A) and input1 (folder B), float32 N x 3 x H x W, normalised.",
      "Outputs: output0 to output3 and output_final, scores per class; the class with the highest",
      "score wins.",
      "",
      "Most important keys (all of them: --keys):",
      "  export.checkpoint                 the trained network (.pth)",
      "  export.onnx_file                  file to write: .onnx, or .etlt to encrypt it",
      "  export.input_width                width of the pictures, multiple of 16",
      "  export.input_height               height of the pictures, multiple of 16",
      "  export.batch_size                 fixed batch size, or -1 for any",
      "  export.opset_version              ONNX operator set",
      "  encryption_key                    key for .etlt",
      "",
      "Deprecated, still understood: -k KEY, -r RESULTS_DIR, -g GPUS."
    })
final class ExportCommand extends TaskCommand {
  ExportCommand(Terminal terminal) {
    super(Task.EXPORT, terminal);
  }
}
