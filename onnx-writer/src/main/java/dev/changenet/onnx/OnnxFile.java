package dev.changenet.onnx;

import com.google.protobuf.CodedInputStream;
import dev.changenet.onnx.proto.GraphProto;
import dev.changenet.onnx.proto.ModelProto;
import dev.changenet.onnx.proto.StringStringEntryProto;
import dev.changenet.onnx.proto.TensorProto;
import dev.changenet.tensor.io.AtomicFile;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Reads and writes {@code .onnx} files. */
public final class OnnxFile {
  /** Largest model that a single file can hold; constants of larger ones go beside it. */
  public static final long SINGLE_FILE_LIMIT = Integer.MAX_VALUE - (16L << 20);

  /** Constants below this size stay in the model file. */
  private static final int SMALLEST_EXTERNAL = 1024;

  /** Offsets are multiples of the page size, so that readers can map the file. */
  private static final int ALIGNMENT = 4096;

  private OnnxFile() {}

  /**
   * Writes {@code model} under a temporary name, then moves it to {@code path}; parent folders are
   * made. Above 2 GiB the constants go to {@code <path>.data}.
   *
   * @throws OnnxException when a file exists already or can't be written
   */
  public static void write(OnnxModel model, Path path) {
    write(model, path, SINGLE_FILE_LIMIT);
  }

  /** As {@link #write(OnnxModel, Path)}, with another limit on the single file, in bytes. */
  public static void write(OnnxModel model, Path path, long singleFileLimit) {
    boolean external = needsExternalData(model, singleFileLimit);
    Path target = path.toAbsolutePath();
    Path data = dataPath(target);
    List<Path> files = external ? List.of(target, data) : List.of(target);
    for (Path p : files) {
      if (Files.exists(p)) {
        throw new OnnxException(p + " already exists: remove it or choose another name");
      }
    }
    ModelProto proto = external ? withExternalData(model, data) : model.toProto();
    OnnxChecker.check(proto);
    try {
      Files.createDirectories(target.getParent());
      if (external) {
        AtomicFile.stream(data, out -> writeData(model, out));
      }
      AtomicFile.stream(target, proto::writeTo);
    } catch (IOException e) {
      throw failed(target + ": writing the ONNX model failed: ", e, files);
    }
  }

  /**
   * Moves a written model, and the constants beside it, to {@code path} on the same file system;
   * the file name stays the same.
   *
   * @throws OnnxException when a file exists already or can't be moved
   */
  public static void move(Path written, Path path) {
    Path target = path.toAbsolutePath();
    Path data = dataPath(target);
    boolean external = Files.exists(dataPath(written));
    List<Path> files = external ? List.of(target, data) : List.of(target);
    for (Path p : files) {
      if (Files.exists(p)) {
        throw new OnnxException(p + " already exists: remove it or choose another name");
      }
    }
    try {
      if (external) {
        AtomicFile.move(dataPath(written), data);
      }
      AtomicFile.move(written, target);
    } catch (IOException e) {
      throw failed(target + ": moving the ONNX model failed: ", e, files);
    }
  }

  /**
   * Refuses a model that is too large for one file, for containers that hold only one.
   *
   * @param target named in the message
   * @throws OnnxException when the constants take more than {@code singleFileLimit} bytes
   */
  public static void requireSingleFile(OnnxModel model, Path target, long singleFileLimit) {
    if (needsExternalData(model, singleFileLimit)) {
      throw new OnnxException(
          target
              + ": the model has "
              + model.dataBytes()
              + " bytes of weights, more than the "
              + singleFileLimit
              + " that an encrypted file holds; export to a name that ends in .onnx");
    }
  }

  private static boolean needsExternalData(OnnxModel model, long singleFileLimit) {
    return model.dataBytes() > singleFileLimit;
  }

  /** Where the constants of a model at {@code path} go when it is too large for one file. */
  public static Path dataPath(Path path) {
    return path.resolveSibling(path.getFileName() + ".data");
  }

  /**
   * Reads a model file; external constants are not loaded.
   *
   * @throws OnnxException when it can't be read or isn't a model
   */
  public static ModelProto read(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      CodedInputStream coded = CodedInputStream.newInstance(in);
      coded.setSizeLimit(Integer.MAX_VALUE);
      return ModelProto.parseFrom(coded);
    } catch (IOException e) {
      throw new OnnxException(path + ": not a readable ONNX model: " + IoProblem.of(e), e);
    }
  }

  /** The model with its larger constants at the places in {@code data} that writeData fills. */
  private static ModelProto withExternalData(OnnxModel model, Path data) {
    GraphProto.Builder graph = model.graph().toProtoWithoutInitializers();
    long offset = 0;
    for (Initializer constant : model.graph().initializers()) {
      TensorProto.Builder tensor = OnnxGraph.header(constant);
      int size = constant.data().size();
      if (size < SMALLEST_EXTERNAL) {
        graph.addInitializer(tensor.setRawData(constant.data()));
        continue;
      }
      offset += padding(offset);
      tensor
          .setDataLocation(TensorProto.DataLocation.EXTERNAL)
          .addExternalData(entry("location", data.getFileName().toString()))
          .addExternalData(entry("offset", Long.toString(offset)))
          .addExternalData(entry("length", Long.toString(size)));
      graph.addInitializer(tensor);
      offset += size;
    }
    return model.toProto(graph);
  }

  private static void writeData(OnnxModel model, OutputStream out) throws IOException {
    long offset = 0;
    for (Initializer constant : model.graph().initializers()) {
      int size = constant.data().size();
      if (size >= SMALLEST_EXTERNAL) {
        int padding = padding(offset);
        out.write(new byte[padding]);
        constant.data().writeTo(out);
        offset += padding + size;
      }
    }
  }

  /** Bytes from {@code offset} to the next place for a constant. */
  private static int padding(long offset) {
    return (int) (-offset & (ALIGNMENT - 1));
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  /** Removes what there is of {@code files}, none of which was there before. */
  private static OnnxException failed(String what, IOException why, List<Path> files) {
    OnnxException failure = new OnnxException(what + IoProblem.of(why), why);
    for (Path incomplete : files) {
      try {
        Files.deleteIfExists(incomplete);
      } catch (IOException e) {
        failure.addSuppressed(e);
      }
    }
    return failure;
  }
}
