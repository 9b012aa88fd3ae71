package dev.changenet.testing;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A row-major array read from a NumPy {@code .npy} file; values are widened to double. */
public record Npy(int[] shape, double[] values) {
  private static final Pattern DESCR = Pattern.compile("'descr':\\s*'([^']+)'");
  private static final Pattern SHAPE = Pattern.compile("'shape':\\s*\\(([^)]*)\\)");

  public static Npy read(Path path) {
    try {
      byte[] bytes = Files.readAllBytes(path);
      int major = bytes[6];
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      int headerLength = major == 1 ? buffer.getShort(8) & 0xFFFF : buffer.getInt(8);
      int start = (major == 1 ? 10 : 12) + headerLength;
      String header =
          new String(bytes, 0, start, StandardCharsets.ISO_8859_1).replaceFirst("^[^{]*", "");
      Matcher descr = DESCR.matcher(header);
      Matcher dims = SHAPE.matcher(header);
      if (!descr.find() || !dims.find() || header.contains("'fortran_order': True")) {
        throw new IOException("unsupported npy header " + header);
      }
      String[] parts = dims.group(1).replace(" ", "").split(",");
      int count = 0;
      for (String p : parts) {
        count += p.isEmpty() ? 0 : 1;
      }
      int[] shape = new int[count];
      int n = 1;
      for (int i = 0; i < count; i++) {
        shape[i] = Integer.parseInt(parts[i]);
        n *= shape[i];
      }
      double[] values = new double[n];
      buffer.position(start);
      for (int i = 0; i < n; i++) {
        values[i] =
            switch (descr.group(1)) {
              case "<f4" -> buffer.getFloat();
              case "<f8" -> buffer.getDouble();
              case "<i8" -> buffer.getLong();
              case "<i4" -> buffer.getInt();
              case "|u1" -> buffer.get() & 0xFF;
              case "|b1" -> buffer.get();
              default -> throw new IOException("unsupported npy type " + descr.group(1));
            };
      }
      return new Npy(shape, values);
    } catch (IOException e) {
      throw new IllegalStateException(path + ": " + e.getMessage(), e);
    }
  }

  public float[] floats() {
    float[] f = new float[values.length];
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) values[i];
    }
    return f;
  }
}
