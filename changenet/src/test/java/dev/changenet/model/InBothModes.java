package dev.changenet.model;

import dev.changenet.tensor.cpu.ConvolutionMode;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Runs a test class once per {@link ConvolutionMode}. Gradients and optimizer steps may be three
 * times as far off in the fast mode as the limits of the golden data allow; stages may not.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedClass
@EnumSource(ConvolutionMode.class)
@ExtendWith(InBothModes.Restore.class)
@interface InBothModes {
  /** Sets the mode back after each test. */
  final class Restore implements AfterEachCallback {
    private final ConvolutionMode start = ConvolutionMode.get();

    @Override
    public void afterEach(ExtensionContext context) {
      ConvolutionMode.set(start);
    }

    /** What the limits of the golden data are multiplied by. */
    static double slack(ConvolutionMode mode) {
      return mode == ConvolutionMode.FAST ? 3 : 1;
    }
  }
}
