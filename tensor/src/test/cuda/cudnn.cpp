// A cuDNN for tests without a GPU: convolutions of channels-last tensors on the CPU, summed in double.
//
// Refused, as cuDNN does: handles and descriptors that were not made, sizes that don't go together,
// a workspace that is too small, timing algorithms on a stream that records. Also refused: data that
// isn't in device memory, an algorithm that was not offered as usable for these descriptors.
//
// What it offers for a convolution, best first, each with half the workspace that it takes (as if the
// list spoke of other arithmetic than the descriptors):
//   UNSUPPORTED  not for these sizes
//   RANDOM       not deterministic
//   LARGE        deterministic, with a workspace of 2 GiB
//   USUAL        deterministic, with a small workspace of an odd size; not where there are 33 outputs
// Timed, RANDOM takes 1 ms and USUAL 2.5 ms, or 4 ms where the filter's height is odd.
#include <algorithm>
#include <functional>

#include "numbers.h"
#include "stub.h"

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum { SUCCESS = 0, NOT_INITIALIZED = 1001, BAD_PARAM = 2000, NOT_SUPPORTED = 3000, EXECUTION_FAILED = 5000 };
enum { NHWC = 1 };
enum { CROSS_CORRELATION = 1 };
enum Algorithm { RANDOM = 0, USUAL = 1, LARGE = 3, UNSUPPORTED = 5 };
enum Kind { FORWARD, BACKWARD_DATA, BACKWARD_FILTER };

struct Handle {
  void* stream = nullptr;
};

// A tensor n x h x w x c, or a filter of n outputs and c inputs.
struct Map {
  Number type = Number::F32;
  int n = 0, h = 0, w = 0, c = 0;

  size_t at(int i, int y, int x, int channel) const { return ((size_t(i) * h + y) * w + x) * c + channel; }
  bool inside(const void* data) const { return onDevice(data, at(n - 1, h - 1, w - 1, c - 1) * bytes(type) + bytes(type)); }
};

struct Geometry {
  int padY = 0, padX = 0, strideY = 0, strideX = 0, math = 0;
};

// As cudnnConvolution{Fwd,BwdData,BwdFilter}AlgoPerf_t.
struct Performance {
  int algorithm;
  int status;
  float time;
  size_t memory;
  int determinism;
  int mathType;
  int reserved[3];
};

long runs[3][6];

// True while the stream records.
bool isCapturing(void* stream) {
  static auto call = reinterpret_cast<int (*)(void*, int*)>(driver("cuStreamIsCapturing"));
  int status = 0;
  return call != nullptr && call(stream, &status) == 0 && status != 0;
}

bool numberOf(int type, Number* number) {
  switch (type) {
    case 0: *number = Number::F32; return true;
    case 2: *number = Number::F16; return true;
    case 9: *number = Number::BF16; return true;
    default: return false;
  }
}

int outputs(int in, int pad, int stride, int filter) { return (in + 2 * pad - filter) / stride + 1; }

struct Convolution {
  const Map *x, *w, *y;
  const Geometry* g;

  int check() const {
    if (x == nullptr || w == nullptr || y == nullptr || g == nullptr || g->strideY < 1) {
      return BAD_PARAM;
    }
    const bool fits = x->n == y->n && x->c == w->c && y->c == w->n && x->type == w->type && x->type == y->type
        && y->h == outputs(x->h, g->padY, g->strideY, w->h) && y->w == outputs(x->w, g->padX, g->strideX, w->w);
    return fits ? SUCCESS : BAD_PARAM;
  }

  size_t workspace(int algorithm) const {
    return algorithm == LARGE ? size_t(2) << 30 : algorithm == USUAL ? size_t(w->n) * 4 + 3 : 0;
  }

  bool offers(int algorithm) const { return algorithm == RANDOM || algorithm == LARGE || (algorithm == USUAL && y->c != 33 && x->c != 33); }

  // Calls f(x, w, y) with the indices of all products.
  void products(const std::function<void(size_t, size_t, size_t)>& f) const {
    for (int i = 0; i < y->n; i++) {
      for (int oy = 0; oy < y->h; oy++) {
        for (int ox = 0; ox < y->w; ox++) {
          for (int ky = 0; ky < w->h; ky++) {
            const int iy = oy * g->strideY - g->padY + ky;
            for (int kx = 0; kx < w->w; kx++) {
              const int ix = ox * g->strideX - g->padX + kx;
              if (iy < 0 || iy >= x->h || ix < 0 || ix >= x->w) {
                continue;
              }
              for (int o = 0; o < y->c; o++) {
                for (int c = 0; c < x->c; c++) {
                  f(x->at(i, iy, ix, c), w->at(o, ky, kx, c), y->at(i, oy, ox, o));
                }
              }
            }
          }
        }
      }
    }
  }
};

int offer(void* handle, Convolution c, bool timed, int most, int* count, Performance* found) {
  auto* h = static_cast<Handle*>(handle);
  *count = most + 1;  // not to be looked at when the call fails
  if (h == nullptr) {
    return NOT_INITIALIZED;
  }
  const int status = c.check();
  if (status != SUCCESS) {
    return status;
  }
  if (timed && isCapturing(h->stream)) {
    return EXECUTION_FAILED;
  }
  *count = 0;
  auto add = [&](int algorithm, float time, int determinism) {
    if (*count < most) {
      const bool offered = c.offers(algorithm);
      found[(*count)++] = {algorithm, offered ? SUCCESS : NOT_SUPPORTED, timed && offered ? time : -1.f,
                           offered ? c.workspace(algorithm) / 2 : 0, determinism, c.g->math, {0, 0, 0}};
    }
  };
  add(UNSUPPORTED, 0, 1);
  add(RANDOM, 1, 0);
  add(LARGE, 2, 1);
  add(USUAL, c.w->h % 2 == 0 ? 2.5f : 4.f, 1);
  return SUCCESS;
}

// One of the three: the operand `out` becomes the sum of the products of the other two.
int convolve(void* handle, Kind kind, Convolution c, const void* x, const void* w, const void* y, int algorithm, void* workspace,
             size_t workspaceBytes, const void* alpha, const void* beta) {
  auto* h = static_cast<Handle*>(handle);
  if (h == nullptr) {
    return NOT_INITIALIZED;
  }
  const int status = c.check();
  if (status != SUCCESS) {
    return status;
  }
  const size_t needed = c.workspace(algorithm);
  if (!c.offers(algorithm) || workspaceBytes < needed || !c.x->inside(x) || !c.w->inside(w) || !c.y->inside(y)
      || (needed > 0 && !onDevice(workspace, needed))) {
    return BAD_PARAM;
  }
  const auto a = *static_cast<const float*>(alpha);
  const auto b = *static_cast<const float*>(beta);
  const Map xs = *c.x, ws = *c.w, ys = *c.y;
  const Geometry g = *c.g;
  const bool done = submit(h->stream, [=] {
    const Convolution now{&xs, &ws, &ys, &g};
    const Map& map = kind == FORWARD ? ys : kind == BACKWARD_DATA ? xs : ws;
    void* out = const_cast<void*>(kind == FORWARD ? y : kind == BACKWARD_DATA ? x : w);
    const Number type = xs.type;
    const size_t count = size_t(map.n) * map.h * map.w * map.c;
    auto* sums = new double[count]();
    // Whoever lies in the workspace is lost.
    memset(workspace, 0xff, needed);
    now.products([&](size_t ix, size_t iw, size_t iy) {
      switch (kind) {
        case FORWARD: sums[iy] += load(x, ix, type) * load(w, iw, type); break;
        case BACKWARD_DATA: sums[ix] += load(w, iw, type) * load(y, iy, type); break;
        case BACKWARD_FILTER: sums[iw] += load(x, ix, type) * load(y, iy, type); break;
      }
    });
    for (size_t i = 0; i < count; i++) {
      store(out, i, type, a * sums[i] + (b == 0 ? 0 : b * load(out, i, type)));
    }
    delete[] sums;
    runs[kind][algorithm]++;
    return 0;
  });
  return done ? SUCCESS : EXECUTION_FAILED;
}

const Map* map(void* descriptor) { return static_cast<Map*>(descriptor); }
const Geometry* geometry(void* descriptor) { return static_cast<Geometry*>(descriptor); }

template <typename T>
int make(void** result) {
  *result = new T;
  return SUCCESS;
}

template <typename T>
int destroy(void* made) {
  delete static_cast<T*>(made);
  return SUCCESS;
}

}  // namespace

// For the tests: how often an algorithm has computed a forward pass (0), the gradient of inputs (1)
// or of a filter (2).
extern "C" __attribute__((visibility("default"))) long cudnnStubRuns(int kind, int algorithm) { return runs[kind][algorithm]; }

API cudnnCreate(void** handle) { return make<Handle>(handle); }
API cudnnDestroy(void* handle) { return destroy<Handle>(handle); }
API cudnnSetStream(void* handle, void* stream) {
  static_cast<Handle*>(handle)->stream = stream;
  return SUCCESS;
}
extern "C" __attribute__((visibility("default"))) const char* cudnnGetErrorString(int status) {
  return status == SUCCESS ? "CUDNN_STATUS_SUCCESS" : status == BAD_PARAM ? "CUDNN_STATUS_BAD_PARAM" : "failure of the stub cuDNN";
}

API cudnnCreateTensorDescriptor(void** d) { return make<Map>(d); }
API cudnnDestroyTensorDescriptor(void* d) { return destroy<Map>(d); }
API cudnnCreateFilterDescriptor(void** d) { return make<Map>(d); }
API cudnnDestroyFilterDescriptor(void* d) { return destroy<Map>(d); }
API cudnnCreateConvolutionDescriptor(void** d) { return make<Geometry>(d); }
API cudnnDestroyConvolutionDescriptor(void* d) { return destroy<Geometry>(d); }

namespace {
int set(void* d, int format, int type, int n, int c, int h, int w) {
  Number number;
  if (format != NHWC || !numberOf(type, &number)) {
    return NOT_SUPPORTED;
  }
  if (std::min({n, c, h, w}) < 1) {
    return BAD_PARAM;
  }
  *static_cast<Map*>(d) = {number, n, h, w, c};
  return SUCCESS;
}
}  // namespace

API cudnnSetTensor4dDescriptor(void* d, int format, int type, int n, int c, int h, int w) { return set(d, format, type, n, c, h, w); }
API cudnnSetFilter4dDescriptor(void* d, int type, int format, int n, int c, int h, int w) { return set(d, format, type, n, c, h, w); }
API cudnnSetConvolution2dDescriptor(void* d, int padY, int padX, int strideY, int strideX, int dilationY, int dilationX, int mode,
                                    int compute) {
  if (dilationY != 1 || dilationX != 1 || mode != CROSS_CORRELATION || compute != 0) {
    return NOT_SUPPORTED;
  }
  *static_cast<Geometry*>(d) = {padY, padX, strideY, strideX, 0};
  return SUCCESS;
}
API cudnnSetConvolutionMathType(void* d, int math) {
  static_cast<Geometry*>(d)->math = math;
  return SUCCESS;
}

// The names of those that predict end in _v7, of those that time in nothing.
#define CHOOSE(call, timed)                                                                                                    \
  API cudnn##call##ForwardAlgorithm##timed(void* h, void* x, void* w, void* g, void* y, int most, int* count, Performance* p) { \
    return offer(h, {map(x), map(w), map(y), geometry(g)}, sizeof(#timed) == 1, most, count, p);                                    \
  }                                                                                                                            \
  API cudnn##call##BackwardDataAlgorithm##timed(void* h, void* w, void* y, void* g, void* x, int most, int* count,             \
                                                Performance* p) {                                                              \
    return offer(h, {map(x), map(w), map(y), geometry(g)}, sizeof(#timed) == 1, most, count, p);                                    \
  }                                                                                                                            \
  API cudnn##call##BackwardFilterAlgorithm##timed(void* h, void* x, void* y, void* g, void* w, int most, int* count,           \
                                                  Performance* p) {                                                            \
    return offer(h, {map(x), map(w), map(y), geometry(g)}, sizeof(#timed) == 1, most, count, p);                                    \
  }
CHOOSE(GetConvolution, _v7)
CHOOSE(FindConvolution, )

#define WORKSPACE(name, first, second, third)                                                             \
  API cudnnGetConvolution##name##WorkspaceSize(void*, void* first, void* second, void* g, void* third,    \
                                               int algorithm, size_t* bytes) {                            \
    const Convolution c{map(x), map(w), map(y), geometry(g)};                                             \
    *bytes = c.workspace(algorithm);                                                                      \
    return c.check() == SUCCESS && c.offers(algorithm) ? SUCCESS : NOT_SUPPORTED;                         \
  }
WORKSPACE(Forward, x, w, y)
WORKSPACE(BackwardData, w, y, x)
WORKSPACE(BackwardFilter, x, y, w)

API cudnnConvolutionForward(void* h, const void* alpha, void* xs, const void* x, void* ws, const void* w, void* g, int algorithm,
                            void* workspace, size_t bytes, const void* beta, void* ys, void* y) {
  return convolve(h, FORWARD, {map(xs), map(ws), map(ys), geometry(g)}, x, w, y, algorithm, workspace, bytes, alpha, beta);
}
API cudnnConvolutionBackwardData(void* h, const void* alpha, void* ws, const void* w, void* ys, const void* y, void* g, int algorithm,
                                 void* workspace, size_t bytes, const void* beta, void* xs, void* x) {
  return convolve(h, BACKWARD_DATA, {map(xs), map(ws), map(ys), geometry(g)}, x, w, y, algorithm, workspace, bytes, alpha, beta);
}
API cudnnConvolutionBackwardFilter(void* h, const void* alpha, void* xs, const void* x, void* ys, const void* y, void* g, int algorithm,
                                   void* workspace, size_t bytes, const void* beta, void* ws, void* w) {
  return convolve(h, BACKWARD_FILTER, {map(xs), map(ws), map(ys), geometry(g)}, x, w, y, algorithm, workspace, bytes, alpha, beta);
}
