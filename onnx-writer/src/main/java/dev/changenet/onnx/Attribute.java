package dev.changenet.onnx;

import com.google.protobuf.ByteString;
import dev.changenet.onnx.proto.AttributeProto;
import java.util.Arrays;
import java.util.List;

/** A named constant of a node. */
public sealed interface Attribute {
  String name();

  /** A whole number. */
  record Int(String name, long value) implements Attribute {}

  /** A float32 number. */
  record Real(String name, float value) implements Attribute {}

  /** A text. */
  record Text(String name, String value) implements Attribute {}

  /** A list of whole numbers. */
  record Ints(String name, List<Long> values) implements Attribute {
    public Ints {
      values = List.copyOf(values);
    }
  }

  static Attribute of(String name, long value) {
    return new Int(name, value);
  }

  static Attribute of(String name, float value) {
    return new Real(name, value);
  }

  static Attribute of(String name, String value) {
    return new Text(name, value);
  }

  static Attribute of(String name, long... values) {
    return new Ints(name, Arrays.stream(values).boxed().toList());
  }

  /** This attribute in file form. */
  default AttributeProto toProto() {
    AttributeProto.Builder p = AttributeProto.newBuilder().setName(name());
    return switch (this) {
      case Int a -> p.setI(a.value()).setType(AttributeProto.AttributeType.INT).build();
      case Real a -> p.setF(a.value()).setType(AttributeProto.AttributeType.FLOAT).build();
      case Text a ->
          p.setS(ByteString.copyFromUtf8(a.value()))
              .setType(AttributeProto.AttributeType.STRING)
              .build();
      case Ints a -> p.addAllInts(a.values()).setType(AttributeProto.AttributeType.INTS).build();
    };
  }
}
