package dev.changenet.tensor.cpu;

import dev.changenet.tensor.ChangeNetException;
import java.util.Locale;

/**
 * How 3×3 convolutions with stride 1 and 4×4 ones with stride 2 are computed on the CPU;
 * environment variable {@code CHANGENET_CONV} ({@code exact} or {@code fast}) sets the start value.
 */
public enum ConvolutionMode {
  /** Without Winograd's algorithms. Exact rewrites, such as of two convolutions as one, stay. */
  EXACT,
  /**
   * By Winograd's F(4×4, 3×3) and F(5×5, 2×2) algorithms: about a quarter and a third of the
   * multiplications at some three times the rounding error (rms 1e-6 of the output's rms).
   */
  FAST;

  private static volatile ConvolutionMode current =
      fromEnvironment(System.getenv("CHANGENET_CONV"));

  /** The mode that convolutions use from now on. */
  public static ConvolutionMode get() {
    return current;
  }

  public static void set(ConvolutionMode mode) {
    current = mode;
  }

  /** Reads the environment variable's value; null means {@link #FAST}. */
  static ConvolutionMode fromEnvironment(String value) {
    if (value == null || value.isBlank()) {
      return FAST;
    }
    return switch (value.strip().toLowerCase(Locale.ROOT)) {
      case "exact" -> EXACT;
      case "fast" -> FAST;
      default ->
          throw new ChangeNetException(
              "environment variable CHANGENET_CONV is \""
                  + value
                  + "\", expected exact or fast; correct or unset it");
    };
  }
}
