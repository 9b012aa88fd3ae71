package dev.changenet.testing;

import dev.changenet.tensor.Device;

/**
 * The device on which tests of whole networks run: the CPU, or the GPU that the system property
 * {@code changenet.test.device} names ({@code cuda:0}).
 */
public final class TestDevice {
  private TestDevice() {}

  /** Returns the device. */
  public static Device get() {
    String name = System.getProperty("changenet.test.device", "cpu");
    return name.startsWith("cuda:")
        ? Device.cuda(Integer.parseInt(name.substring("cuda:".length())))
        : Device.CPU;
  }
}
