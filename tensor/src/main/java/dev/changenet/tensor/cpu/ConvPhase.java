package dev.changenet.tensor.cpu;

/**
 * Output pixels that share one set of taps: those at (i·outStep + outY, j·outStep + outX) for i
 * below {@code height} and j below {@code width}. Output pixel (i, j) is the sum over taps t of
 * input pixel (i·inStep + dy[t], j·inStep + dx[t]) times the weights of tap[t].
 *
 * <p>A convolution is one phase with inStep = stride. The gradient by its input, or a transposed
 * convolution, is stride² phases with outStep = stride.
 *
 * @param tap index of each tap in the weight's kh·kw plane
 */
record ConvPhase(
    int outY,
    int outX,
    int height,
    int width,
    int outStep,
    int inStep,
    int[] dy,
    int[] dx,
    int[] tap) {

  /** The phase of a convolution from the large map to the small one. */
  static ConvPhase[] forward(ConvSizes s) {
    int[] dy = new int[s.taps()];
    int[] dx = new int[s.taps()];
    int[] tap = new int[s.taps()];
    for (int t = 0; t < s.taps(); t++) {
      dy[t] = t / s.kw() - s.padding();
      dx[t] = t % s.kw() - s.padding();
      tap[t] = t;
    }
    return new ConvPhase[] {new ConvPhase(0, 0, s.oh(), s.ow(), 1, s.stride(), dy, dx, tap)};
  }

  /**
   * The phases from the small map to the large one: pixel y of the large map takes row (y + padding
   * − ky) / stride of the small one for every ky that makes the division exact.
   */
  static ConvPhase[] backward(ConvSizes s) {
    int step = s.stride();
    ConvPhase[] phases = new ConvPhase[step * step];
    for (int p = 0; p < phases.length; p++) {
      int py = p / step;
      int px = p % step;
      int count = 0;
      int[] dy = new int[s.taps()];
      int[] dx = new int[s.taps()];
      int[] tap = new int[s.taps()];
      for (int t = 0; t < s.taps(); t++) {
        int y = py + s.padding() - t / s.kw();
        int x = px + s.padding() - t % s.kw();
        if (Math.floorMod(y, step) == 0 && Math.floorMod(x, step) == 0) {
          dy[count] = Math.floorDiv(y, step);
          dx[count] = Math.floorDiv(x, step);
          tap[count++] = t;
        }
      }
      phases[p] =
          new ConvPhase(
              py,
              px,
              Math.max(0, (s.h() - py + step - 1) / step),
              Math.max(0, (s.w() - px + step - 1) / step),
              step,
              1,
              java.util.Arrays.copyOf(dy, count),
              java.util.Arrays.copyOf(dx, count),
              java.util.Arrays.copyOf(tap, count));
    }
    return phases;
  }

  int taps() {
    return tap.length;
  }
}
