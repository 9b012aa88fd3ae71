package dev.changenet.tensor.cpu;

/**
 * One of the two maps of a Winograd convolution, seen as {@code step}² interleaved phases: phase
 * (py, px) holds the pixels of rows step·i + py and columns step·j + px. Phases are laid end to end
 * as channels: virtual channel p·channels + c is channel c of phase p. A plain map has one phase.
 *
 * <p>The samples of a tile lie {@code step} pixels apart. In phase (py, px) those of tile (qy, qx)
 * begin at row qy·out·step + shift − py and the like column: phases other than the first begin one
 * sample earlier, so that the patches of the other map are the same for all phases.
 *
 * @param channels channels of the map, a multiple of the vector length
 * @param shift row and column where the first tile of the first phase begins; negative in padding
 * @param firstPhase the first phase looked at
 * @param phases how many are looked at
 */
record WinogradSide(
    int batch, int h, int w, int channels, int step, int shift, int firstPhase, int phases) {
  /** All phases of a map. */
  static WinogradSide of(int batch, int h, int w, int channels, int step, int shift) {
    return new WinogradSide(batch, h, w, channels, step, shift, 0, step * step);
  }

  /** Phase {@code p} of those looked at, alone. */
  WinogradSide phase(int p) {
    return new WinogradSide(batch, h, w, channels, step, shift, firstPhase + p, 1);
  }

  /** Virtual channels. */
  int width() {
    return phases * channels;
  }
}
