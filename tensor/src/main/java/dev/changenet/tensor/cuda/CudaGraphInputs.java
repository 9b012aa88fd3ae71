package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.JCudaDriver;

/**
 * The arrays that a graph's work copies to the device. They lie together in few blocks of device
 * memory, from which the graph copies them to where they belong; a replay fills the blocks by one
 * copy each. There are two pinned buffers for each block, so that the next values can be written
 * while the GPU still works on the last ones.
 */
final class CudaGraphInputs {
  /** Size of a block; larger arrays get one of their own. */
  private static final long BLOCK = 1L << 20;

  private static final long ALIGNMENT = 256;
  private static final int BUFFERS = 2;

  /**
   * One array.
   *
   * @param offset bytes from the start of the block
   */
  private record Input(Block block, long offset, DType dtype, long length) {
    void write(MemorySegment to, Object array) {
      MemorySegment.copy(array, 0, to, CudaDevice.layout(dtype), offset, (int) length);
    }
  }

  /**
   * Device memory of some inputs: not of the graph's pool, where temporaries of the work that comes
   * before would overwrite what a replay has put there.
   */
  private final class Block {
    final long onDevice;
    final MemorySegment recorded;
    final Pointer[] pinned = new Pointer[BUFFERS];
    final MemorySegment[] buffers = new MemorySegment[BUFFERS];
    long used;

    Block(long bytes) {
      onDevice = device.allocate(bytes);
      recorded = recordedContent.allocate(bytes, 64);
    }

    void pin() {
      for (int i = 0; i < BUFFERS; i++) {
        pinned[i] = new Pointer();
        CudaCheck.driver(JCudaDriver.cuMemHostAlloc(pinned[i], used, 0), "cuMemHostAlloc");
        buffers[i] = MemorySegment.ofBuffer(pinned[i].getByteBuffer(0, used));
        buffers[i].copyFrom(recorded.asSlice(0, used));
      }
    }

    void send(int buffer) {
      CudaCheck.driver(
          JCudaDriver.cuMemcpyHtoDAsync(
              new DeviceAddress(onDevice),
              new RawPointer(buffers[buffer].address()),
              used,
              device.cudaStream()),
          "cuMemcpyHtoDAsync");
    }

    void close() {
      device.allocator().free(onDevice);
      for (Pointer p : pinned) {
        if (p != null) {
          CudaCheck.driver(JCudaDriver.cuMemFreeHost(p), "cuMemFreeHost");
        }
      }
    }
  }

  private final CudaDevice device;
  private final Arena recordedContent = Arena.ofShared();
  private final List<Block> blocks = new ArrayList<>();
  private final List<Input> variable = new ArrayList<>();
  private final CUevent[] sent = new CUevent[BUFFERS];
  private int buffer;
  private int next;

  CudaGraphInputs(CudaDevice device) {
    this.device = device;
  }

  /** Number of arrays that a replay must give. */
  int count() {
    return variable.size();
  }

  /**
   * Adds a copy to the work that is being recorded.
   *
   * @param constant replays copy the recorded content again
   */
  void record(Object array, CudaStorage to, boolean constant) {
    if (to.length() == 0) {
      return;
    }
    Block block = blockFor(to.bytes());
    Input input = new Input(block, block.used, to.dtype(), to.length());
    block.used = (block.used + to.bytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!constant) {
      variable.add(input);
    }
    input.write(block.recorded, array);
    device.bind();
    CudaCheck.driver(
        JCudaDriver.cuMemcpyDtoDAsync(
            new DeviceAddress(to.address()),
            new DeviceAddress(block.onDevice + input.offset),
            to.bytes(),
            device.cudaStream()),
        "cuMemcpyDtoDAsync");
  }

  private Block blockFor(long bytes) {
    long rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    for (Block b : blocks) {
      if (b.used + rounded <= b.recorded.byteSize()) {
        return b;
      }
    }
    Block block = new Block(Math.max(BLOCK, rounded));
    blocks.add(block);
    return block;
  }

  /** Makes the buffers after recording and sends what was recorded. */
  void prepare() {
    device.bind();
    blocks.forEach(Block::pin);
    for (int i = 0; i < BUFFERS; i++) {
      sent[i] = new CUevent();
      CudaCheck.driver(
          JCudaDriver.cuEventCreate(sent[i], CUevent_flags.CU_EVENT_DISABLE_TIMING),
          "cuEventCreate");
    }
    copy();
  }

  /** Begins new values; waits until the GPU has read those before the last. */
  void begin() {
    device.bind();
    if (sent[buffer] != null) {
      CudaCheck.driver(JCudaDriver.cuEventSynchronize(sent[buffer]), "cuEventSynchronize");
    }
    next = 0;
  }

  /** The next value, which the work copies to a tensor of that type and length. */
  void renew(Object array, DType dtype, long length) {
    if (length == 0) {
      return;
    }
    if (next == variable.size()) {
      throw mismatch(dtype + "[" + length + "]", "no further one");
    }
    Input input = variable.get(next);
    if (input.dtype != dtype || input.length != length) {
      throw mismatch(dtype + "[" + length + "]", input.dtype + "[" + input.length + "]");
    }
    input.write(input.block.buffers[buffer], array);
    next++;
  }

  /** The next value as a Java array of the recorded type and length. */
  void renew(Object array) {
    if (next == variable.size()) {
      throw mismatch(array.getClass().getSimpleName(), "no further one");
    }
    Input input = variable.get(next);
    renew(array, input.dtype, Array.getLength(array));
  }

  /** Ends new values and copies them to the device, behind the work it has to do already. */
  void send() {
    if (next < variable.size()) {
      Input missing = variable.get(next);
      throw mismatch("missing", missing.dtype + "[" + missing.length + "]");
    }
    copy();
  }

  private void copy() {
    device.bind();
    blocks.forEach(b -> b.send(buffer));
    CudaCheck.driver(JCudaDriver.cuEventRecord(sent[buffer], device.cudaStream()), "cuEventRecord");
    buffer = (buffer + 1) % BUFFERS;
  }

  private CudaException mismatch(String found, String expected) {
    return new CudaException(
        "copy "
            + (next + 1)
            + " to the GPU of a recorded step is "
            + found
            + ", when recorded it was "
            + expected
            + ": a CUDA graph only repeats the same work; set "
            + CudaGraphs.VARIABLE
            + "=off to run without graphs.");
  }

  /** The GPU must be done. */
  void close() {
    device.bind();
    blocks.forEach(Block::close);
    blocks.clear();
    for (CUevent e : sent) {
      if (e != null) {
        CudaCheck.driver(JCudaDriver.cuEventDestroy(e), "cuEventDestroy");
      }
    }
    recordedContent.close();
  }
}
