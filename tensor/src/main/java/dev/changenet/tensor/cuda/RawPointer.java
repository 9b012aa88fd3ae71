package dev.changenet.tensor.cuda;

import jcuda.Pointer;

/** A raw host or device address as JCuda's pointer type. */
final class RawPointer extends Pointer {
  RawPointer(long address) {
    super(address);
  }
}
