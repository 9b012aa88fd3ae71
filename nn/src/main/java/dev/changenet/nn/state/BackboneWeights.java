package dev.changenet.nn.state;

import dev.changenet.nn.state.Bicubic.Alignment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a pretrained file gives to a backbone: tensors by the backbone's names and in its shapes.
 *
 * <p>Which rules apply is told by the backbone's own names, so nothing here depends on how a
 * backbone is built. Source: TAO's loading rules for {@code pretrained_backbone_path}.
 *
 * @param tensors by name, in the backbone's order and shapes
 * @param missing names of the backbone that the file lacks, those of the adapter left out
 * @param unexpected names of the file that the backbone doesn't have
 * @param reshaped names with the shapes before and after
 * @param dropped names of the file that are never used with this backbone
 * @param adapter number of the backbone's tensors that no pretrained file holds
 */
public record BackboneWeights(
    Map<String, StoredTensor> tensors,
    List<String> missing,
    List<String> unexpected,
    List<String> reshaped,
    List<String> dropped,
    int adapter) {

  /** The three kinds of backbone. */
  public enum Family {
    /** One tree of modules, such as FAN, that is loaded as a whole. */
    PLAIN,
    /** NV-DINOv2 inside a ViT-Adapter, side by side. */
    VIT_ADAPTER,
    /** C-RADIO inside a ViT-Adapter, below {@link #RADIO_CORE}. */
    RADIO_ADAPTER;

    /** Tells the kind by the names of the backbone, without {@code backbone.}. */
    public static Family of(Set<String> names) {
      if (names.stream().anyMatch(n -> n.startsWith(RADIO_CORE))) {
        return RADIO_ADAPTER;
      }
      return names.contains("pos_embed") && names.contains(PATCH_KERNEL) ? VIT_ADAPTER : PLAIN;
    }
  }

  /** Where the C-RADIO core lies in its backbone. */
  static final String RADIO_CORE = "radio.radio.radio.model.";

  private static final String PATCH_KERNEL = "patch_embed.proj.weight";
  private static final String RADIO_POSITIONS = "patch_generator.pos_embed";
  private static final String RADIO_PATCHES = "patch_generator.embedder.weight";
  private static final List<String> ADAPTER =
      List.of(
          "level_embed",
          "spm.",
          "interactions.",
          "up.",
          "norm1.",
          "norm2.",
          "norm3.",
          "norm4.",
          "fc_summary.",
          "conv1.",
          "conv2.",
          "conv3.",
          "conv4.");

  private static boolean isAdapter(String name) {
    return ADAPTER.stream().anyMatch(name::startsWith);
  }

  /**
   * Finds in {@code file} what fits a backbone.
   *
   * @param targets shapes by name, without {@code backbone.}
   * @throws CheckpointException if the file holds no backbone weights, a shape doesn't fit or a
   *     required tensor is absent
   */
  public static BackboneWeights of(WeightsFile file, Map<String, int[]> targets) {
    Family family = Family.of(targets.keySet());
    Map<String, StoredTensor> given = BackboneKeys.rename(file);
    return switch (family) {
      case PLAIN -> new Matching(file, targets, "").match(given, Set.of());
      case VIT_ADAPTER -> new Matching(file, targets, "").match(given, Set.of(PATCH_KERNEL));
      case RADIO_ADAPTER ->
          new Matching(file, targets, RADIO_CORE)
              .match(BackboneKeys.renameRadio(given), Set.of(RADIO_POSITIONS, RADIO_PATCHES));
    };
  }

  /** Names of the file against names of the backbone, of which only those below core are filled. */
  private record Matching(WeightsFile file, Map<String, int[]> targets, String core) {

    BackboneWeights match(Map<String, StoredTensor> given, Set<String> required) {
      Map<String, StoredTensor> found = new LinkedHashMap<>();
      List<String> missing = new ArrayList<>();
      List<String> reshaped = new ArrayList<>();
      Set<String> left = new LinkedHashSet<>(given.keySet());
      boolean adapted = Family.of(targets.keySet()) != Family.PLAIN;
      int adapter = 0;
      for (Map.Entry<String, int[]> target : targets.entrySet()) {
        String full = target.getKey();
        boolean loadable = full.startsWith(core);
        String name = loadable ? full.substring(core.length()) : full;
        StoredTensor tensor = loadable ? given.get(name) : null;
        if (tensor != null) {
          StoredTensor fitted = fit(name, tensor, target.getValue());
          if (fitted != tensor) {
            reshaped.add(full + " " + shape(tensor.shape()) + " to " + shape(target.getValue()));
          }
          found.put(full, fitted);
          left.remove(name);
        } else if (required.contains(name)) {
          throw new CheckpointException(
              file.path(),
              "has no tensor "
                  + name
                  + ", which this backbone needs; check model.backbone.type and"
                  + " pretrained_backbone_path");
        } else if (adapted && isAdapter(full)) {
          adapter++;
        } else {
          missing.add(full);
        }
      }
      List<String> dropped = left.stream().filter(n -> isDropped(n)).toList();
      left.removeAll(dropped);
      return new BackboneWeights(found, missing, List.copyOf(left), reshaped, dropped, adapter);
    }

    /** C-RADIO's files also hold what its ChangeNet lacks, or what is never loaded. */
    private boolean isDropped(String name) {
      return !core.isEmpty()
          && (name.contains("input_conditioner.")
              || name.endsWith("summary_idxs")
              || isAdapter(name));
    }

    private StoredTensor fit(String name, StoredTensor tensor, int[] shape) {
      if (Arrays.equals(tensor.shape(), shape)) {
        return tensor;
      }
      StoredTensor resized =
          switch (Family.of(targets.keySet())) {
            case PLAIN -> null;
            case VIT_ADAPTER -> resizeVit(name, tensor, shape);
            case RADIO_ADAPTER -> resizeRadio(name, tensor, shape);
          };
      if (resized == null) {
        throw new CheckpointException(
            file.path(),
            "tensor "
                + name
                + " has shape "
                + shape(tensor.shape())
                + ", the backbone of the spec has "
                + shape(shape)
                + "; check model.backbone.type");
      }
      return resized;
    }

    /** Patch kernel and positions of NV-DINOv2, or null for another tensor or a misfit. */
    private static StoredTensor resizeVit(String name, StoredTensor tensor, int[] shape) {
      int[] from = tensor.shape();
      if (name.equals(PATCH_KERNEL)) {
        boolean square = from.length == 4 && from[2] == from[3] && from[2] > 0;
        return square && from[0] == shape[0] && from[1] == shape[1]
            ? maps(tensor, 0, from[0] * from[1], from[2], 1, shape, Alignment.HALF_PIXEL)
            : null;
      }
      if (!name.equals("pos_embed") || from.length != 3 || from[0] != 1 || from[2] != shape[2]) {
        return null;
      }
      // Row 0 belongs to the class token, the others form a square.
      int side = side(from[1] - 1);
      return side > 0 ? maps(tensor, 1, 1, side, from[2], shape, Alignment.HALF_PIXEL) : null;
    }

    /** Position table and patch embedding of C-RADIO, or null for another tensor or a misfit. */
    private static StoredTensor resizeRadio(String name, StoredTensor tensor, int[] shape) {
      int[] from = tensor.shape();
      if (name.equals(RADIO_POSITIONS) && from.length == 3 && from[0] == 1 && from[2] == shape[2]) {
        int side = side(from[1]);
        return side > 0 ? maps(tensor, 0, 1, side, from[2], shape, Alignment.CORNERS) : null;
      }
      if (name.equals(RADIO_PATCHES) && from.length == 2 && from[0] == shape[0]) {
        int side = from[1] % 3 == 0 ? side(from[1] / 3) : 0;
        return side > 0
            ? maps(tensor, 0, Math.multiplyExact(from[0], 3), side, 1, shape, Alignment.CORNERS)
            : null;
      }
      return null;
    }

    /** Side of a square of {@code n} cells, or 0 if there is none. */
    private static int side(int n) {
      int side = (int) Math.sqrt(Math.max(n, 0));
      return side * side == n ? side : 0;
    }

    /**
     * Resizes square maps [maps, in, in, channels] behind {@code kept} rows that stay.
     *
     * @param shape of the result
     */
    private static StoredTensor maps(
        StoredTensor tensor,
        int kept,
        int maps,
        int in,
        int channels,
        int[] shape,
        Alignment alignment) {
      int size =
          Math.toIntExact(Arrays.stream(shape).asLongStream().reduce(1, Math::multiplyExact));
      if (tensor.storage().count() < tensor.count()) {
        // An expanded view may claim any size.
        return null;
      }
      int head = kept * channels;
      int side = side((size - head) / (maps * channels));
      if (side == 0 || head + maps * side * side * channels != size) {
        return null;
      }
      float[] x = tensor.toFloats();
      float[] resized = Bicubic.resize(x, head, maps, in, channels, side, alignment);
      float[] out = new float[size];
      System.arraycopy(x, 0, out, 0, head);
      System.arraycopy(resized, 0, out, head, resized.length);
      return StoredTensor.ofFloats(shape, out);
    }

    private static String shape(int[] shape) {
      return Arrays.toString(shape);
    }
  }
}
