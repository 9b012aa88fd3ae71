package dev.changenet.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.generate.GeneratorSettings;
import dev.changenet.generate.SceneGenerator;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.nn.state.WeightsFile;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** The smallest training a spec can ask for: pictures of 32 pixels, a decoder of width 8. */
final class TrainFixture {
  private static final String YAML =
      """
      train:
        seed: 7
        num_epochs: 2
        checkpoint_interval: 1
        validation_interval: 1
        optim: {optim: sgd, lr: 0.01}
      model:
        backbone: {type: fan_tiny_8_p4_hybrid}
        decode_head: {feature_strides: [4, 8, 16, 16], decoder_params: {embed_dim: 8}}
      dataset:
        segment:
          img_size: 32
          batch_size: 2
          workers: 0
          num_classes: 2
      """;

  private TrainFixture() {}

  /** Writes {@code train} training, two validation and two test pairs. */
  static Path data(Path root, int train) {
    SceneGenerator.generate(root, new GeneratorSettings(11, 32, train, 2, 2, 2));
    return root;
  }

  /** Loads a spec for {@code task} with batches of 2 and SGD, then applies {@code overrides}. */
  static ExperimentSpec spec(Task task, Path data, Path results, String... overrides)
      throws IOException {
    Path file = data.resolve("spec.yaml");
    if (!Files.exists(file)) {
      Files.writeString(file, YAML);
    }
    List<String> all = new ArrayList<>();
    all.add(task.key() + ".results_dir=" + results);
    all.add("dataset.segment.root_dir=" + data);
    all.addAll(List.of(overrides));
    return ExperimentSpec.load(file, all, task, Map.of());
  }

  /** Trains and returns the results directory. */
  static Path train(Path data, Path results, String... overrides) throws IOException {
    TaskRunner.run(spec(Task.TRAIN, data, results, overrides), Reporter.SILENT, new Interruption());
    return results;
  }

  static WeightsFile latest(Path results) {
    return WeightsFile.read(results.resolve(Checkpoint.LATEST));
  }

  /** The stored bits of weights, buffers and optimizer state by name. */
  static Map<String, List<Integer>> bits(WeightsFile file) {
    Map<String, List<Integer>> all = bits(file.tensors("state_dict"));
    file.map("optimizer_states", 0, "state")
        .forEach(
            (i, one) ->
                ((Map<?, ?>) one).forEach((k, t) -> all.put(i + "/" + k, bits((StoredTensor) t))));
    return all;
  }

  /** The same for the tensors of one dictionary. */
  static Map<String, List<Integer>> bits(Map<String, StoredTensor> tensors) {
    Map<String, List<Integer>> all = new LinkedHashMap<>();
    tensors.forEach((k, t) -> all.put(k, bits(t)));
    return all;
  }

  private static List<Integer> bits(StoredTensor t) {
    double[] values = t.toDoubles();
    List<Integer> out = new ArrayList<>();
    // A digest per thousand: the lists stay small and still show where a difference lies.
    for (int from = 0; from < values.length; from += 1000) {
      out.add(
          Arrays.hashCode(Arrays.copyOfRange(values, from, Math.min(values.length, from + 1000))));
    }
    return out;
  }

  /** The lines of {@code status.json}. */
  static List<JsonNode> status(Path results) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(results.resolve("status.json"))) {
      lines.add(new ObjectMapper().readTree(line));
    }
    return lines;
  }

  /** {@code STATUS message} of each line. */
  static List<String> messages(Path results) throws IOException {
    return status(results).stream()
        .map(l -> l.get("status").asText() + " " + l.get("message").asText())
        .toList();
  }

  /** The scores of the last line with {@code message}. */
  static JsonNode kpi(Path results, String message) throws IOException {
    return status(results).stream()
        .filter(l -> l.get("message").asText().equals(message))
        .toList()
        .getLast()
        .get("kpi");
  }

  /** Names of the files in {@code folder}. */
  static TreeSet<String> names(Path folder) throws IOException {
    TreeSet<String> names = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      entries.forEach(e -> names.add(e.getFileName().toString()));
    }
    return names;
  }
}
