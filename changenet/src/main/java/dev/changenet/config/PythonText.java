package dev.changenet.config;

import java.math.BigDecimal;
import java.math.BigInteger;

/**
 * The text form of numbers and booleans that are given for a text key: {@code True}, {@code 16},
 * {@code 0.0005}, {@code 1e-05}. These are Python's forms, which specs written for TAO rely on.
 */
public final class PythonText {
  private PythonText() {}

  public static String of(Object value) {
    return switch (value) {
      case null -> "None";
      case Boolean b -> b ? "True" : "False";
      case Double d -> ofDouble(d);
      default -> value.toString();
    };
  }

  /** Shortest digits that read back as the same number; exponent form below 1e-4, from 1e16. */
  private static String ofDouble(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = decimal.precision() - decimal.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = decimal.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    BigInteger digits = decimal.unscaledValue().abs();
    StringBuilder text = new StringBuilder(value < 0 ? "-" : "").append(digits);
    if (decimal.precision() > 1) {
      text.insert(text.length() - decimal.precision() + 1, '.');
    }
    text.append('e').append(exponent < 0 ? '-' : '+');
    return text.append(Math.abs(exponent) < 10 ? "0" : "").append(Math.abs(exponent)).toString();
  }
}
