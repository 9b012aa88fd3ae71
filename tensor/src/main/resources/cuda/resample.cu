// Resizing of channels-last maps and maximum pooling. Backward passes gather.
#include "columns.cuh"

enum Mode { BILINEAR, NEAREST, BICUBIC };

// Output columns whose coordinates a block computes once.
constexpr int TABLE = 1024;

// How the outputs of one axis read its inputs. Coordinates are computed in double: a float puts
// some nearest pixels beside the right one. scale is inputs per output, with aligned corners
// (inputs - 1) / (outputs - 1), or 0 for one output.
template <Mode M>
struct Axis {
  int inputs;
  int outputs;
  bool corners;
  double scale;

  // First input that output d reads (not clamped for bicubic) and the fraction behind it.
  __device__ __forceinline__ int source(int d, float* fraction) const {
    if (M == NEAREST) {
      *fraction = 0;
      return min(inputs - 1, (int)(d * scale));
    }
    double s = corners ? d * scale : (d + 0.5) * scale - 0.5;
    if (M == BILINEAR && s < 0) {
      s = 0;
    }
    double low = floor(s);
    *fraction = (float)(s - low);
    return M == BILINEAR ? min((int)low, inputs - 1) : (int)low;
  }

  // The outputs that may read input i: from first to last, all for a border's outer side.
  __device__ __forceinline__ void readers(int i, int* first, int* last) const {
    // Output d reads around d * scale + shift. One more on either side for rounding.
    float per = scale > 0 ? __fdividef(1.0f, (float)scale) : 0.0f;
    float shift = corners || M == NEAREST ? 0.0f : 0.5f * (float)scale - 0.5f;
    float reach = M == BICUBIC ? 2 : 1;
    float from = floorf((i - reach - shift) * per) - 1;
    float to = ceilf((i + reach - shift) * per) + 1;
    bool all = per == 0;
    *first = all || i == 0 || from <= 0 ? 0 : from < outputs ? (int)from : outputs;
    *last = all || i == inputs - 1 || to >= outputs - 1 ? outputs - 1 : to < 0 ? -1 : (int)to;
  }
};

// Weights of the taps of one output: tap k reads input clamp(first + k).
template <Mode M>
struct Taps {
  static constexpr int COUNT = M == NEAREST ? 1 : M == BILINEAR ? 2 : 4;

  static __device__ __forceinline__ void weights(float f, float (&w)[COUNT]) {
    if constexpr (M == NEAREST) {
      w[0] = 1;
    } else if constexpr (M == BILINEAR) {
      w[0] = 1 - f;
      w[1] = f;
    } else {
      w[0] = far(1 + f);
      w[1] = near(f);
      w[2] = near(1 - f);
      w[3] = far(2 - f);
    }
  }

  static __device__ __forceinline__ int index(int source, int k, int inputs) {
    int i = M == BICUBIC ? source - 1 + k : source + k;
    return min(max(i, 0), inputs - 1);
  }

  // Weight of input i in the output that reads `source` with fraction f.
  static __device__ __forceinline__ float weight_of(int i, int source, float f, int inputs) {
    float w[COUNT];
    weights(f, w);
    float sum = 0;
#pragma unroll
    for (int k = 0; k < COUNT; k++) {
      sum += index(source, k, inputs) == i ? w[k] : 0.0f;
    }
    return sum;
  }

 private:
  // Cubic convolution with a = -0.75 for distances up to 1 and from 1 to 2 (Keys, 1981).
  static __device__ __forceinline__ float near(float t) {
    return (1.25f * t - 2.25f) * t * t + 1.0f;
  }
  static __device__ __forceinline__ float far(float t) {
    return ((-0.75f * t + 3.75f) * t - 6.0f) * t + 3.0f;
  }
};

// Coordinates of an axis, from a table in shared memory as far as it reaches.
template <Mode M>
struct AxisTable {
  const Axis<M>& axis;
  int* low;
  float* fraction;

  __device__ __forceinline__ void fill(int from, int to) const {
    for (int d = from + threadIdx.x; d < min(to, TABLE); d += THREADS) {
      float f;
      low[d] = axis.source(d, &f);
      fraction[d] = f;
    }
    __syncthreads();
  }

  __device__ __forceinline__ int source(int d, float* f) const {
    if (d < TABLE) {
      *f = fraction[d];
      return low[d];
    }
    return axis.source(d, f);
  }
};

#define RESIZE_ARGUMENTS                                                                           \
  int height, int width, int channels, int out_height, int out_width, int corners, double scale_h, \
      double scale_w, int segments, int segment

// A block has a segment of an output row: `segment` of the out_width * channels / V packs.
template <Mode M, typename T, int V>
__device__ __forceinline__ void resize(
    const T* __restrict__ x, T* __restrict__ out, const Axis<M>& rows, const AxisTable<M>& columns,
    int channels, int segments, int segment) {
  constexpr int N = Taps<M>::COUNT;
  int packs = channels / V;
  int row = blockIdx.x / segments;
  int oy = row % rows.outputs;
  int width = columns.axis.inputs;
  int first = blockIdx.x % segments * segment;
  int end = min(first + segment, columns.axis.outputs * packs);
  columns.fill(first / packs, (end - 1) / packs + 1);
  const T* sample = x + (size_t)(row / rows.outputs) * rows.inputs * width * channels;
  T* to = out + (size_t)row * columns.axis.outputs * channels;
  float fy;
  int y = rows.source(oy, &fy);
  float wy[N];
  Taps<M>::weights(fy, wy);
  for (int i = first + threadIdx.x; i < end; i += THREADS) {
    int ox = i / packs;
    int channel = (i - ox * packs) * V;
    float fx;
    int left = columns.source(ox, &fx);
    float wx[N];
    Taps<M>::weights(fx, wx);
    float sum[V] = {};
#pragma unroll
    for (int a = 0; a < N; a++) {
      const T* line = sample + (size_t)Taps<M>::index(y, a, rows.inputs) * width * channels + channel;
#pragma unroll
      for (int b = 0; b < N; b++) {
        float v[V];
        load(line + (size_t)Taps<M>::index(left, b, width) * channels, v);
        float w = wy[a] * wx[b];
#pragma unroll
        for (int k = 0; k < V; k++) {
          sum[k] += w * v[k];
        }
      }
    }
    store(to + (size_t)i * V, sum);
  }
}

// A block has a segment of an input row and adds up, for each of its packs, the outputs that read
// it, rows outside, columns inside.
template <Mode M, typename T, int V>
__device__ __forceinline__ void resize_backward(
    const T* __restrict__ g, T* __restrict__ grad_x, const Axis<M>& rows,
    const AxisTable<M>& columns, int channels, int segments, int segment) {
  int packs = channels / V;
  int row = blockIdx.x / segments;
  int y = row % rows.inputs;
  int width = columns.axis.inputs;
  int out_width = columns.axis.outputs;
  int first = blockIdx.x % segments * segment;
  int end = min(first + segment, width * packs);
  int table_first;
  int table_last;
  int unused;
  columns.axis.readers(first / packs, &table_first, &unused);
  columns.axis.readers((end - 1) / packs, &unused, &table_last);
  columns.fill(table_first, table_last + 1);
  int top;
  int bottom;
  rows.readers(y, &top, &bottom);
  const T* sample = g + (size_t)(row / rows.inputs) * rows.outputs * out_width * channels;
  T* to = grad_x + (size_t)row * width * channels;
  for (int i = first + threadIdx.x; i < end; i += THREADS) {
    int x = i / packs;
    int channel = (i - x * packs) * V;
    int left;
    int right;
    columns.axis.readers(x, &left, &right);
    float sum[V] = {};
    for (int oy = top; oy <= bottom; oy++) {
      float fy;
      int source = rows.source(oy, &fy);
      float wy = Taps<M>::weight_of(y, source, fy, rows.inputs);
      if (wy == 0) {
        continue;
      }
      const T* line = sample + (size_t)oy * out_width * channels + channel;
      for (int ox = left; ox <= right; ox++) {
        float fx;
        int low = columns.source(ox, &fx);
        float w = wy * Taps<M>::weight_of(x, low, fx, width);
        if (w == 0) {
          continue;
        }
        float v[V];
        load(line + (size_t)ox * channels, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
          sum[k] += w * v[k];
        }
      }
    }
    store(to + (size_t)i * V, sum);
  }
}

#define RESIZE(name, M, T, S)                                                                      \
  extern "C" __global__ void __launch_bounds__(THREADS) resize_##name##_##S(                       \
      const T* x, T* out, RESIZE_ARGUMENTS) {                                                      \
    __shared__ int low[TABLE];                                                                     \
    __shared__ float fraction[TABLE];                                                              \
    Axis<M> rows{height, out_height, corners != 0, scale_h};                                       \
    Axis<M> columns{width, out_width, corners != 0, scale_w};                                      \
    AxisTable<M> table{columns, low, fraction};                                                    \
    with_width<T>(channels, [&](auto pack) {                                                       \
      resize<M, T, decltype(pack)::value>(x, out, rows, table, channels, segments, segment);       \
    });                                                                                            \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) resize_backward_##name##_##S(              \
      const T* g, T* grad_x, RESIZE_ARGUMENTS) {                                                   \
    __shared__ int low[TABLE];                                                                     \
    __shared__ float fraction[TABLE];                                                              \
    Axis<M> rows{height, out_height, corners != 0, scale_h};                                       \
    Axis<M> columns{width, out_width, corners != 0, scale_w};                                      \
    AxisTable<M> table{columns, low, fraction};                                                    \
    with_width<T>(channels, [&](auto pack) {                                                       \
      resize_backward<M, T, decltype(pack)::value>(                                                \
          g, grad_x, rows, table, channels, segments, segment);                                    \
    });                                                                                            \
  }

#define RESIZES(T, S)                 \
  RESIZE(bilinear, BILINEAR, T, S)    \
  RESIZE(nearest, NEAREST, T, S)      \
  RESIZE(bicubic, BICUBIC, T, S)

RESIZES(float, f32)
RESIZES(bf16, bf16)
RESIZES(f16, f16)

// ---- Maximum pooling ----

#define POOL_ARGUMENTS                                                                             \
  int batch, int height, int width, int channels, int out_height, int out_width, int kernel,       \
      int stride, int padding

struct Pool {
  int batch, height, width, channels, out_height, out_width, kernel, stride, padding;
};

#define POOL Pool{batch, height, width, channels, out_height, out_width, kernel, stride, padding}

// The first winner in reading order; a NaN wins.
template <typename T, int V>
__device__ __forceinline__ void max_pool(const T* x, T* out, int* argmax, const Pool& p) {
  int packs = p.channels / V;
  unsigned n = (unsigned)p.batch * p.out_height * p.out_width * packs;
  unsigned step = gridDim.x * THREADS;
  for (unsigned i = blockIdx.x * THREADS + threadIdx.x; i < n; i += step) {
    unsigned pixel = i / (unsigned)packs;
    int channel = (int)(i - pixel * packs) * V;
    unsigned row = pixel / (unsigned)p.out_width;
    int left = (int)(pixel - row * p.out_width) * p.stride - p.padding;
    unsigned b = row / (unsigned)p.out_height;
    int top = (int)(row - b * p.out_height) * p.stride - p.padding;
    const T* sample = x + (size_t)b * p.height * p.width * p.channels + channel;
    float best[V];
    int winner[V];
#pragma unroll
    for (int k = 0; k < V; k++) {
      best[k] = 0;
      winner[k] = -1;
    }
    int bottom = min(p.height, top + p.kernel);
    int right = min(p.width, left + p.kernel);
    for (int y = max(0, top); y < bottom; y++) {
      for (int z = max(0, left); z < right; z++) {
        int at = y * p.width + z;
        float v[V];
        load(sample + (size_t)at * p.channels, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
          if (winner[k] < 0 || v[k] > best[k] || v[k] != v[k]) {
            best[k] = v[k];
            winner[k] = at;
          }
        }
      }
    }
    size_t to = (size_t)pixel * p.channels + channel;
    store(out + to, best);
#pragma unroll
    for (int k = 0; k < V; k++) {
      argmax[to + k] = winner[k];
    }
  }
}

// Each input adds up the gradients of the windows it won.
template <typename T, int V>
__device__ __forceinline__ void max_pool_backward(
    const T* g, const int* argmax, T* grad_x, const Pool& p) {
  int packs = p.channels / V;
  unsigned n = (unsigned)p.batch * p.height * p.width * packs;
  unsigned step = gridDim.x * THREADS;
  for (unsigned i = blockIdx.x * THREADS + threadIdx.x; i < n; i += step) {
    unsigned pixel = i / (unsigned)packs;
    int channel = (int)(i - pixel * packs) * V;
    unsigned row = pixel / (unsigned)p.width;
    int z = (int)(pixel - row * p.width);
    unsigned b = row / (unsigned)p.height;
    int y = (int)(row - b * p.height);
    int at = y * p.width + z;
    size_t sample = (size_t)b * p.out_height * p.out_width * p.channels + channel;
    // Window o covers o * stride - padding … + kernel - 1.
    int top = max(0, (y + p.padding - p.kernel + p.stride) / p.stride);
    int left = max(0, (z + p.padding - p.kernel + p.stride) / p.stride);
    int bottom = min(p.out_height - 1, (y + p.padding) / p.stride);
    int right = min(p.out_width - 1, (z + p.padding) / p.stride);
    float sum[V] = {};
    for (int oy = top; oy <= bottom; oy++) {
      for (int oz = left; oz <= right; oz++) {
        size_t from = sample + (size_t)(oy * p.out_width + oz) * p.channels;
        float v[V];
        load(g + from, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
          sum[k] += argmax[from + k] == at ? v[k] : 0.0f;
        }
      }
    }
    store(grad_x + (size_t)pixel * p.channels + channel, sum);
  }
}

#define MAX_POOL(T, S)                                                                             \
  extern "C" __global__ void __launch_bounds__(THREADS) max_pool2d_##S(                            \
      const T* x, T* out, int* argmax, POOL_ARGUMENTS) {                                           \
    with_width<T>(channels, [&](auto pack) {                                                       \
      max_pool<T, decltype(pack)::value>(x, out, argmax, POOL);                                    \
    });                                                                                            \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) max_pool2d_backward_##S(                   \
      const T* g, const int* argmax, T* grad_x, POOL_ARGUMENTS) {                                  \
    with_width<T>(channels, [&](auto pack) {                                                       \
      max_pool_backward<T, decltype(pack)::value>(g, argmax, grad_x, POOL);                        \
    });                                                                                            \
  }

MAX_POOL(float, f32)
MAX_POOL(bf16, bf16)
MAX_POOL(f16, f16)
