package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Variable;
import dev.changenet.check.MaskEncoding;
import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.Module;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Adam;
import dev.changenet.nn.optim.LossScale;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.optim.Sgd;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.OrderedDict;
import dev.changenet.nn.state.PthWriter;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.GoldenFormula;
import dev.changenet.testing.Npy;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(OneThread.class)
class CheckpointTest {
  private static final String PYTHON = System.getProperty("changenet.python", "/usr/bin/python3");

  private static final MaskEncoding MASKS = new MaskEncoding("norm", 2, List.of(0, 255));

  @TempDir Path folder;

  private static ChangeNet network(int embedDim) {
    return new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", embedDim, 2));
  }

  /** Gives every other parameter the state of some updates. */
  private static void fillState(Optimizer optimizer) {
    List<Parameter> parameters = optimizer.parameters();
    for (int i = 0; i < parameters.size(); i += 2) {
      List<float[]> slots = new ArrayList<>();
      for (int k = 0; k < optimizer.slots().size(); k++) {
        float[] values = new float[(int) parameters.get(i).shape().elements()];
        for (int j = 0; j < values.length; j++) {
          values[j] = (float) Math.abs(Math.sin(i + 7.0 * k + j)) * 1e-3f;
        }
        slots.add(values);
      }
      optimizer.restore(i, 5, slots);
    }
  }

  private Path save(ChangeNet net, Optimizer optimizer, String name, int stepSize) {
    return Checkpoint.save(
        folder,
        name,
        net,
        optimizer,
        new Checkpoint.Progress(4, 35, 0, 0, 0.5, stepSize),
        Map.of(Checkpoint.MASKS, MASKS.toMap(), Checkpoint.LOSS_SCALE, new LossScale().state()));
  }

  @Test
  void whatWasWrittenComesBackToTheBit() throws IOException {
    try (ChangeNet net = network(8);
        ChangeNet copy = network(8);
        Optimizer optimizer = Adam.adamW(net.parameters(), 0.25, 0.8, 0.95, 0.05);
        Optimizer other = Adam.adamW(copy.parameters(), 9, 0.1, 0.1, 9)) {
      net.initialize(1);
      copy.initialize(2);
      net.stateDict().get("backbone.blocks.0.mlp.mlp_v.dwconv.bn.num_batches_tracked").set(0, 70);
      fillState(optimizer);
      Path file = save(net, optimizer, "first.pth", 0);
      WeightsFile weights = Checkpoint.open(file);
      assertThat(weights.map().keySet().stream().map(String::valueOf))
          .contains(
              "epoch",
              "global_step",
              "pytorch-lightning_version",
              "state_dict",
              "loops",
              "callbacks",
              "optimizer_states",
              "lr_schedulers",
              "tao_model");
      assertThat(weights.text("tao_model")).isEqualTo("visual_changenet_segment");
      assertThat(weights.integer("epoch")).isEqualTo(4);
      assertThat(DataCheck.stored(weights)).contains(MASKS);
      assertThat(weights.map("loops").keySet().stream().map(String::valueOf))
          .contains("fit_loop", "validate_loop");
      assertThat(Files.readSymbolicLink(folder.resolve(Checkpoint.LATEST)))
          .hasToString("first.pth");

      Checkpoint.loadModel(weights, file, copy);
      Checkpoint.loadOptimizer(weights, file, other);
      Checkpoint.Progress progress = Checkpoint.progress(weights, file);
      assertThat(progress).isEqualTo(new Checkpoint.Progress(4, 35, 0, 0, 0.5, 0));
      assertThat(progress.nextEpoch()).isEqualTo(5);
      assertThat(other.hyperparameters()).containsEntry("weight_decay", 0.05);
      assertThat(other.lr()).isEqualTo(0.25);
      assertThat(other.steps(0)).isEqualTo(5);
      assertThat(other.state(1)).isNull();
      Path again = save(copy, other, "second.pth", 0);
      assertThat(Files.mismatch(file, again)).isEqualTo(-1);
      assertThat(Files.exists(folder.resolve("first.pth"), LinkOption.NOFOLLOW_LINKS)).isTrue();
    }
  }

  @Test
  void damageInTheOptimizersStateStopsAResumeOnly() throws IOException {
    try (ChangeNet net = network(8);
        Optimizer optimizer = Adam.adamW(net.parameters(), 0.25, 0.8, 0.95, 0.05)) {
      net.initialize(1);
      fillState(optimizer);
      Path file = save(net, optimizer, "damaged.pth", 0);
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      // Elements 1 and 2 of the state of the first parameter, see fillState.
      float one = (float) Math.sin(1) * 1e-3f;
      float two = (float) Math.sin(2) * 1e-3f;
      int at = 0;
      while (bytes.getFloat(at) != one || bytes.getFloat(at + 4) != two) {
        at += 4;
      }
      bytes.putFloat(at, 2 * one);
      Files.write(file, bytes.array());
      Checkpoint.loadModel(Checkpoint.open(file), file, net);
      assertThatThrownBy(() -> Checkpoint.openWhole(file))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("is damaged (its checksum is wrong)");
    }
  }

  @Test
  void progressInsideAnEpochIsKept() {
    try (ChangeNet net = network(8);
        Optimizer optimizer = new Sgd(net.parameters(), 0.25, 0.9, 0)) {
      net.initialize(1);
      Checkpoint.Progress inside = new Checkpoint.Progress(4, 38, 3, 1.75, 0.5, 2);
      Path file = Checkpoint.save(folder, "inside.pth", net, optimizer, inside);
      assertThat(Checkpoint.progress(Checkpoint.open(file), file)).isEqualTo(inside);
      assertThat(inside.nextEpoch()).isEqualTo(4);
    }
  }

  /** A checkpoint of SGD whose parameter group has another value for {@code key}. */
  private Path saveWith(ChangeNet net, Optimizer optimizer, String key, Object value) {
    WeightsFile weights = Checkpoint.open(save(net, optimizer, "plain.pth", 0));
    Map<Object, Object> group =
        new LinkedHashMap<>(weights.map("optimizer_states", 0, "param_groups", 0));
    group.put(key, value);
    Map<String, Object> root = new LinkedHashMap<>();
    weights.map().forEach((k, v) -> root.put((String) k, v));
    root.put(
        "optimizer_states",
        List.of(
            Map.of(
                "state", weights.map("optimizer_states", 0, "state"),
                "param_groups", List.of(group))));
    Path file = folder.resolve(key + ".pth");
    PthWriter.write(file, root);
    return file;
  }

  @Test
  void statesOfAnotherOptimizationAreRefused() {
    try (ChangeNet net = network(8);
        Optimizer optimizer = new Sgd(net.parameters(), 0.25, 0.9, 0)) {
      net.initialize(1);
      Path file = saveWith(net, optimizer, "nesterov", true);
      WeightsFile weights = Checkpoint.open(file);
      assertThatThrownBy(() -> Checkpoint.loadOptimizer(weights, file, optimizer))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(
              file
                  + ": training cannot resume from it, but train.pretrained_model_path can start"
                  + " from its weights: sgd has no nesterov: got nesterov=true, expected it off");
    }
  }

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

  @Test
  void pyTorchContinuesFromOurStates() throws Exception {
    assumeTrue(Files.isExecutable(Path.of(PYTHON)), "no " + PYTHON + " to run PyTorch with");
    assumeTrue(
        python("-c", "import torch").startsWith("exit 0"),
        "PyTorch is not installed for " + PYTHON);
    Path script = folder.resolve("continue_from_checkpoint.py");
    try (InputStream in = getClass().getResourceAsStream("/train/continue_from_checkpoint.py")) {
      Files.copy(in, script);
    }
    try (ChangeNet net = network(8)) {
      net.initialize(1);
      List<String> arguments = new ArrayList<>(List.of(script.toString()));
      for (String name : List.of("adamw", "adam", "sgd")) {
        Optimizer optimizer =
            switch (name) {
              case "adamw" -> Adam.adamW(net.parameters(), 0.25, 0.8, 0.95, 0.05);
              case "adam" -> Adam.adam(net.parameters(), 0.25, 0.8, 0.95, 0.05);
              default -> new Sgd(net.parameters(), 0.25, 0.9, 0.05);
            };
        try (optimizer) {
          fillState(optimizer);
          arguments.add(save(net, optimizer, name + ".pth", name.equals("sgd") ? 3 : 0).toString());
        }
      }
      assertThat(python(arguments.toArray(String[]::new)))
          .isEqualTo("exit 0\nAdamW LambdaLR OK\nAdam LambdaLR OK\nSGD StepLR OK\n");
    }
  }

  private static float[] channelsLast(String which) {
    float[] planes = GoldenFormula.image("g1", which, 1, 64, 64);
    float[] out = new float[planes.length];
    for (int p = 0; p < 64 * 64; p++) {
      for (int c = 0; c < 3; c++) {
        out[p * 3 + c] = planes[c * 64 * 64 + p];
      }
    }
    return out;
  }

  private static Variable image(String which) {
    return new Variable(Tensor.of(channelsLast(which), 1, 64, 64, 3));
  }

  @Test
  void aPyTorchCheckpointGivesItsRecordedOutputs() {
    Path file = ReferenceData.golden("checkpoints/changenet_fan_tiny_e32.pth");
    try (Scope _ = Scope.open();
        NoGrad _ = NoGrad.open();
        ChangeNet net = network(32)) {
      Checkpoint.loadModel(Checkpoint.open(file), file, net);
      net.eval();
      List<Variable> outputs = net.forward(image("x1"), image("x2"));
      assertThat(outputs).hasSize(5);
      for (int i = 0; i < outputs.size(); i++) {
        Npy golden =
            Npy.read(ReferenceData.golden("checkpoints/changenet_fan_tiny_e32_out_" + i + ".npy"));
        Tensor ours = outputs.get(i).data();
        double[] values = golden.values();
        assertThat(ours.elements()).isEqualTo(values.length);
        double largest = 0;
        double worst = 0;
        int pixels = ours.dim(1) * ours.dim(2);
        for (int k = 0; k < 2; k++) {
          for (int p = 0; p < pixels; p++) {
            double expected = values[k * pixels + p];
            largest = Math.max(largest, Math.abs(expected));
            worst = Math.max(worst, Math.abs(expected - ours.at(p * 2 + k)));
          }
        }
        assertThat(worst).as("output " + i).isLessThanOrEqualTo(1e-4 * largest);
      }
    }
  }

  @Test
  void trainingContinuesFromAPyTorchCheckpoint() throws IOException {
    Path file = ReferenceData.golden("checkpoints/changenet_fan_tiny_e32.pth");
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results =
        TrainFixture.train(
            data,
            folder.resolve("results"),
            "train.num_epochs=4",
            "train.checkpoint_interval=4",
            "train.validation_interval=4",
            "train.optim.optim=adamw",
            "model.decode_head.decoder_params.embed_dim=32",
            "train.resume_training_checkpoint_path=" + file);
    assertThat(TrainFixture.messages(results))
        .contains("RUNNING Resuming training from checkpoint: " + file);
    assertThat(TrainFixture.status(results).get(3).get("epoch").asInt()).isEqualTo(2);
    WeightsFile trained = TrainFixture.latest(results);
    assertThat(trained.integer("epoch")).isEqualTo(3);
    assertThat(trained.integer("global_step")).isEqualTo(3 + 2);
    // Stored base rate 1e-4, of which (1 − 4/5) is left after epoch 3; stored decay.
    assertThat(trained.number("lr_schedulers", 0, "base_lrs", 0)).isEqualTo(1e-4);
    assertThat(trained.number("optimizer_states", 0, "param_groups", 0, "lr"))
        .isCloseTo(2e-5, within(1e-12));
    assertThat(trained.number("optimizer_states", 0, "param_groups", 0, "weight_decay"))
        .isEqualTo(0.01);
    // A parameter with stored state counts on, one without begins.
    assertThat(trained.number("optimizer_states", 0, "state", 328, "step")).isEqualTo(3 + 2);
    assertThat(trained.number("optimizer_states", 0, "state", 335, "step")).isEqualTo(2);
  }

  @Test
  void aFrozenBackboneStaysAsItWasLoaded() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    OrderedDict state = new OrderedDict();
    try (ChangeNet net = network(8)) {
      net.initialize(99);
      for (Map.Entry<String, Tensor> e : net.stateDict().entrySet()) {
        if (e.getKey().startsWith("backbone.") && !e.getKey().endsWith("num_batches_tracked")) {
          if (e.getKey().endsWith("running_mean")) {
            float[] values = e.getValue().toFloatArray();
            Arrays.fill(values, 0.125f);
            Module.write(e.getValue(), values);
          }
          state.put(
              e.getKey(),
              StoredTensor.ofFloats(e.getValue().shape().toArray(), e.getValue().toFloatArray()));
        }
      }
    }
    state.put("backbone.head.weight", StoredTensor.ofFloats(new int[] {1}, new float[1]));
    Path file = folder.resolve("backbone.pth");
    PthWriter.write(file, Map.of("state_dict", state));
    Path results = folder.resolve("results");
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(
            Task.TRAIN,
            data,
            results,
            "train.optim.optim=adamw",
            "train.checkpoint_interval=2",
            "model.backbone.freeze_backbone=true",
            "model.backbone.pretrained_backbone_path=" + file),
        reporter,
        new Interruption());
    assertThat(reporter.lines)
        .anyMatch(
            l ->
                l.startsWith("Loaded backbone weights from " + file + ": matched ")
                    && l.contains("missing 8 (")
                    && l.contains(", unexpected 1 (head.weight), reshaped 0; all names in "))
        .contains("Backbone frozen");
    WeightsFile trained = TrainFixture.latest(results);
    Map<String, StoredTensor> after = trained.tensors("state_dict");
    state.remove("backbone.head.weight");
    Map<String, float[]> changed = new LinkedHashMap<>();
    state.forEach(
        (name, tensor) -> {
          float[] now = after.get("model." + name).toFloats();
          if (!Arrays.equals(now, ((StoredTensor) tensor).toFloats())) {
            changed.put(String.valueOf(name), now);
          }
        });
    assertThat(changed).isEmpty();
    assertThat(after.get("model.backbone.blocks.0.mlp.mlp_v.dwconv.bn.num_batches_tracked").item())
        .isZero();
    assertThat(after.get("model.decoder.linear_fuse.1.num_batches_tracked").item()).isEqualTo(2);
    // Frozen parameters keep their places in the list, without state.
    assertThat(trained.list("optimizer_states", 0, "param_groups", 0, "params")).hasSize(401);
    assertThat(trained.has("optimizer_states", 0, "state", 0)).isFalse();
    assertThat(trained.has("optimizer_states", 0, "state", 400)).isTrue();
  }
}
