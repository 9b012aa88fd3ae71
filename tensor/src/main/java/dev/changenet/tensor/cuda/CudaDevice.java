package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Storage;
import dev.changenet.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * One GPU: its context, stream, memory and kernels.
 *
 * <p>Used by one thread at a time, as the tensors of a run are.
 */
final class CudaDevice {
  /** Size of the pinned buffer through which host arrays are copied. */
  private static final int STAGING = 32 << 20;

  /** The kernels are compiled for 8.0 and later. */
  private static final int OLDEST_CAPABILITY = 80;

  private final int index;
  private final CUdevice handle;
  private final CUcontext context = new CUcontext();
  private final CUstream stream = new CUstream();
  private final long streamAddress;
  private final String name;
  private final int multiprocessors;
  private final CudaAllocator allocator;
  private final CudaModules modules;
  private final CudaLaunch launch;
  private final Staging staging;
  private boolean tf32 = "1".equals(System.getenv("CHANGENET_TF32"));
  private CudaBlas blas;

  /** Memory of a graph besides its work's: copies of weights and inputs, the driver's own. */
  private static final long GRAPH_OVERHEAD = 256L << 20;

  private final List<CudaGraph> graphs = new ArrayList<>();
  private CudaGraph recording;
  private CudaGraph renewing;

  /** Copies of weights that the work since {@link #startWork} has used, and their bytes. */
  private final Set<List<Object>> copies = new HashSet<>();

  private long copyBytes;

  /** Largest use of memory before the last graph was recorded. */
  private long earlierPeak;

  CudaDevice(int index) {
    this.index = index;
    handle = CudaDriver.device(index);
    CudaCheck.driver(
        JCudaDriver.cuDevicePrimaryCtxRetain(context, handle), "cuDevicePrimaryCtxRetain");
    bind();
    CudaCheck.driver(
        JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING),
        "cuStreamCreate");
    streamAddress = addressOf(stream);
    name = nameOf(handle);
    multiprocessors =
        attribute(handle, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    int capability = capability(handle);
    if (capability < OLDEST_CAPABILITY) {
      throw new CudaException(
          tooOld(index, name, capability)
              + ". Choose another GPU, or set CUDA_VISIBLE_DEVICES= to run on the CPU.");
    }
    allocator = new CudaAllocator(new DriverMemory());
    modules = new CudaModules(capability);
    launch = new CudaLaunch(this);
    staging = new Staging();
  }

  /** Returns why none of the first {@code count} GPUs is new enough, or null where one is. */
  static String whyAllTooOld(int count) {
    String why = null;
    for (int i = 0; i < count; i++) {
      CUdevice device = CudaDriver.device(i);
      int capability = capability(device);
      if (capability >= OLDEST_CAPABILITY) {
        return null;
      }
      why = why == null ? tooOld(i, nameOf(device), capability) : why;
    }
    return why;
  }

  private static String tooOld(int index, String name, int capability) {
    return "GPU %d (%s) has compute capability %d.%d; 8.0 or later is needed"
        .formatted(index, name, capability / 10, capability % 10);
  }

  private static int capability(CUdevice device) {
    return 10 * attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        + attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  }

  /** Device memory from the driver. */
  private final class DriverMemory implements CudaAllocator.Source {
    @Override
    public long allocate(long bytes) {
      bind();
      DeviceAddress address = new DeviceAddress();
      int status = JCudaDriver.cuMemAlloc(address, bytes);
      if (status == CudaCheck.OUT_OF_MEMORY) {
        return 0;
      }
      CudaCheck.driver(status, "cuMemAlloc of " + bytes + " bytes");
      return address.address();
    }

    @Override
    public void free(long address) {
      bind();
      CudaCheck.driver(JCudaDriver.cuMemFree(new DeviceAddress(address)), "cuMemFree");
    }
  }

  static long addressOf(jcuda.NativePointerObject object) {
    // JCuda keeps the address to itself but prints it: CUstream[nativePointer=0x…].
    String text = object.toString();
    int at = text.indexOf("0x");
    return Long.parseUnsignedLong(text.substring(at + 2, text.indexOf(']', at)), 16);
  }

  private static String nameOf(CUdevice device) {
    byte[] bytes = new byte[256];
    CudaCheck.driver(JCudaDriver.cuDeviceGetName(bytes, bytes.length, device), "cuDeviceGetName");
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, 0, end, StandardCharsets.US_ASCII);
  }

  private static int attribute(CUdevice device, int which) {
    int[] value = {0};
    CudaCheck.driver(
        JCudaDriver.cuDeviceGetAttribute(value, which, device), "cuDeviceGetAttribute");
    return value[0];
  }

  /** Makes this device's context the calling thread's. */
  void bind() {
    Bound last = bound;
    if (last.device != this || last.thread != Thread.currentThread()) {
      CudaCheck.driver(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
      bound = new Bound(this, Thread.currentThread());
    }
  }

  /** The last call of {@link #bind}; any device's, since a thread has one context. */
  private static volatile Bound bound = new Bound(null, null);

  private record Bound(CudaDevice device, Thread thread) {}

  int index() {
    return index;
  }

  /** Name of the GPU, such as "NVIDIA H100 80GB HBM3". */
  String name() {
    return name;
  }

  /** cuBLAS, loaded at first use. */
  CudaBlas blas() {
    if (blas == null) {
      blas = new CudaBlas(this);
    }
    return blas;
  }

  int multiprocessors() {
    return multiprocessors;
  }

  long stream() {
    return streamAddress;
  }

  CUstream cudaStream() {
    return stream;
  }

  /** True when float32 products may use the matrix units' 19-bit floats. */
  boolean tf32() {
    return tf32;
  }

  void setTf32(boolean allowed) {
    tf32 = allowed;
  }

  /** Prepares a launch of {@code kernel} of the source {@code family}.cu. */
  CudaLaunch launch(String family, String kernel) {
    if (renewing != null) {
      return launch.idle(kernel);
    }
    bind();
    return launch.of(modules.kernel(family, kernel));
  }

  /** Suffix of a kernel's name for an element type. */
  static String suffix(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> "f32";
      case BFLOAT16 -> "bf16";
      case FLOAT16 -> "f16";
      case INT32 -> "i32";
      case INT64 -> "i64";
      case FLOAT64 -> throw new IllegalArgumentException("the GPU has no float64 kernels");
    };
  }

  /** Address of a tensor's memory on this device. */
  long address(Tensor t) {
    if (t.isClosed()) {
      throw new IllegalStateException("tensor " + t.shape() + " used after close()");
    }
    if (!(t.storage() instanceof CudaStorage storage) || t.device().index() != index) {
      throw new IllegalArgumentException(t + " is not on GPU " + index);
    }
    return storage.address();
  }

  Pointer pointer(Tensor t) {
    return new RawPointer(t == null ? 0 : address(t));
  }

  /** Takes memory that stays, whether a graph is being recorded or not. */
  long allocate(long bytes) {
    return allocate(allocator, bytes);
  }

  long allocate(CudaAllocator from, long bytes) {
    long address = from.allocate(bytes);
    if (address == 0 && recording == null && !graphs.isEmpty()) {
      closeGraphs();
      address = from.allocate(bytes);
    }
    if (address == 0) {
      throw outOfMemory(bytes);
    }
    return address;
  }

  private void closeGraphs() {
    List.copyOf(graphs).forEach(CudaGraph::close);
  }

  /** Where tensors come from now: the pool of the graph that is being recorded, or the usual. */
  CudaAllocator pool() {
    return recording == null ? allocator : recording.pool();
  }

  CudaAllocator newGraphPool() {
    return CudaAllocator.forGraph(new DriverMemory());
  }

  /** The graph that work is recorded in, or null. */
  CudaGraph recording() {
    return recording;
  }

  /** The graph whose inputs are being renewed, so that nothing else is done; or null. */
  CudaGraph renewing() {
    return renewing;
  }

  /** Begins to record; what the graph needs of the device is made before. */
  void startRecording(CudaGraph graph) {
    requireOrdinary("recording a CUDA graph");
    blas();
    synchronize();
    allocator.trim();
    earlierPeak = peakBytes();
    allocator.resetPeak();
    launch.continueWork(0);
    recording = graph;
    graphs.add(graph);
  }

  /** Ends recording; returns what tells its work from other work. */
  long stopRecording() {
    recording = null;
    return launch.work();
  }

  /** Adds numbers to what tells the work from other work. */
  void noteWork(int a, int b, int c) {
    launch.note(a);
    launch.note(b);
    launch.note(c);
  }

  void startRenewing(CudaGraph graph) {
    requireOrdinary("replaying a CUDA graph");
    launch.continueWork(0);
    renewing = graph;
  }

  /** Ends renewing; returns what tells its work from other work. */
  long stopRenewing() {
    renewing = null;
    return launch.work();
  }

  /**
   * Does work that is left out while inputs are renewed; it copies nothing but constants to the
   * device and always does the same.
   */
  void unlessRenewing(Runnable work) {
    if (renewing == null) {
      long before = launch.work();
      work.run();
      launch.continueWork(before);
    }
  }

  void forget(CudaGraph graph) {
    graphs.remove(graph);
  }

  /** Notes that the work since {@link #startWork} uses a copy of weights. */
  void useCopy(Storage weights, String key, long bytes) {
    if (copies.add(List.of(weights, key))) {
      copyBytes += bytes;
    }
  }

  /** Begins to count the memory that a piece of work takes. */
  void startWork() {
    copies.clear();
    copyBytes = 0;
    allocator.startWork();
  }

  /** True when the driver has the memory for a graph that takes {@link #graphBytes}. */
  boolean hasRoomForGraph(long needed) {
    synchronize();
    allocator.trim();
    long[] free = {0};
    long[] total = {0};
    CudaCheck.driver(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
    copies.clear();
    return free[0] > needed + needed / 4 + GRAPH_OVERHEAD;
  }

  /**
   * Bytes that a graph of the work since {@link #startWork} takes: it makes copies of weights of
   * its own, also of those that lay there before the work.
   */
  long graphBytes() {
    return allocator.workBytes() + copyBytes;
  }

  /** Largest number of bytes in use at a time since {@link #resetPeak}, graphs' pools included. */
  long peakBytes() {
    long now = allocator.peakBytes();
    for (CudaGraph g : graphs) {
      now += g.pool().peakBytes();
    }
    return Math.max(now, earlierPeak);
  }

  void resetPeak() {
    earlierPeak = 0;
    allocator.resetPeak();
  }

  private void requireOrdinary(String what) {
    if (recording != null || renewing != null) {
      throw new CudaException(
          what
              + " is not possible while the work of a CUDA graph is recorded or its inputs are"
              + " renewed; set "
              + CudaGraphs.VARIABLE
              + "=off to run without graphs.");
    }
  }

  private CudaException outOfMemory(long bytes) {
    long[] free = {0};
    long[] total = {0};
    CudaCheck.driver(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
    return new CudaException(
        "GPU "
            + index
            + " ("
            + name
            + ") is out of memory: "
            + mebibytes(bytes)
            + " MiB asked for, "
            + mebibytes(usedBytes())
            + " MiB of "
            + mebibytes(total[0])
            + " MiB in use by this run; reduce batch_size or img_size, or free the GPU.");
  }

  private long usedBytes() {
    long used = allocator.usedBytes();
    for (CudaGraph g : graphs) {
      used += g.pool().reservedBytes();
    }
    return used;
  }

  private static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }

  CudaAllocator allocator() {
    return allocator;
  }

  /** Total bytes of the GPU's memory. */
  long totalMemory() {
    bind();
    long[] free = {0};
    long[] total = {0};
    CudaCheck.driver(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
    return total[0];
  }

  Device device() {
    return Device.cuda(index);
  }

  /** Float32 scratch of {@code elements} elements; the caller closes it. */
  Tensor scratch(long elements) {
    return scratch(DType.FLOAT32, elements);
  }

  /** Scratch of any type; the caller closes it. */
  Tensor scratch(DType dtype, long elements) {
    return new Tensor(
            Shape.of(Math.toIntExact(elements)), device(), new CudaStorage(this, dtype, elements))
        .detached();
  }

  /** Copies a small array to the device in stream order; the caller closes the tensor. */
  Tensor temporary(float[] values) {
    Tensor t = scratch(values.length);
    boolean done = false;
    try {
      upload(values, t.storage());
      done = true;
      return t;
    } finally {
      if (!done) {
        t.close();
      }
    }
  }

  /** Waits until all work is done. */
  void synchronize() {
    requireOrdinary("waiting for the GPU");
    bind();
    CudaCheck.driver(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize");
  }

  void upload(Object array, Storage to) {
    CudaStorage storage = (CudaStorage) to;
    if (recording != null) {
      recording.record(array, storage, false);
    } else if (renewing != null) {
      renewing.renew(array, storage);
    } else {
      staging.upload(array, storage);
    }
  }

  /** An {@link #upload} whose content a graph keeps: replays need not give it. */
  void uploadConstant(Object array, Storage to) {
    if (recording != null) {
      recording.record(array, (CudaStorage) to, true);
    } else if (renewing == null) {
      staging.upload(array, (CudaStorage) to);
    }
  }

  void download(Storage from, Object array) {
    requireOrdinary("reading a result from the GPU");
    staging.download((CudaStorage) from, array);
  }

  /**
   * Copies between Java arrays and the device through pinned memory, used as a ring: an upload
   * returns as soon as the array has been read, and waits only when the ring is full.
   */
  private final class Staging {
    private final MemorySegment buffer;
    private final long hostAddress;
    private int position;

    Staging() {
      Pointer p = new Pointer();
      CudaCheck.driver(JCudaDriver.cuMemHostAlloc(p, STAGING, 0), "cuMemHostAlloc");
      buffer = MemorySegment.ofBuffer(p.getByteBuffer(0, STAGING));
      hostAddress = buffer.address();
    }

    /** Returns the start of {@code bytes} unused bytes of the ring. */
    private int reserve(int bytes) {
      if (position + bytes > STAGING) {
        synchronize();
        position = 0;
      }
      int start = position;
      position += (bytes + 63) & -64;
      return start;
    }

    void upload(Object array, CudaStorage to) {
      bind();
      long bytes = to.bytes();
      for (long done = 0; done < bytes; ) {
        int part = (int) Math.min(bytes - done, STAGING);
        int start = reserve(part);
        copyIn(array, to.dtype(), done, start, part);
        CudaCheck.driver(
            JCudaDriver.cuMemcpyHtoDAsync(
                new DeviceAddress(to.address() + done),
                new RawPointer(hostAddress + start),
                part,
                stream),
            "cuMemcpyHtoDAsync");
        done += part;
      }
    }

    void download(CudaStorage from, Object array) {
      bind();
      long bytes = from.bytes();
      for (long done = 0; done < bytes; ) {
        int part = (int) Math.min(bytes - done, STAGING);
        int start = reserve(part);
        CudaCheck.driver(
            JCudaDriver.cuMemcpyDtoHAsync(
                new RawPointer(hostAddress + start),
                new DeviceAddress(from.address() + done),
                part,
                stream),
            "cuMemcpyDtoHAsync");
        synchronize();
        position = 0;
        copyOut(array, from.dtype(), done, start, part);
        done += part;
      }
    }

    private void copyIn(Object array, DType dtype, long from, int start, int bytes) {
      int first = (int) (from / dtype.bytes());
      int count = bytes / dtype.bytes();
      ValueLayout layout = layout(dtype);
      MemorySegment.copy(array, first, buffer, layout, start, count);
    }

    private void copyOut(Object array, DType dtype, long from, int start, int bytes) {
      int first = (int) (from / dtype.bytes());
      int count = bytes / dtype.bytes();
      MemorySegment.copy(buffer, layout(dtype), start, array, first, count);
    }
  }

  /** How elements of a type lie in memory. */
  static ValueLayout layout(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> ValueLayout.JAVA_FLOAT;
      case FLOAT64 -> ValueLayout.JAVA_DOUBLE;
      case INT32 -> ValueLayout.JAVA_INT;
      case INT64 -> ValueLayout.JAVA_LONG;
      case BFLOAT16, FLOAT16 -> ValueLayout.JAVA_SHORT;
    };
  }
}
