package dev.changenet.onnx;

import dev.changenet.onnx.proto.AttributeProto.AttributeType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Signature of a standard operator: number of inputs, attributes and element types, from operator
 * set {@code since} on.
 *
 * <p>Source: operator documentation of the ONNX standard, sets 12 to 24. Only operators that
 * exported graphs use are listed.
 *
 * @param since first operator set with this signature; 1 also stands for all sets up to 12
 * @param maxInputs {@link Integer#MAX_VALUE} for any number
 * @param int64Inputs positions that take int64 (shapes, axes, sizes)
 * @param movesData true when the operator copies elements of any type, false when it computes on
 *     floats
 */
record OperatorSchema(
    String operator,
    int since,
    int minInputs,
    int maxInputs,
    Map<String, AttributeType> attributes,
    Set<Integer> int64Inputs,
    boolean movesData) {
  private static final int ANY = Integer.MAX_VALUE;
  private static final Map<String, List<OperatorSchema>> ALL = new HashMap<>();

  static {
    computes("Conv", 1, 2, 3, "auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I");
    computes(
        "ConvTranspose",
        1,
        2,
        3,
        "auto_pad:s dilations:I group:i kernel_shape:I output_padding:I output_shape:I pads:I"
            + " strides:I");
    computes("MatMul", 1, 2, 2, "");
    computes("Gemm", 1, 2, 3, "alpha:f beta:f transA:i transB:i");
    for (String binary : List.of("Add", "Sub", "Mul", "Div")) {
      computes(binary, 1, 2, 2, "");
    }
    for (String unary : List.of("Sqrt", "Erf", "Relu", "Sigmoid")) {
      computes(unary, 1, 1, 1, "");
    }
    computes("Sin", 1, 1, 1, "");
    computes("Range", 1, 3, 3, "");
    computes("Gelu", 20, 1, 1, "approximate:s");
    computes(
        "MaxPool",
        1,
        1,
        1,
        "auto_pad:s ceil_mode:i dilations:I kernel_shape:I pads:I storage_order:i strides:I");
    computes("GridSample", 16, 2, 2, "align_corners:i mode:s padding_mode:s");
    computes("Softmax", 1, 1, 1, "axis:i");
    computes("LayerNormalization", 17, 2, 3, "axis:i epsilon:f stash_type:i");
    computes("BatchNormalization", 1, 5, 5, "epsilon:f momentum:f");
    computes("BatchNormalization", 14, 5, 5, "epsilon:f momentum:f training_mode:i");
    computes("ReduceMean", 1, 1, 1, "axes:I keepdims:i");
    computes("ReduceMean", 18, 1, 2, "keepdims:i noop_with_empty_axes:i", 1);
    computes("ReduceSum", 1, 1, 1, "axes:I keepdims:i");
    computes("ReduceSum", 13, 1, 2, "keepdims:i noop_with_empty_axes:i", 1);
    String resize =
        "coordinate_transformation_mode:s cubic_coeff_a:f exclude_outside:i"
            + " extrapolation_value:f mode:s nearest_mode:s";
    computes("Resize", 1, 3, 4, resize, 3);
    computes("Resize", 13, 1, 4, resize, 3);
    computes("Resize", 18, 1, 4, resize + " antialias:i axes:I keep_aspect_ratio_policy:s", 3);
    moves("Reshape", 1, 2, 2, "", 1);
    moves("Reshape", 14, 2, 2, "allowzero:i", 1);
    moves("Transpose", 1, 1, 1, "perm:I");
    moves("Concat", 1, 1, ANY, "axis:i");
    moves("Slice", 1, 3, 5, "", 1, 2, 3, 4);
    moves("Gather", 1, 2, 2, "axis:i", 1);
    moves("Expand", 1, 2, 2, "", 1);
    moves("Shape", 1, 1, 1, "");
    moves("Shape", 15, 1, 1, "end:i start:i");
    moves("Identity", 1, 1, 1, "");
    moves("Cast", 1, 1, 1, "to:i");
    moves("Cast", 19, 1, 1, "saturate:i to:i");
  }

  private static void computes(
      String operator, int since, int min, int max, String attributes, int... int64Inputs) {
    add(operator, since, min, max, attributes, false, int64Inputs);
  }

  private static void moves(
      String operator, int since, int min, int max, String attributes, int... int64Inputs) {
    add(operator, since, min, max, attributes, true, int64Inputs);
  }

  private static void add(
      String operator,
      int since,
      int min,
      int max,
      String attributes,
      boolean movesData,
      int... int64Inputs) {
    Map<String, AttributeType> types = new HashMap<>();
    for (String attribute : attributes.isEmpty() ? new String[0] : attributes.split(" ")) {
      int colon = attribute.indexOf(':');
      types.put(
          attribute.substring(0, colon),
          switch (attribute.charAt(colon + 1)) {
            case 'i' -> AttributeType.INT;
            case 'I' -> AttributeType.INTS;
            case 'f' -> AttributeType.FLOAT;
            case 's' -> AttributeType.STRING;
            default -> throw new IllegalStateException("unknown attribute type in " + attribute);
          });
    }
    Set<Integer> positions = new HashSet<>();
    for (int p : int64Inputs) {
      positions.add(p);
    }
    ALL.computeIfAbsent(operator, k -> new ArrayList<>())
        .add(
            new OperatorSchema(
                operator, since, min, max, Map.copyOf(types), Set.copyOf(positions), movesData));
  }

  /** The signature of {@code operator} in {@code opset}, or null when it has none. */
  static OperatorSchema find(String operator, int opset) {
    OperatorSchema newest = null;
    for (OperatorSchema schema : ALL.getOrDefault(operator, List.of())) {
      if (schema.since <= opset && (newest == null || schema.since > newest.since)) {
        newest = schema;
      }
    }
    return newest;
  }
}
