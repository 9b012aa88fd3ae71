package dev.changenet.onnx;

import dev.changenet.onnx.proto.GraphProto;
import dev.changenet.onnx.proto.ModelProto;
import dev.changenet.onnx.proto.OperatorSetIdProto;
import dev.changenet.onnx.proto.StringStringEntryProto;
import java.util.Map;
import java.util.TreeMap;

/**
 * A complete model: graph, operator set version and free-text properties.
 *
 * @param opset version of the standard operator set, {@link #MIN_OPSET} … {@link #MAX_OPSET}
 * @param metadata written to {@code metadata_props} in alphabetical order
 */
public record OnnxModel(OnnxGraph graph, int opset, Map<String, String> metadata) {
  /** Oldest supported operator set. */
  public static final int MIN_OPSET = 12;

  /** Newest supported operator set. */
  public static final int MAX_OPSET = 24;

  /** Name written into every file. */
  public static final String PRODUCER = "changenet";

  public OnnxModel {
    requireSupported(opset);
    metadata = Map.copyOf(metadata);
  }

  /** Refuses operator set versions that the writer doesn't know. */
  public static void requireSupported(int opset) {
    if (opset < MIN_OPSET || opset > MAX_OPSET) {
      throw new OnnxException(
          "ONNX operator set "
              + opset
              + " is not supported: choose "
              + MIN_OPSET
              + " to "
              + MAX_OPSET);
    }
  }

  /** File format version that came with the operator set. */
  public static int irVersion(int opset) {
    if (opset <= 14) {
      return 7;
    }
    if (opset <= 18) {
      return 8;
    }
    if (opset <= 20) {
      return 9;
    }
    if (opset <= 22) {
      return 10;
    }
    return opset == 23 ? 11 : 12;
  }

  /** Bytes of all constants together. */
  public long dataBytes() {
    return graph.initializers().stream().mapToLong(i -> i.data().size()).sum();
  }

  /** The model in file form with all constants inside; the total must stay below 2 GiB. */
  public ModelProto toProto() {
    GraphProto.Builder g = graph.toProtoWithoutInitializers();
    for (Initializer constant : graph.initializers()) {
      g.addInitializer(OnnxGraph.header(constant).setRawData(constant.data()));
    }
    return toProto(g);
  }

  ModelProto toProto(GraphProto.Builder g) {
    ModelProto.Builder model =
        ModelProto.newBuilder()
            .setIrVersion(irVersion(opset))
            .setProducerName(PRODUCER)
            .setGraph(g)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(opset));
    new TreeMap<>(metadata)
        .forEach(
            (key, value) ->
                model.addMetadataProps(
                    StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    return model.build();
  }
}
