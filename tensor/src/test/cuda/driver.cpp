// A libcuda.so.1 without a GPU: device memory is host memory, kernels are those of the libraries
// that compile.sh makes (all *.so in CHANGENET_FAKE_KERNELS), work is done when it is asked for.
//
// Finds errors: fresh memory is NaN; every allocation ends at a page that can't be touched, and the
// rest of its last 256 bytes is checked after each kernel; freed memory is unmapped; a call without a
// current context, a copy outside an allocation, a call that a capturing stream forbids are refused.
//
// Set by environment variables:
//   CHANGENET_FAKE_INIT      status of cuInit (100 = no device)
//   CHANGENET_FAKE_DEVICES   number of devices (1)
//   CHANGENET_FAKE_VERSION   driver version (12060)
//   CHANGENET_FAKE_MEMORY    bytes of device memory (2 GiB)
//   CHANGENET_FAKE_CAPABILITY  compute capability (90)
//   CHANGENET_FAKE_IDLE      1: kernels do nothing, to time what starts them
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum {
  OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101,
  INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500, LAUNCH_FAILED = 719, CAPTURE_UNSUPPORTED = 900
};

using Address = unsigned long long;

struct Kernel {  // as in fibers.h
  const char* name;
  void (*invoke)(void**);
  int parameters;
  const size_t* sizes;
};
using Run = const char* (*)(const Kernel*, const unsigned*, const unsigned*, size_t, void**);

struct Function {
  const Kernel* kernel;
  Run run;
  size_t sharedLimit = 48 << 10;
};

using Work = std::function<int()>;

struct Graph {
  std::vector<Work> work;
};

struct Stream {
  Graph* capture = nullptr;
  bool relaxed = false;  // memory may be allocated while it captures
};

struct Event {
  std::chrono::steady_clock::time_point time;
};

struct Allocation {
  size_t bytes;
  char* region;
  size_t regionBytes;
  size_t tail;  // canary bytes between the end and the guard page
};

constexpr size_t PAGE = 4096;
constexpr size_t ALIGNMENT = 256;

std::recursive_mutex lock;
bool initialized;
std::map<Address, Allocation> allocations;
size_t usedBytes;
std::map<std::string, Function> functions;
Stream defaultStream;
int capturing;
int strictlyCapturing;
std::string lastError;
long launches;
int primary;  // its address is the context
thread_local void* context;

using Guard = std::lock_guard<std::recursive_mutex>;

long long setting(const char* name, long long usual) {
  const char* value = getenv(name);
  return value == nullptr || *value == 0 ? usual : atoll(value);
}

size_t totalBytes() { return size_t(setting("CHANGENET_FAKE_MEMORY", 2ll << 30)); }

Stream* streamOf(void* s) { return s == nullptr || uintptr_t(s) <= 2 ? &defaultStream : static_cast<Stream*>(s); }

#define NEED_CONTEXT            \
  Guard guard(lock);            \
  if (!initialized) {           \
    return NOT_INITIALIZED;     \
  }                             \
  if (context == nullptr) {     \
    return INVALID_CONTEXT;     \
  }

int submit(void* stream, Work work) {
  Stream* s = streamOf(stream);
  if (s->capture != nullptr) {
    s->capture->work.push_back(std::move(work));
    return OK;
  }
  return work();
}

// True when the range lies in one allocation.
bool onDevice(Address at, size_t bytes) {
  auto after = allocations.upper_bound(at);
  if (after == allocations.begin()) {
    return false;
  }
  auto& [start, a] = *std::prev(after);
  return at + bytes <= start + a.bytes;
}

bool intact(const char* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    if (static_cast<unsigned char>(from[i]) != 0xff) {
      return false;
    }
  }
  return true;
}

int report(const std::string& error) {
  lastError = error;
  return LAUNCH_FAILED;
}

int checkCanaries(const char* kernel) {
  for (auto& [start, a] : allocations) {
    auto* p = reinterpret_cast<char*>(start);
    size_t front = std::min<size_t>(ALIGNMENT, size_t(p - a.region - PAGE));
    if (!intact(p + a.bytes, a.tail) || !intact(p - front, front)) {
      memset(p + a.bytes, 0xff, a.tail);
      memset(p - front, 0xff, front);
      return report(std::string("kernel ") + kernel + " wrote outside an allocation of " + std::to_string(a.bytes) + " bytes");
    }
  }
  return OK;
}

// Adds a library's kernels, or puts them in the place of those with the same names.
bool loadLibrary(const std::string& file, bool replace) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  auto kernels = library == nullptr ? nullptr : reinterpret_cast<const Kernel* (*)()>(dlsym(library, "changenet_kernels"));
  if (kernels == nullptr) {
    fprintf(stderr, "fake CUDA driver: %s\n", dlerror());
    return false;
  }
  auto run = reinterpret_cast<Run>(dlsym(library, "changenet_run"));
  for (const Kernel* k = kernels(); k->name != nullptr; k++) {
    auto [at, added] = functions.emplace(k->name, Function{k, run});
    if (replace) {
      at->second.kernel = k;
      at->second.run = run;
    } else if (!added) {
      fprintf(stderr, "fake CUDA driver: two kernels are called %s\n", k->name);
    }
  }
  return true;
}

void loadKernels() {
  const char* folder = getenv("CHANGENET_FAKE_KERNELS");
  DIR* dir = folder == nullptr ? nullptr : opendir(folder);
  if (dir == nullptr) {
    return;
  }
  while (dirent* entry = readdir(dir)) {
    if (std::string(entry->d_name).ends_with(".so")) {
      loadLibrary(std::string(folder) + "/" + entry->d_name, false);
    }
  }
  closedir(dir);
}

int copy(void* stream, Address to, Address from, size_t bytes, bool toDevice, bool fromDevice) {
  if ((toDevice && bytes > 0 && !onDevice(to, bytes)) || (fromDevice && bytes > 0 && !onDevice(from, bytes))) {
    return INVALID_VALUE;
  }
  return submit(stream, [=] {
    memmove(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes);
    return int(OK);
  });
}

template <typename T>
int fill(void* stream, Address to, T value, size_t count) {
  if (count > 0 && !onDevice(to, count * sizeof(T))) {
    return INVALID_VALUE;
  }
  return submit(stream, [=] {
    std::fill_n(reinterpret_cast<T*>(to), count, value);
    return int(OK);
  });
}

struct Code {
  int status;
  const char* name;
  const char* text;
};

const Code CODES[] = {
    {OK, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"},
    {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

}  // namespace

// --- for the tests

// Text of the last failed launch.
extern "C" __attribute__((visibility("default"))) const char* changenet_error() { return lastError.c_str(); }

// Number of kernels that ran.
extern "C" __attribute__((visibility("default"))) long changenet_launches() { return launches; }

// Uses the kernels of another library from now on.
API changenet_replace(const char* file) {
  Guard guard(lock);
  return loadLibrary(file, true);
}

// For the stub of cuBLAS: work in stream order.
API changenet_submit(void* stream, const std::function<int()>* work) {
  Guard guard(lock);
  return submit(stream, *work);
}

API changenet_on_device(Address at, size_t bytes) {
  Guard guard(lock);
  return onDevice(at, bytes);
}

// --- driver, devices, context

API cuInit(unsigned) {
  Guard guard(lock);
  int status = int(setting("CHANGENET_FAKE_INIT", 0));
  if (status == OK && !initialized) {
    initialized = true;
    loadKernels();
  }
  return status;
}

API cuDriverGetVersion(int* version) {
  *version = int(setting("CHANGENET_FAKE_VERSION", 12060));
  return OK;
}

API cuGetErrorName(int status, const char** name) {
  for (auto& code : CODES) {
    if (code.status == status) {
      *name = code.name;
      return OK;
    }
  }
  *name = nullptr;
  return INVALID_VALUE;
}

API cuGetErrorString(int status, const char** text) {
  if (status == LAUNCH_FAILED && !lastError.empty()) {
    *text = lastError.c_str();
    return OK;
  }
  for (auto& code : CODES) {
    if (code.status == status) {
      *text = code.text;
      return OK;
    }
  }
  *text = nullptr;
  return INVALID_VALUE;
}

API cuDeviceGetCount(int* count) {
  if (!initialized) {
    return NOT_INITIALIZED;
  }
  *count = int(setting("CHANGENET_FAKE_DEVICES", 1));
  return OK;
}

API cuDeviceGet(int* device, int ordinal) {
  int count = 0;
  int status = cuDeviceGetCount(&count);
  if (status != OK) {
    return status;
  }
  *device = ordinal;
  return ordinal >= 0 && ordinal < count ? OK : INVALID_DEVICE;
}

API cuDeviceGetName(char* name, int length, int device) {
  snprintf(name, size_t(length), "Fake GPU %d", device);
  return OK;
}

API cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = totalBytes();
  return OK;
}

API cuDeviceGetAttribute(int* value, int attribute, int) {
  const int capability = int(setting("CHANGENET_FAKE_CAPABILITY", 90));
  switch (attribute) {
    case 1: *value = 1024; break;                // threads per block
    case 2: case 3: *value = 1024; break;        // block x, y
    case 4: *value = 64; break;                  // block z
    case 5: *value = 0x7fffffff; break;          // grid x
    case 6: case 7: *value = 65535; break;       // grid y, z
    case 8: *value = 48 << 10; break;            // shared memory per block
    case 10: *value = 32; break;                 // warp
    case 16: *value = 4; break;                  // multiprocessors
    case 39: *value = 2048; break;               // threads per multiprocessor
    case 41: *value = 1; break;                  // unified addressing
    case 75: *value = capability / 10; break;
    case 76: *value = capability % 10; break;
    case 81: *value = 228 << 10; break;          // shared memory per multiprocessor
    case 97: *value = 227 << 10; break;          // opt-in shared memory per block
    default: *value = 0;
  }
  return OK;
}

API cuDevicePrimaryCtxRetain(void** result, int) {
  *result = &primary;
  return initialized ? OK : NOT_INITIALIZED;
}
API cuDevicePrimaryCtxRelease_v2(int) { return OK; }
API cuCtxSetCurrent(void* c) {
  context = c;
  return OK;
}
API cuCtxGetCurrent(void** c) {
  *c = context;
  return OK;
}
API cuCtxGetDevice(int* device) {
  *device = 0;
  return context == nullptr ? INVALID_CONTEXT : OK;
}
API cuCtxSynchronize() {
  NEED_CONTEXT
  return capturing > 0 ? CAPTURE_UNSUPPORTED : OK;
}

// --- memory

API cuMemAlloc_v2(Address* address, size_t bytes) {
  NEED_CONTEXT
  if (strictlyCapturing > 0) {
    return CAPTURE_UNSUPPORTED;
  }
  if (bytes == 0) {
    return INVALID_VALUE;
  }
  if (usedBytes + bytes > totalBytes()) {
    return OUT_OF_MEMORY;
  }
  const size_t aligned = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  const size_t inner = (aligned + PAGE - 1) / PAGE * PAGE;
  void* region = mmap(nullptr, inner + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED) {
    return OUT_OF_MEMORY;
  }
  char* first = static_cast<char*>(region) + PAGE;
  memset(first, 0xff, inner);
  mprotect(region, PAGE, PROT_NONE);
  mprotect(first + inner, PAGE, PROT_NONE);
  *address = Address(first + inner - aligned);
  allocations[*address] = {bytes, static_cast<char*>(region), inner + 2 * PAGE, aligned - bytes};
  usedBytes += bytes;
  return OK;
}

API cuMemFree_v2(Address address) {
  NEED_CONTEXT
  auto found = allocations.find(address);
  if (found == allocations.end()) {
    return address == 0 ? OK : INVALID_VALUE;
  }
  munmap(found->second.region, found->second.regionBytes);
  usedBytes -= found->second.bytes;
  allocations.erase(found);
  return OK;
}

API cuMemGetInfo_v2(size_t* available, size_t* total) {
  NEED_CONTEXT
  *total = totalBytes();
  *available = *total - usedBytes;
  return OK;
}

API cuMemHostAlloc(void** memory, size_t bytes, unsigned) {
  NEED_CONTEXT
  *memory = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
  return *memory == nullptr ? OUT_OF_MEMORY : OK;
}
API cuMemAllocHost_v2(void** memory, size_t bytes) { return cuMemHostAlloc(memory, bytes, 0); }
API cuMemFreeHost(void* memory) {
  free(memory);
  return OK;
}
API cuMemHostRegister_v2(void*, size_t, unsigned) { return OK; }
API cuMemHostUnregister(void*) { return OK; }

#define COPY(name, To, From, toDevice, fromDevice)                                            \
  API name##_v2(To to, From from, size_t bytes) {                                             \
    NEED_CONTEXT                                                                              \
    if (capturing > 0) {                                                                      \
      return CAPTURE_UNSUPPORTED;                                                             \
    }                                                                                         \
    return copy(nullptr, Address(to), Address(from), bytes, toDevice, fromDevice);            \
  }                                                                                           \
  API name##Async_v2(To to, From from, size_t bytes, void* stream) {                          \
    NEED_CONTEXT                                                                              \
    return copy(stream, Address(to), Address(from), bytes, toDevice, fromDevice);             \
  }
COPY(cuMemcpyHtoD, Address, const void*, true, false)
COPY(cuMemcpyDtoH, void*, Address, false, true)
COPY(cuMemcpyDtoD, Address, Address, true, true)

#define FILL(name, T)                                                                         \
  API name##_v2(Address to, T value, size_t count) {                                          \
    NEED_CONTEXT                                                                              \
    return capturing > 0 ? CAPTURE_UNSUPPORTED : fill<T>(nullptr, to, value, count);          \
  }                                                                                           \
  API name##Async(Address to, T value, size_t count, void* stream) {                          \
    NEED_CONTEXT                                                                              \
    return fill<T>(stream, to, value, count);                                                 \
  }
FILL(cuMemsetD8, unsigned char)
FILL(cuMemsetD16, unsigned short)
FILL(cuMemsetD32, unsigned)

// --- modules and launches

// A module is a copy of its image, PTX or cubin: kernels that it doesn't name are not found.
API cuModuleLoadData(void** module, const void* image) {
  NEED_CONTEXT
  auto* text = static_cast<const char*>(image);
  size_t size = strlen(text);
  if (memcmp(text, "\x7f" "ELF", 4) == 0) {
    auto* elf = reinterpret_cast<const Elf64_Ehdr*>(image);
    size = elf->e_shoff + size_t(elf->e_shnum) * elf->e_shentsize;
  }
  *module = new std::string(text, size);
  return OK;
}
API cuModuleLoadDataEx(void** module, const void* image, unsigned, int*, void**) { return cuModuleLoadData(module, image); }
API cuModuleUnload(void* module) {
  delete static_cast<std::string*>(module);
  return OK;
}

// True when the image has the name as a word of its own, or is a placeholder.
bool names(const std::string& image, const char* name) {
  auto word = [](char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  const size_t length = strlen(name);
  for (size_t at = image.find(name); at != std::string::npos; at = image.find(name, at + 1)) {
    if ((at == 0 || !word(image[at - 1])) && (at + length == image.size() || !word(image[at + length]))) {
      return true;
    }
  }
  return image.starts_with("// for the stub driver");
}

API cuModuleGetFunction(void** function, void* module, const char* name) {
  NEED_CONTEXT
  auto found = functions.find(name);
  if (found == functions.end() || !names(*static_cast<std::string*>(module), name)) {
    return NOT_FOUND;
  }
  *function = &found->second;
  return OK;
}

API cuFuncSetAttribute(void* function, int attribute, int value) {
  if (attribute == 8) {
    if (value > 227 << 10) {
      return INVALID_VALUE;
    }
    static_cast<Function*>(function)->sharedLimit = size_t(value);
  }
  return OK;
}

API cuFuncGetParamInfo(void* function, size_t index, size_t* offset, size_t* size) {
  const Kernel* kernel = static_cast<Function*>(function)->kernel;
  if (index >= size_t(kernel->parameters)) {
    return INVALID_VALUE;
  }
  size_t at = 0;
  for (size_t i = 0; i <= index; i++) {
    at = (at + kernel->sizes[i] - 1) / kernel->sizes[i] * kernel->sizes[i];
    *offset = at;
    at += kernel->sizes[i];
  }
  *size = kernel->sizes[index];
  return OK;
}

API cuLaunchKernel(void* f, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
                   unsigned sharedBytes, void* stream, void** parameters, void**) {
  NEED_CONTEXT
  auto* function = static_cast<Function*>(f);
  if (sharedBytes > function->sharedLimit) {
    return INVALID_VALUE;
  }
  static const bool idle = setting("CHANGENET_FAKE_IDLE", 0) != 0;
  const Kernel* kernel = function->kernel;
  std::vector<std::vector<char>> values;
  for (int i = 0; i < kernel->parameters; i++) {
    auto* from = static_cast<char*>(parameters[i]);
    values.emplace_back(from, from + kernel->sizes[i]);
  }
  return submit(stream, [=]() mutable {
    std::vector<void*> pointers;
    for (auto& v : values) {
      pointers.push_back(v.data());
    }
    const unsigned grid[] = {gridX, gridY, gridZ};
    const unsigned block[] = {blockX, blockY, blockZ};
    launches++;
    if (idle) {
      return int(OK);
    }
    const char* error = function->run(kernel, grid, block, sharedBytes, pointers.data());
    return error != nullptr ? report(error) : checkCanaries(kernel->name);
  });
}

// --- streams and events

API cuStreamCreate(void** stream, unsigned) {
  NEED_CONTEXT
  *stream = new Stream;
  return OK;
}
API cuStreamCreateWithPriority(void** stream, unsigned flags, int) { return cuStreamCreate(stream, flags); }
API cuStreamDestroy_v2(void* stream) {
  delete static_cast<Stream*>(stream);
  return OK;
}
API cuStreamSynchronize(void* stream) {
  NEED_CONTEXT
  return streamOf(stream)->capture != nullptr ? CAPTURE_UNSUPPORTED : OK;
}
API cuStreamQuery(void* stream) { return cuStreamSynchronize(stream); }
API cuStreamWaitEvent(void*, void*, unsigned) { return OK; }
API cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = 0;
  return OK;
}

API cuEventCreate(void** event, unsigned) {
  NEED_CONTEXT
  *event = new Event;
  return OK;
}
API cuEventDestroy_v2(void* event) {
  delete static_cast<Event*>(event);
  return OK;
}
API cuEventRecord(void* event, void* stream) {
  NEED_CONTEXT
  return submit(stream, [=] {
    static_cast<Event*>(event)->time = std::chrono::steady_clock::now();
    return int(OK);
  });
}
API cuEventSynchronize(void*) { return OK; }
API cuEventQuery(void*) { return OK; }
API cuEventElapsedTime(float* milliseconds, void* from, void* to) {
  std::chrono::duration<float, std::milli> d = static_cast<Event*>(to)->time - static_cast<Event*>(from)->time;
  *milliseconds = d.count();
  return OK;
}

// --- graphs: the recorded work, in order

API cuThreadExchangeStreamCaptureMode(int* mode) {
  *mode = 0;
  return OK;
}
API cuStreamBeginCapture_v2(void* stream, int mode) {
  NEED_CONTEXT
  Stream* s = streamOf(stream);
  if (s == &defaultStream || s->capture != nullptr) {
    return CAPTURE_UNSUPPORTED;
  }
  s->capture = new Graph;
  s->relaxed = mode == 2;
  capturing++;
  strictlyCapturing += s->relaxed ? 0 : 1;
  return OK;
}
API cuStreamIsCapturing(void* stream, int* status) {
  *status = streamOf(stream)->capture != nullptr;
  return OK;
}
API cuStreamEndCapture(void* stream, void** graph) {
  NEED_CONTEXT
  Stream* s = streamOf(stream);
  *graph = s->capture;
  if (s->capture == nullptr) {
    return INVALID_VALUE;
  }
  s->capture = nullptr;
  capturing--;
  strictlyCapturing -= s->relaxed ? 0 : 1;
  return OK;
}
API cuGraphInstantiateWithFlags(void** exec, void* graph, unsigned long long) {
  *exec = new Graph(*static_cast<Graph*>(graph));
  return OK;
}
API cuGraphLaunch(void* exec, void* stream) {
  NEED_CONTEXT
  for (auto& work : static_cast<Graph*>(exec)->work) {
    int status = submit(stream, work);
    if (status != OK) {
      return status;
    }
  }
  return OK;
}
API cuGraphUpload(void*, void*) { return OK; }
API cuGraphDestroy(void* graph) {
  delete static_cast<Graph*>(graph);
  return OK;
}
API cuGraphExecDestroy(void* exec) { return cuGraphDestroy(exec); }
API cuGraphGetNodes(void* graph, void** nodes, size_t* count) {
  if (nodes == nullptr) {
    *count = static_cast<Graph*>(graph)->work.size();
  }
  return OK;
}
