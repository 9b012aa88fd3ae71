package dev.changenet.export;

import dev.changenet.config.BackboneType;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.ExportSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.onnx.EtltFile;
import dev.changenet.onnx.OnnxException;
import dev.changenet.onnx.OnnxFile;
import dev.changenet.onnx.OnnxModel;
import dev.changenet.onnx.OnnxNode;
import dev.changenet.onnx.interpreter.OnnxEngine;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.FolderEntries;
import dev.changenet.tensor.io.IoProblem;
import dev.changenet.train.ChangeThreshold;
import dev.changenet.train.Checkpoint;
import dev.changenet.train.RunContext;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The {@code export} task. */
public final class ExportRun {
  private static final int GRID_SAMPLE = 16;

  private final RunContext context;
  private final Consumer<Path> betweenWriteAndProof;

  public ExportRun(RunContext context) {
    this(context, file -> {});
  }

  /**
   * @param betweenWriteAndProof sees the written file before it is proven
   */
  ExportRun(RunContext context, Consumer<Path> betweenWriteAndProof) {
    this.context = context;
    this.betweenWriteAndProof = betweenWriteAndProof;
  }

  public void run() {
    ExperimentSpec spec = context.spec();
    ExportSpec export = spec.export();
    Path target = export.onnxFile().toAbsolutePath();
    boolean encrypt = target.toString().endsWith(".etlt");
    Optional<ChangeThreshold> threshold =
        export.threshold().map(t -> ChangeThreshold.of(t, export.checkpoint()));
    threshold.flatMap(ChangeThreshold::warning).ifPresent(context.reporter()::warn);
    Map<String, String> metadata = ModelMetadata.of(spec, threshold);
    Proof proof = null;
    OnnxModel model;
    try (ChangeNet net = context.buildNetwork()) {
      WeightsFile weights = Checkpoint.open(export.checkpoint());
      InputSize.doubt(spec, weights).ifPresent(context.reporter()::warn);
      Checkpoint.loadModel(weights, export.checkpoint(), net);
      if (export.proof().enabled()) {
        proof = Proof.prepare(net, export, spec.segmentData(), context.interruption());
      }
      context.interruption().check();
      model = OnnxExport.lower(net, export, opset(), metadata);
    }
    if (export.verbose()) {
      for (OnnxNode node : model.graph().nodes()) {
        context.reporter().info(node.toString());
      }
    }
    if (encrypt) {
      OnnxFile.requireSingleFile(model, target, OnnxFile.SINGLE_FILE_LIMIT);
    }
    String summary =
        "ONNX graph: opset "
            + model.opset()
            + ", "
            + model.graph().nodes().size()
            + " nodes, "
            + model.dataBytes() / (1 << 20)
            + " MiB of weights";
    context.interruption().check();
    context.begin();
    // Nothing has the asked-for name before it is proven.
    removeStale(target);
    Path folder = temporaryFolder(target);
    Path written =
        folder.resolve(target.getFileName().toString().replaceFirst("\\.etlt$", ".onnx"));
    try {
      write(model, written, target);
      model = null; // Its constants are as large as the file: the proof needs the memory.
      context.reporter().info(summary);
      betweenWriteAndProof.accept(written);
      context.interruption().check();
      prove(proof, written);
      if (encrypt) {
        EtltFile.write(target, written, spec.encryptionKey().orElse(""));
      } else {
        OnnxFile.move(written, target);
      }
    } finally {
      remove(OnnxFile.dataPath(written));
      remove(written);
      remove(folder);
    }
    context.reporter().info("ONNX file stored at " + export.onnxFile());
  }

  private void prove(Proof proof, Path written) {
    ExportSpec.Proof settings = context.spec().export().proof();
    if (proof == null) {
      context.reporter().info("Proof: none (export.proof.enabled is false)");
      return;
    }
    context.reporter().info("Proving the file (export.proof.enabled=false skips this)");
    Proof.Result result =
        proof.compare(
            written,
            OnnxEngine.Choice.valueOf(settings.engine().toUpperCase(Locale.ROOT)),
            context.interruption());
    String facts = result.describe(settings.tolerance());
    if (!result.holds(settings.tolerance())) {
      throw new ChangeNetException(
          "export.proof: the file does not compute what the checkpoint does: "
              + facts
              + "; it was removed. Raise export.proof.tolerance if such a difference is acceptable,"
              + " otherwise report this");
    }
    context.reporter().info("Proof: " + facts);
  }

  /** The requested operator set; deformable attention needs GridSample, which 16 introduced. */
  private int opset() {
    int requested = context.spec().export().opsetVersion();
    BackboneType type = context.spec().model().backbone().type();
    if (type.isFan() || requested >= GRID_SAMPLE) {
      return requested;
    }
    context
        .reporter()
        .info(
            "export.opset_version: "
                + requested
                + " raised to "
                + GRID_SAMPLE
                + ", which "
                + type.key()
                + " needs");
    return GRID_SAMPLE;
  }

  private static void write(OnnxModel model, Path written, Path target) {
    try {
      OnnxFile.write(model, written);
    } catch (OnnxException e) {
      if (e.getCause() instanceof IOException io) {
        throw new ChangeNetException(
            "export.onnx_file: " + target + " can't be written: " + IoProblem.of(io), io);
      }
      throw e;
    }
  }

  /** A hidden folder beside the target, so that moving is one step. */
  private static Path temporaryFolder(Path target) {
    String name = "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".proof";
    try {
      return Files.createDirectories(target.resolveSibling(name));
    } catch (IOException e) {
      throw new ChangeNetException(
          "export.onnx_file: cannot write beside "
              + target
              + " ("
              + IoProblem.of(e)
              + "); choose another folder",
          e);
    }
  }

  /** Removes what processes left that were killed between writing and proving {@code target}. */
  private static void removeStale(Path target) {
    Pattern name =
        Pattern.compile(Pattern.quote("." + target.getFileName() + ".") + "([0-9]{1,18})\\.proof");
    try {
      for (Path entry : FolderEntries.matching(target.getParent(), "*.proof")) {
        Matcher m = name.matcher(entry.getFileName().toString());
        if (m.matches()
            && Files.isDirectory(entry)
            && ProcessHandle.of(Long.parseLong(m.group(1))).isEmpty()) {
          FolderEntries.matching(entry, "*").forEach(ExportRun::remove);
          remove(entry);
        }
      }
    } catch (NoSuchFileException | AccessDeniedException e) {
      // The folder is yet to be made, or may be written to but not listed: nothing to tidy up.
      return;
    } catch (IOException e) {
      throw new ChangeNetException(
          "export.onnx_file: cannot look for unfinished files beside "
              + target
              + " ("
              + IoProblem.of(e)
              + "); choose another folder",
          e);
    }
  }

  private static void remove(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new ChangeNetException(
          path + ": the temporary file cannot be removed (" + IoProblem.of(e) + ")", e);
    }
  }
}
