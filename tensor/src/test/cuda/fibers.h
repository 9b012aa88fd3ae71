// Runs one block of a kernel on the host: every CUDA thread is a fiber with a stack of its own.
//
// A warp runs as far as it gets before the next one starts, and within a warp a lane runs as far as
// it gets before the next lane. With CHANGENET_SCHEDULE=reverse the last warp and the last lane come
// first. So a missing barrier shows: someone reads what was not yet written (shared memory starts as
// NaN), or overwrites what was not yet read, in one order or the other.
//
// Everything here is per shared object (static, hidden); one launch runs at a time.
#pragma once

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

static uint3 threadIdx;
static uint3 blockIdx;
static dim3 blockDim;
static dim3 gridDim;
constexpr int warpSize = 32;

extern "C" void* __tls_get_addr(size_t* moduleAndOffset);

// Saves the callee's registers on the stack, the stack pointer in *save, and continues at `to`.
extern "C" void changenet_switch(void** save, void* to);

#if defined(__x86_64__)
asm(R"(
.text
.p2align 4
.type changenet_switch, @function
changenet_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size changenet_switch, .-changenet_switch
)");
#else
#error "fibers.h: write changenet_switch for this processor"
#endif

namespace changenet {
namespace {

enum State { FRESH, READY, AT_BLOCK_BARRIER, AT_WARP_BARRIER, ENDED };

struct Fiber {
  void* stackPointer = nullptr;
  char* stack = nullptr;
};

struct Thread {
  State state;
  Fiber* fiber;
  const char* file;  // of the barrier it waits at
  int line;
  int parity;  // which of the two exchange buffers the next shuffle uses
};

constexpr size_t STACK = 256 << 10;
constexpr size_t GUARD = 4096;
constexpr int MAX_THREADS = 1024;
constexpr int SLOT = 16;  // bytes that one lane can pass on

struct Launch {
  void (*invoke)(void**);
  void** params;
  const char* name;
};

std::mutex launching;
Launch launch;
Thread threads[MAX_THREADS];
char exchange[MAX_THREADS / 32][2][32][SLOT];
long long votes;
std::vector<Fiber*> idle;
int current;
int threadCount;
void* scheduler;
bool failed;
char message[512];
unsigned char* dynamicShared;
size_t dynamicBytes;

// Notes the first error; a fiber then leaves for good.
__attribute__((format(printf, 1, 2))) void fail(const char* format, ...) {
  if (failed) {
    return;
  }
  failed = true;
  int n = snprintf(message, sizeof message, "kernel %s, block (%u, %u, %u): ", launch.name, blockIdx.x, blockIdx.y, blockIdx.z);
  va_list args;
  va_start(args, format);
  vsnprintf(message + n, sizeof message - n, format, args);
  va_end(args);
}

[[noreturn]] void leave() {
  void* never;
  changenet_switch(&never, scheduler);
  abort();
}

void setThread(int t) {
  current = t;
  threadIdx.x = t % blockDim.x;
  threadIdx.y = t / blockDim.x % blockDim.y;
  threadIdx.z = t / blockDim.x / blockDim.y;
}

void fiberMain() {
  for (;;) {
    launch.invoke(launch.params);
    Thread& t = threads[current];
    t.state = ENDED;
    idle.push_back(t.fiber);
    changenet_switch(&t.fiber->stackPointer, scheduler);
  }
}

Fiber* newFiber() {
  auto* fiber = new Fiber;
  void* memory = mmap(nullptr, STACK + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    perror("fiber stack");
    abort();
  }
  mprotect(memory, GUARD, PROT_NONE);
  fiber->stack = static_cast<char*>(memory);
  return fiber;
}

// Lays out a stack that changenet_switch "returns" from into fiberMain.
void prepare(Fiber* fiber) {
  auto* top = reinterpret_cast<void**>(fiber->stack + STACK + GUARD);
  *--top = nullptr;                              // fiberMain's return address, never used
  *--top = reinterpret_cast<void*>(fiberMain);   // where changenet_switch returns to
  for (int i = 0; i < 6; i++) {
    *--top = nullptr;
  }
  fiber->stackPointer = top;
}

void resume(int t) {
  Thread& thread = threads[t];
  if (thread.state == FRESH) {
    if (idle.empty()) {
      thread.fiber = newFiber();
      prepare(thread.fiber);
    } else {
      thread.fiber = idle.back();
      idle.pop_back();
    }
  }
  thread.state = READY;
  setThread(t);
  changenet_switch(&scheduler, thread.fiber->stackPointer);
}

void wait(State state, const char* file, int line) {
  Thread& t = threads[current];
  t.state = state;
  t.file = file;
  t.line = line;
  changenet_switch(&t.fiber->stackPointer, scheduler);
}

bool reverse() {
  const char* schedule = getenv("CHANGENET_SCHEDULE");
  return schedule != nullptr && strcmp(schedule, "reverse") == 0;
}

const char* base(const char* file) {
  const char* slash = strrchr(file, '/');
  return slash == nullptr ? file : slash + 1;
}

// Frees the threads [from, to) that all wait at one barrier; an error if they don't. False if ended.
bool release(int from, int to, State barrier, const char* what) {
  int waiting = -1;
  for (int t = from; t < to; t++) {
    if (threads[t].state == barrier) {
      waiting = t;
    }
  }
  if (waiting < 0) {
    return false;
  }
  const Thread& w = threads[waiting];
  for (int t = from; t < to && !failed; t++) {
    const Thread& o = threads[t];
    if (o.state == ENDED) {
      fail("thread %d ended while thread %d waits in %s at %s:%d", t, waiting, what, base(w.file), w.line);
    } else if (o.state != barrier || o.line != w.line || o.file != w.file) {
      fail("thread %d waits at %s:%d while thread %d waits in %s at %s:%d", t, base(o.file), o.line, waiting, what, base(w.file), w.line);
    }
  }
  for (int t = from; t < to && !failed; t++) {
    threads[t].state = READY;
  }
  return !failed;
}

void runWarp(int warp, bool backwards) {
  do {
    for (int i = 0; i < 32 && !failed; i++) {
      int t = warp * 32 + (backwards ? 31 - i : i);
      if (threads[t].state == FRESH || threads[t].state == READY) {
        resume(t);
      }
    }
  } while (!failed && release(warp * 32, warp * 32 + 32, AT_WARP_BARRIER, "a warp operation"));
}

// The __shared__ variables of this object are its thread-local block. It is asked for by number: a
// block that the loader places beside the thread itself isn't known to dl_iterate_phdr.
struct SharedBlock {
  size_t index[2] = {0, 0};  // module and offset
  size_t bytes = 0;

  static int visit(dl_phdr_info* info, size_t, void* result) {
    auto* self = static_cast<SharedBlock*>(result);
    const auto here = reinterpret_cast<uintptr_t>(&visit);
    bool ours = false;
    size_t size = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
      const auto& header = info->dlpi_phdr[i];
      const uintptr_t start = info->dlpi_addr + header.p_vaddr;
      ours |= header.p_type == PT_LOAD && here >= start && here < start + header.p_memsz;
      size += header.p_type == PT_TLS ? header.p_memsz : 0;
    }
    if (ours) {
      self->index[0] = info->dlpi_tls_modid;
      self->bytes = size;
    }
    return ours;
  }

  SharedBlock() { dl_iterate_phdr(visit, this); }

  void* start() {
    return __tls_get_addr(index);
  }
};

void poison() {
  static SharedBlock block;
  if (block.bytes > 0) {
    memset(block.start(), 0xff, block.bytes);
  }
  memset(dynamicShared, 0xff, dynamicBytes + 256);
}

void checkDynamicShared() {
  for (size_t i = dynamicBytes; i < dynamicBytes + 256 && !failed; i++) {
    if (dynamicShared[i] != 0xff) {
      fail("wrote behind the %zu bytes of dynamic shared memory", dynamicBytes);
    }
  }
}

void runBlock(bool backwards) {
  poison();
  votes = 0;
  for (int t = 0; t < threadCount; t++) {
    threads[t] = Thread{FRESH, nullptr, "", 0, 0};
  }
  int warps = threadCount / 32;
  do {
    for (int i = 0; i < warps && !failed; i++) {
      runWarp(backwards ? warps - 1 - i : i, backwards);
    }
  } while (!failed && release(0, threadCount, AT_BLOCK_BARRIER, "__syncthreads"));
  checkDynamicShared();
}

// A bad address inside a kernel becomes an error of the launch; other threads' signals go to the
// handler that was there before.
pthread_t kernelThread;
bool inKernel;
struct sigaction previous[2];

void badAddress(int signal, siginfo_t* info, void* context) {
  if (inKernel && pthread_equal(kernelThread, pthread_self())) {
    fail("thread %d used the bad address %p", current, info->si_addr);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    leave();
  }
  const auto& before = previous[signal == SIGBUS];
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    sigaction(signal, &before, nullptr);  // the fault repeats and ends the process
  }
}

void catchFaults() {
  struct sigaction action = {};
  action.sa_sigaction = badAddress;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSEGV, &action, &previous[0]);
  sigaction(SIGBUS, &action, &previous[1]);
  kernelThread = pthread_self();
  inKernel = true;
}

void restoreFaults() {
  inKernel = false;
  sigaction(SIGSEGV, &previous[0], nullptr);
  sigaction(SIGBUS, &previous[1], nullptr);
}

// Fibers that an error left in the middle start anew.
void discardFibers() {
  for (int t = 0; t < threadCount; t++) {
    if (threads[t].fiber != nullptr && threads[t].state != ENDED) {
      prepare(threads[t].fiber);
      idle.push_back(threads[t].fiber);
    }
  }
}

bool runBlocks() {
  const bool backwards = reverse();
  const size_t blocks = size_t(gridDim.x) * gridDim.y * gridDim.z;
  for (size_t i = 0; i < blocks && !failed; i++) {
    size_t b = backwards ? blocks - 1 - i : i;
    blockIdx = {unsigned(b % gridDim.x), unsigned(b / gridDim.x % gridDim.y), unsigned(b / gridDim.x / gridDim.y)};
    runBlock(backwards);
  }
  return !failed;
}

// Returns null, or what went wrong (valid until the next launch).
const char* run(const Launch& call, dim3 grid, dim3 block, size_t sharedBytes) {
  std::lock_guard<std::mutex> lock(launching);
  failed = false;
  launch = call;
  gridDim = grid;
  blockDim = block;
  blockIdx = {};
  const size_t size = size_t(block.x) * block.y * block.z;
  if (size == 0 || size > MAX_THREADS || size % 32 != 0) {
    fail("a block of %zu threads; expected a multiple of 32 up to 1024", size);
    return message;
  }
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 || grid.z > 65535 || grid.x > 0x7fffffffu) {
    fail("a grid of %u x %u x %u blocks", grid.x, grid.y, grid.z);
    return message;
  }
  threadCount = int(size);
  dynamicBytes = sharedBytes;
  dynamicShared = static_cast<unsigned char*>(aligned_alloc(256, (sharedBytes + 511) / 256 * 256));
  catchFaults();
  if (!runBlocks()) {
    discardFibers();
  }
  restoreFaults();
  free(dynamicShared);
  return failed ? message : nullptr;
}

// Two buffers suffice: no lane is more than one exchange ahead of another.
template <typename T>
T shuffle(const char* file, int line, unsigned mask, T value, int width, auto source) {
  static_assert(sizeof(T) <= SLOT);
  if (mask != 0xffffffffu) {
    fail("mask %#x of a warp operation at %s:%d; expected 0xffffffff", mask, base(file), line);
    leave();
  }
  Thread& t = threads[current];
  auto& slots = exchange[current / 32][t.parity];
  t.parity ^= 1;
  const int lane = current & 31;
  memcpy(slots[lane], &value, sizeof(T));
  wait(AT_WARP_BARRIER, file, line);
  const int first = lane & ~(width - 1);
  const int from = source(lane - first);
  if (from >= 0 && from < width) {
    memcpy(&value, slots[first + from], sizeof(T));
  }
  return value;
}

unsigned ballot(const char* file, int line, unsigned mask, int predicate) {
  unsigned bits = 0;
  Thread& t = threads[current];
  auto& slots = exchange[current / 32][t.parity];
  shuffle(file, line, mask, int(predicate != 0), 32, [](int lane) { return lane; });
  for (int lane = 0; lane < 32; lane++) {
    int vote;
    memcpy(&vote, slots[lane], sizeof vote);
    bits |= unsigned(vote) << lane;
  }
  return bits;
}

// Counts over the block; the second barrier keeps a fast thread from counting twice.
int blockCount(const char* file, int line, int predicate) {
  votes += predicate != 0;
  wait(AT_BLOCK_BARRIER, file, line);
  int count = int(votes);
  wait(AT_BLOCK_BARRIER, file, line);
  votes = 0;
  wait(AT_BLOCK_BARRIER, file, line);
  return count;
}

template <typename... A, size_t... I>
void callWith(void (*kernel)(A...), void** params, std::index_sequence<I...>) {
  kernel(*static_cast<std::remove_cv_t<std::remove_reference_t<A>>*>(params[I])...);
}

template <auto K>
struct Entry;

template <typename... A, void (*K)(A...)>
struct Entry<K> {
  static constexpr int count = sizeof...(A);
  static constexpr size_t sizes[sizeof...(A) + 1] = {sizeof(A)..., 0};
  static void invoke(void** params) { callWith(K, params, std::index_sequence_for<A...>()); }
};

// For test programs in C++: includes a .cu, then launch(kernel_f32, "kernel_f32", grid, block, 0, args...).
template <typename... A, typename... B>
[[maybe_unused]] const char* launchKernel(void (*kernel)(A...), const char* name, dim3 grid, dim3 block, size_t shared, B... args) {
  static void (*target)(A...);
  target = kernel;
  std::tuple<std::remove_cv_t<A>...> values{static_cast<std::remove_cv_t<A>>(args)...};
  void* params[sizeof...(A) + 1];
  std::apply([&](auto&... v) { int i = 0; ((params[i++] = const_cast<void*>(static_cast<const void*>(&v))), ...); }, values);
  return run({[](void** p) { callWith(target, p, std::index_sequence_for<A...>()); }, params, name}, grid, block, shared);
}

}  // namespace
}  // namespace changenet

// What the fake driver finds in a compiled .cu; the table is generated by compile.sh.
struct ChangenetKernel {
  const char* name;
  void (*invoke)(void**);
  int parameters;
  const size_t* sizes;
};

#define CHANGENET_KERNEL(name) \
  {#name, changenet::Entry<&name>::invoke, changenet::Entry<&name>::count, changenet::Entry<&name>::sizes},

#define CHANGENET_EXPORT(table)                                                                                                            \
  extern "C" __attribute__((visibility("default"))) const ChangenetKernel* changenet_kernels() { return table; }                           \
  extern "C" __attribute__((visibility("default"))) const char* changenet_run(                                                             \
      const ChangenetKernel* k, const unsigned* grid, const unsigned* block, size_t shared, void** params) {                               \
    return changenet::run({k->invoke, params, k->name}, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, shared);              \
  }
