package dev.changenet.nn.state;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds the backbone weights in a pretrained file and gives them the names the backbone uses.
 *
 * <p>Source: the loading rules of TAO's {@code pretrained_backbone_path}, including their order.
 */
public final class BackboneKeys {
  private static final List<String> PREFIXES =
      List.of(
          "backbone.",
          "model.model.backbone.",
          "model.backbone.",
          "model.encoder.",
          "model.decoder.",
          "model.");

  private static final List<String> RADIO_PREFIXES =
      List.of("radio_model.model.", "base_model.", "radio.radio.model.");

  /** Where the core lies in the backbone of a C-RADIO ChangeNet checkpoint. */
  private static final String RADIO_CHECKPOINT_CORE = "radio.radio.radio.model.";

  private BackboneKeys() {}

  /**
   * Returns the weights of {@code file} under the backbone's own names.
   *
   * <p>They are looked up in "state_dict", then "model", then at the top; entries that are no
   * tensors are left out. Where two names become one, the later wins.
   *
   * @throws CheckpointException if the file is encrypted, is a checkpoint of another TAO task, or
   *     holds no weights
   */
  public static Map<String, StoredTensor> rename(WeightsFile file) {
    if (file.has("state_dict_encrypted")) {
      throw new CheckpointException(
          file.path(),
          "the weights are encrypted, which can't be read; export them without encryption");
    }
    boolean classification = file.has("tao_model");
    if (classification) {
      requireClassification(file);
    }
    Map<String, StoredTensor> renamed = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : table(file, classification).entrySet()) {
      if (entry.getKey() instanceof String name && entry.getValue() instanceof StoredTensor t) {
        Optional<String> newName =
            classification ? Optional.of(withoutPrefix(name, "model.")) : rename(name);
        newName.ifPresent(n -> renamed.put(n, t));
      }
    }
    if (renamed.isEmpty()) {
      throw new CheckpointException(
          file.path(), "holds no backbone weights under \"state_dict\", \"model\" or at the top");
    }
    return renamed;
  }

  private static void requireClassification(WeightsFile file) {
    if (isWholeModel(file)) {
      throw new CheckpointException(
          file.path(),
          "holds a whole ChangeNet, not the weights of a backbone alone; give it as"
              + " train.pretrained_model_path instead of model.backbone.pretrained_backbone_path");
    }
    boolean typed = file.has("tao_model_type");
    if (typed || !"classification".equals(file.get("tao_model"))) {
      throw new CheckpointException(
          file.path(),
          "can't serve as backbone weights: its tao_model is "
              + WeightsFile.describe(file.get("tao_model"))
              + (typed ? " with a tao_model_type" : "")
              + ", expected 'classification' without one");
    }
  }

  /** A ChangeNet checkpoint has an encoder and a decoder side by side. */
  private static boolean isWholeModel(WeightsFile file) {
    if (!file.has("state_dict") || isTensor(file, "state_dict")) {
      return false;
    }
    Set<?> names = file.map("state_dict").keySet();
    return Stream.of("model.backbone.", "model.decoder.")
        .allMatch(part -> names.stream().anyMatch(n -> String.valueOf(n).startsWith(part)));
  }

  private static Map<?, ?> table(WeightsFile file, boolean classification) {
    if (classification || (file.has("state_dict") && !isTensor(file, "state_dict"))) {
      return file.map("state_dict");
    }
    return file.has("model") && !isTensor(file, "model") ? file.map("model") : file.map();
  }

  /** In a flat table an entry can be a tensor that happens to have one of the known names. */
  private static boolean isTensor(WeightsFile file, String name) {
    return file.get(name) instanceof StoredTensor;
  }

  /** Returns the backbone's name for {@code name}, or nothing if it is to be dropped. */
  public static Optional<String> rename(String name) {
    if (name.contains("module")) {
      // Without a dot there is nothing in front to remove.
      return Optional.of(name.substring(name.indexOf('.') + 1));
    }
    for (String prefix : PREFIXES) {
      if (name.startsWith(prefix)) {
        return Optional.of(name.substring(prefix.length()));
      }
    }
    return name.startsWith("ema_") ? Optional.empty() : Optional.of(name);
  }

  /**
   * Returns the name inside the C-RADIO core for a name that {@link #rename(String)} returned.
   *
   * <p>The core of a ChangeNet checkpoint is accepted too, which TAO doesn't do.
   */
  public static String renameRadio(String name) {
    String core = withoutPrefix(name, RADIO_CHECKPOINT_CORE);
    for (String prefix : RADIO_PREFIXES) {
      core = withoutPrefix(core, prefix);
    }
    // A spelling mistake in a public file.
    int typo = core.indexOf("grandma");
    return typo < 0 ? core : core.substring(0, typo) + "gamma" + core.substring(typo + 7);
  }

  /** Applies {@link #renameRadio(String)} to all names; the later of equal names wins. */
  public static Map<String, StoredTensor> renameRadio(Map<String, StoredTensor> weights) {
    Map<String, StoredTensor> renamed = new LinkedHashMap<>();
    weights.forEach((name, tensor) -> renamed.put(renameRadio(name), tensor));
    return renamed;
  }

  private static String withoutPrefix(String name, String prefix) {
    return name.startsWith(prefix) ? name.substring(prefix.length()) : name;
  }
}
