package dev.changenet.tensorboard;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Reads event files with nothing of the writer's: another checksum and the library's decoder. */
public final class EventReader {
  private EventReader() {}

  /**
   * One record.
   *
   * @param version file version, or null
   * @param restart whether it starts a session
   */
  public record Read(
      double wallTime,
      long step,
      String version,
      boolean restart,
      Map<String, Float> scalars,
      Map<String, byte[]> pictures) {}

  /** Paths of the event files in {@code folder}, oldest first. */
  public static List<Path> files(Path folder) throws IOException {
    TreeSet<Path> files = new TreeSet<>();
    try (DirectoryStream<Path> entries =
        Files.newDirectoryStream(folder, "events.out.tfevents.*")) {
      entries.forEach(files::add);
    }
    return List.copyOf(files);
  }

  /**
   * All whole records; an unfinished last one ends the file.
   *
   * @throws IOException if a checksum is wrong
   */
  public static List<Read> read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<Read> records = new ArrayList<>();
    while (bytes.remaining() >= 12) {
      byte[] header = new byte[8];
      bytes.duplicate().get(header);
      long length = bytes.getLong();
      check(header, bytes.getInt(), file);
      if (bytes.remaining() < length + 4) {
        break;
      }
      byte[] content = new byte[(int) length];
      bytes.get(content);
      check(content, bytes.getInt(), file);
      records.add(event(content));
    }
    return records;
  }

  private static void check(byte[] content, int stored, Path file) throws IOException {
    int crc = -1;
    for (byte b : content) {
      crc ^= b & 0xff;
      for (int i = 0; i < 8; i++) {
        crc = crc >>> 1 ^ (crc & 1) * 0x82f63b78;
      }
    }
    crc = ~crc;
    if ((crc >>> 15 | crc << 17) + 0xa282ead8 != stored) {
      throw new IOException(file + ": wrong checksum");
    }
  }

  private static Read event(byte[] content) throws IOException {
    double wallTime = 0;
    long step = 0;
    String version = null;
    boolean restart = false;
    Map<String, Float> scalars = new LinkedHashMap<>();
    Map<String, byte[]> pictures = new LinkedHashMap<>();
    CodedInputStream in = CodedInputStream.newInstance(content);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> wallTime = in.readDouble();
        case 2 -> step = in.readInt64();
        case 3 -> version = in.readStringRequireUtf8();
        case 5 -> summary(in.readByteArray(), scalars, pictures);
        case 7 -> restart = List.of((byte) 8, (byte) 1).equals(boxed(in.readByteArray()));
        default -> throw new IOException("unexpected field of an event: " + tag);
      }
    }
    return new Read(wallTime, step, version, restart, scalars, pictures);
  }

  private static List<Byte> boxed(byte[] bytes) {
    List<Byte> all = new ArrayList<>();
    for (byte b : bytes) {
      all.add(b);
    }
    return all;
  }

  private static void summary(
      byte[] content, Map<String, Float> scalars, Map<String, byte[]> pictures) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(content);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      CodedInputStream value = CodedInputStream.newInstance(in.readByteArray());
      String name = null;
      for (int t = value.readTag(); t != 0; t = value.readTag()) {
        switch (WireFormat.getTagFieldNumber(t)) {
          case 1 -> name = value.readStringRequireUtf8();
          case 2 -> scalars.put(name, value.readFloat());
          case 4 -> pictures.put(name, file(value.readByteArray()));
          case 9 -> value.readByteArray();
          default -> throw new IOException("unexpected field of a value: " + t);
        }
      }
    }
  }

  private static byte[] file(byte[] picture) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(picture);
    byte[] file = null;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (WireFormat.getTagFieldNumber(tag) == 4) {
        file = in.readByteArray();
      } else {
        in.skipField(tag);
      }
    }
    return file;
  }
}
