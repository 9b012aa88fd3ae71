package dev.changenet.onnx.interpreter;

import dev.changenet.onnx.OnnxException;
import dev.changenet.onnx.proto.StringStringEntryProto;
import dev.changenet.onnx.proto.TensorProto;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/** Decodes constants, from the model itself or from a file beside it. */
final class ConstantReader implements AutoCloseable {
  private static final int FLOAT = 1;
  private static final int INT64 = 7;

  private final Path model;
  private final Map<String, FileChannel> files = new HashMap<>();

  ConstantReader(Path model) {
    this.model = model;
  }

  NdArray read(TensorProto t) {
    int[] dims = t.getDimsList().stream().mapToInt(Math::toIntExact).toArray();
    int count = NdArray.count(dims);
    int type = t.getDataType();
    if (type != FLOAT && type != INT64) {
      throw new OnnxException(
          model + ": constant " + t.getName() + " has element type " + type + ", expected 1 or 7");
    }
    ByteBuffer bytes = bytes(t, count * (type == FLOAT ? 4L : 8L)).order(ByteOrder.LITTLE_ENDIAN);
    if (type == FLOAT) {
      float[] values = new float[count];
      bytes.asFloatBuffer().get(values);
      return NdArray.of(values, dims);
    }
    long[] values = new long[count];
    bytes.asLongBuffer().get(values);
    return NdArray.of(values, dims);
  }

  private ByteBuffer bytes(TensorProto t, long expected) {
    ByteBuffer bytes =
        t.getDataLocation() == TensorProto.DataLocation.EXTERNAL
            ? external(t)
            : t.getRawData().asReadOnlyByteBuffer();
    if (bytes.remaining() != expected) {
      throw new OnnxException(
          model
              + ": constant "
              + t.getName()
              + " has "
              + bytes.remaining()
              + " bytes, its shape needs "
              + expected);
    }
    return bytes;
  }

  private ByteBuffer external(TensorProto t) {
    Map<String, String> where = new HashMap<>();
    for (StringStringEntryProto e : t.getExternalDataList()) {
      where.put(e.getKey(), e.getValue());
    }
    String name = where.getOrDefault("location", "");
    Path file = model.resolveSibling(name);
    try {
      FileChannel channel = files.get(name);
      if (channel == null) {
        channel = FileChannel.open(file, StandardOpenOption.READ);
        files.put(name, channel);
      }
      ByteBuffer bytes = ByteBuffer.allocate(Integer.parseInt(where.getOrDefault("length", "0")));
      long at = Long.parseLong(where.getOrDefault("offset", "0"));
      while (bytes.hasRemaining()) {
        int n = channel.read(bytes, at + bytes.position());
        if (n < 0) {
          throw new OnnxException(file + " ends inside constant " + t.getName());
        }
      }
      return bytes.flip();
    } catch (IOException e) {
      throw new OnnxException(
          file + ": constant " + t.getName() + " can't be read: " + IoProblem.of(e), e);
    }
  }

  @Override
  public void close() {
    for (FileChannel channel : files.values()) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new OnnxException(model + ": closing its data failed: " + IoProblem.of(e), e);
      }
    }
  }
}
