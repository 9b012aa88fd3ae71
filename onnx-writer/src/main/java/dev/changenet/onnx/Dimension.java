package dev.changenet.onnx;

/**
 * One size in the shape of a graph input or output.
 *
 * @param size the fixed size; ignored when there is a symbol
 * @param symbol name of a size chosen at run time, or null
 */
public record Dimension(long size, String symbol) {
  public static Dimension fixed(long size) {
    return new Dimension(size, null);
  }

  public static Dimension dynamic(String symbol) {
    return new Dimension(-1, symbol);
  }

  @Override
  public String toString() {
    return symbol == null ? Long.toString(size) : symbol;
  }
}
