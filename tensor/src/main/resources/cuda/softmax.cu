// Softmax over the last dimension, and the channel gate of the FAN blocks with its two softmaxes
// over tokens.
#include "common.cuh"

// Rows of n values; group (a power of two up to 32) lanes share a row.
template <typename T>
__device__ __forceinline__ void softmax_rows(const T* x, T* out, long long rows, int n, int group) {
  int lane = threadIdx.x & (group - 1);
  long long step = (long long)gridDim.x * blockDim.x / group;
  long long in_warp = (threadIdx.x & 31) / group;
  long long first = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / group - in_warp;
  // All lanes of a warp make the same number of rounds.
  for (long long base = first; base < rows; base += step) {
    long long row = base + in_warp;
    bool inside = row < rows;
    const T* source = x + row * n;
    float top = -INFINITY;
    for (int i = lane; inside && i < n; i += group) {
      top = fmaxf(top, to_float(source[i]));
    }
    for (int s = group / 2; s > 0; s >>= 1) {
      top = fmaxf(top, __shfl_xor_sync(FULL_WARP, top, s));
    }
    float sum = 0.0f;
    for (int i = lane; inside && i < n; i += group) {
      sum += expf(to_float(source[i]) - top);
    }
    for (int s = group / 2; s > 0; s >>= 1) {
      sum += __shfl_xor_sync(FULL_WARP, sum, s);
    }
    float inverse = 1.0f / sum;
    for (int i = lane; inside && i < n; i += group) {
      out[row * n + i] = from_float<T>(expf(to_float(source[i]) - top) * inverse);
    }
  }
}

template <typename T>
__device__ __forceinline__ void softmax_rows_backward(
    const T* out, const T* grad_out, T* grad_x, long long rows, int n, int group) {
  int lane = threadIdx.x & (group - 1);
  long long step = (long long)gridDim.x * blockDim.x / group;
  long long in_warp = (threadIdx.x & 31) / group;
  long long first = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / group - in_warp;
  for (long long base = first; base < rows; base += step) {
    long long row = base + in_warp;
    bool inside = row < rows;
    const T* p = out + row * n;
    const T* g = grad_out + row * n;
    float dot = 0.0f;
    for (int i = lane; inside && i < n; i += group) {
      dot += to_float(p[i]) * to_float(g[i]);
    }
    for (int s = group / 2; s > 0; s >>= 1) {
      dot += __shfl_xor_sync(FULL_WARP, dot, s);
    }
    for (int i = lane; inside && i < n; i += group) {
      grad_x[row * n + i] = from_float<T>(to_float(p[i]) * (to_float(g[i]) - dot));
    }
  }
}

// The channel gate: one block per head and sample, which share nothing. Threads lie in two ways:
// for sums over tokens, a thread holds V neighbouring columns and every slots-th token; for sums
// over a head's columns, GATE_GROUP lanes share a token.
constexpr int GATE_THREADS = 512;
constexpr int GATE_GROUP = 8;

template <typename T, int V>
struct GateLayout {
  int d;
  int tokens;
  int channels;
  size_t start;
  int columns;  // threads along a row
  int slots;    // rows at a time
  int column;   // first column of this thread
  int slot;     // first token of this thread; none when >= slots

  __device__ __forceinline__ GateLayout(int tokens, int channels)
      : d(channels / gridDim.x), tokens(tokens), channels(channels) {
    start = (size_t)blockIdx.y * tokens * channels + (size_t)blockIdx.x * d;
    columns = d / V;
    slots = GATE_THREADS / columns;
    column = threadIdx.x % columns * V;
    slot = threadIdx.x / columns;
    if (slot >= slots) {
      slot = tokens;
    }
  }

  __device__ __forceinline__ void load(const T* tensor, int n, int c, float* values) const {
    Pack<T, V> p = *reinterpret_cast<const Pack<T, V>*>(tensor + start + (size_t)n * channels + c);
    for (int j = 0; j < V; j++) {
      values[j] = to_float(p.v[j]);
    }
  }

  __device__ __forceinline__ void store(T* tensor, int n, int c, const float* values) const {
    Pack<T, V> p;
    for (int j = 0; j < V; j++) {
      p.v[j] = from_float<T>(values[j]);
    }
    *reinterpret_cast<Pack<T, V>*>(tensor + start + (size_t)n * channels + c) = p;
  }
};

// Sums the partial values of a column's threads: partial [GATE_THREADS * V], result [d].
template <typename T, int V>
__device__ __forceinline__ void gate_column_sums(
    const GateLayout<T, V>& g, const float* values, float* partial, float* result) {
  __syncthreads();
  for (int j = 0; j < V; j++) {
    partial[threadIdx.x * V + j] = values[j];
  }
  __syncthreads();
  for (int c = threadIdx.x; c < g.d; c += GATE_THREADS) {
    float sum = 0.0f;
    for (int s = 0; s < g.slots; s++) {
      sum += partial[s * g.d + c];
    }
    result[c] = sum;
  }
  __syncthreads();
}

// Largest value and 1 / sum of exponentials of each column of x.
template <typename T, int V>
__device__ __forceinline__ void gate_column_softmax(
    const GateLayout<T, V>& g, const T* x, float* partial, float* top, float* inverse) {
  float best[V];
  float sum[V];
  float value[V];
  for (int j = 0; j < V; j++) {
    best[j] = -INFINITY;
    sum[j] = 0.0f;
  }
  for (int n = g.slot; n < g.tokens; n += g.slots) {
    g.load(x, n, g.column, value);
    for (int j = 0; j < V; j++) {
      best[j] = fmaxf(best[j], value[j]);
    }
  }
  __syncthreads();
  for (int j = 0; j < V; j++) {
    partial[threadIdx.x * V + j] = best[j];
  }
  __syncthreads();
  for (int c = threadIdx.x; c < g.d; c += GATE_THREADS) {
    float highest = partial[c];
    for (int s = 1; s < g.slots; s++) {
      highest = fmaxf(highest, partial[s * g.d + c]);
    }
    top[c] = highest;
  }
  __syncthreads();
  for (int j = 0; j < V; j++) {
    best[j] = top[g.column + j];
  }
  for (int n = g.slot; n < g.tokens; n += g.slots) {
    g.load(x, n, g.column, value);
    for (int j = 0; j < V; j++) {
      sum[j] += expf(value[j] - best[j]);
    }
  }
  gate_column_sums<T, V>(g, sum, partial, inverse);
  for (int c = threadIdx.x; c < g.d; c += GATE_THREADS) {
    inverse[c] = 1.0f / inverse[c];
  }
  __syncthreads();
}

// Sizes of the gate's tables in shared memory: heads of at most this width.
constexpr int GATE_WIDTH = 512;

// mean[b, head, n] = mean over the head's columns of the second softmax; with scales also
// dot[b, head, n] = sum of scales * the first softmax.
template <typename T, int V, bool DOT>
__device__ __forceinline__ void gate_token_sums(
    const GateLayout<T, V>& g, const T* q, const T* x, const float* q_top, const float* q_inverse,
    const float* x_top, const float* x_inverse, const float* scales, float* mean, float* dot) {
  int lane = threadIdx.x % GATE_GROUP;
  int in_warp = (threadIdx.x & 31) / GATE_GROUP;
  int first = threadIdx.x / GATE_GROUP - in_warp;
  float value[V];
  for (int base = first; base < g.tokens; base += GATE_THREADS / GATE_GROUP) {
    int n = base + in_warp;
    float sum = 0.0f;
    float product = 0.0f;
    for (int c = lane * V; n < g.tokens && c < g.d; c += GATE_GROUP * V) {
      g.load(x, n, c, value);
      for (int j = 0; j < V; j++) {
        sum += expf(value[j] - x_top[c + j]) * x_inverse[c + j];
      }
      if (DOT) {
        g.load(q, n, c, value);
        for (int j = 0; j < V; j++) {
          product += scales[c + j] * expf(value[j] - q_top[c + j]) * q_inverse[c + j];
        }
      }
    }
    for (int s = GATE_GROUP / 2; s > 0; s >>= 1) {
      sum += __shfl_xor_sync(FULL_WARP, sum, s);
      if (DOT) {
        product += __shfl_xor_sync(FULL_WARP, product, s);
      }
    }
    if (lane == 0 && n < g.tokens) {
      mean[n] = sum / g.d;
      if (DOT) {
        dot[n] = product;
      }
    }
  }
  __syncthreads();
}

// token_mean: scratch [B, heads, N]. Grid: heads, samples.
template <typename T, int V>
__device__ __forceinline__ void channel_gate_forward(
    const T* q, const T* x, const T* v, const float* temperature, T* out, float* sigmoid,
    float* token_mean, int tokens, int channels) {
  __shared__ float partial[GATE_THREADS * V];
  __shared__ float q_top[GATE_WIDTH];
  __shared__ float q_inverse[GATE_WIDTH];
  __shared__ float x_top[GATE_WIDTH];
  __shared__ float x_inverse[GATE_WIDTH];
  __shared__ float gate[GATE_WIDTH];
  GateLayout<T, V> g(tokens, channels);
  float* mean = token_mean + ((size_t)blockIdx.y * gridDim.x + blockIdx.x) * tokens;
  gate_column_softmax<T, V>(g, q, partial, q_top, q_inverse);
  gate_column_softmax<T, V>(g, x, partial, x_top, x_inverse);
  gate_token_sums<T, V, false>(
      g, q, x, q_top, q_inverse, x_top, x_inverse, nullptr, mean, nullptr);

  float value[V];
  float sum[V];
  for (int j = 0; j < V; j++) {
    sum[j] = 0.0f;
  }
  for (int n = g.slot; n < tokens; n += g.slots) {
    g.load(q, n, g.column, value);
    for (int j = 0; j < V; j++) {
      sum[j] += expf(value[j] - q_top[g.column + j]) * mean[n];
    }
  }
  gate_column_sums<T, V>(g, sum, partial, gate);
  for (int c = threadIdx.x; c < g.d; c += GATE_THREADS) {
    float s = 1.0f / (1.0f + expf(-gate[c] * q_inverse[c]));
    sigmoid[(size_t)blockIdx.y * channels + blockIdx.x * g.d + c] = s;
    gate[c] = temperature[blockIdx.x] * s;
  }
  __syncthreads();
  for (int n = g.slot; n < tokens; n += g.slots) {
    g.load(v, n, g.column, value);
    for (int j = 0; j < V; j++) {
      value[j] *= gate[g.column + j];
    }
    g.store(out, n, g.column, value);
  }
}

// scratch: [B, heads, 2N + 1]; the last of each is the sample's part of gradTemperature.
template <typename T, int V>
__device__ __forceinline__ void channel_gate_backward(
    const T* grad_out, const T* q, const T* x, const T* v, const float* temperature,
    const float* sigmoid, T* grad_q, T* grad_x, T* grad_v, float* scratch, int tokens,
    int channels) {
  __shared__ float partial[GATE_THREADS * V];
  __shared__ float q_top[GATE_WIDTH];
  __shared__ float q_inverse[GATE_WIDTH];
  __shared__ float x_top[GATE_WIDTH];
  __shared__ float x_inverse[GATE_WIDTH];
  __shared__ float gate[GATE_WIDTH];   // temperature * sigmoid
  __shared__ float grad_s[GATE_WIDTH];
  __shared__ float q_dot[GATE_WIDTH];
  __shared__ float x_dot[GATE_WIDTH];
  GateLayout<T, V> g(tokens, channels);
  float* mean = scratch + ((size_t)blockIdx.y * gridDim.x + blockIdx.x) * (2 * tokens + 1);
  float* dot = mean + tokens;
  gate_column_softmax<T, V>(g, q, partial, q_top, q_inverse);
  gate_column_softmax<T, V>(g, x, partial, x_top, x_inverse);

  float a[V];
  float b[V];
  float sum[V];
  float other[V];
  for (int j = 0; j < V; j++) {
    sum[j] = 0.0f;
  }
  for (int n = g.slot; n < tokens; n += g.slots) {
    g.load(grad_out, n, g.column, a);
    g.load(v, n, g.column, b);
    for (int j = 0; j < V; j++) {
      sum[j] += a[j] * b[j];
    }
  }
  gate_column_sums<T, V>(g, sum, partial, grad_s);
  float part = 0.0f;
  for (int c = threadIdx.x; c < g.d; c += GATE_THREADS) {
    float s = sigmoid[(size_t)blockIdx.y * channels + blockIdx.x * g.d + c];
    gate[c] = temperature[blockIdx.x] * s;
    part += s * grad_s[c];
    grad_s[c] *= gate[c] * (1.0f - s);
  }
  part = block_sum<GATE_THREADS>(part);
  if (threadIdx.x == 0) {
    mean[2 * tokens] = part;
  }
  __syncthreads();
  gate_token_sums<T, V, true>(
      g, q, x, q_top, q_inverse, x_top, x_inverse, grad_s, mean, dot);

  // Sums of softmax * its gradient over the tokens, for both softmaxes.
  for (int j = 0; j < V; j++) {
    sum[j] = 0.0f;
    other[j] = 0.0f;
  }
  for (int n = g.slot; n < tokens; n += g.slots) {
    g.load(q, n, g.column, a);
    g.load(x, n, g.column, b);
    for (int j = 0; j < V; j++) {
      sum[j] += expf(a[j] - q_top[g.column + j]) * mean[n];
      other[j] += expf(b[j] - x_top[g.column + j]) * dot[n];
    }
  }
  gate_column_sums<T, V>(g, sum, partial, q_dot);
  gate_column_sums<T, V>(g, other, partial, x_dot);

  for (int n = g.slot; n < tokens; n += g.slots) {
    g.load(q, n, g.column, a);
    g.load(x, n, g.column, b);
    for (int j = 0; j < V; j++) {
      int c = g.column + j;
      a[j] = expf(a[j] - q_top[c]) * q_inverse[c] * grad_s[c] * (mean[n] - q_dot[c] * q_inverse[c]);
      b[j] = expf(b[j] - x_top[c]) * x_inverse[c] * (dot[n] - x_dot[c] * x_inverse[c]) / g.d;
    }
    g.store(grad_q, n, g.column, a);
    g.store(grad_x, n, g.column, b);
    g.load(grad_out, n, g.column, a);
    for (int j = 0; j < V; j++) {
      a[j] *= gate[g.column + j];
    }
    g.store(grad_v, n, g.column, a);
  }
}

// gradTemperature[head] = sum of the samples' parts; one thread per head.
extern "C" __global__ void channel_gate_temperature_f32(
    const float* scratch, float* grad_temperature, int samples, int heads, int tokens) {
  int head = blockIdx.x * blockDim.x + threadIdx.x;
  if (head < heads) {
    float sum = 0.0f;
    for (int b = 0; b < samples; b++) {
      sum += scratch[((size_t)b * heads + head) * (2 * tokens + 1) + 2 * tokens];
    }
    grad_temperature[head] = sum;
  }
}

#define SOFTMAX(T, SUFFIX)                                                                \
  extern "C" __global__ void softmax_##SUFFIX(                                            \
      const T* x, T* out, long long rows, int n, int group) {                             \
    softmax_rows<T>(x, out, rows, n, group);                                              \
  }                                                                                       \
  extern "C" __global__ void softmax_backward_##SUFFIX(                                   \
      const T* out, const T* grad_out, T* grad_x, long long rows, int n, int group) {     \
    softmax_rows_backward<T>(out, grad_out, grad_x, rows, n, group);                      \
  }

#define CHANNEL_GATE(T, V, SUFFIX)                                                           \
  extern "C" __global__ void __launch_bounds__(GATE_THREADS, 1) channel_gate_v##V##_##SUFFIX(   \
      const T* q, const T* x, const T* v, const float* temperature, T* out, float* sigmoid,  \
      float* token_mean, int tokens, int channels) {                                         \
    channel_gate_forward<T, V>(                                                              \
        q, x, v, temperature, out, sigmoid, token_mean, tokens, channels);                   \
  }                                                                                          \
  extern "C" __global__ void __launch_bounds__(GATE_THREADS, 1)                                 \
      channel_gate_backward_v##V##_##SUFFIX(                                                 \
          const T* grad_out, const T* q, const T* x, const T* v, const float* temperature,   \
          const float* sigmoid, T* grad_q, T* grad_x, T* grad_v, float* scratch, int tokens, \
          int channels) {                                                                    \
    channel_gate_backward<T, V>(                                                             \
        grad_out, q, x, v, temperature, sigmoid, grad_q, grad_x, grad_v, scratch, tokens,    \
        channels);                                                                           \
  }

SOFTMAX(float, f32)
SOFTMAX(bf16, bf16)
SOFTMAX(f16, f16)
CHANNEL_GATE(float, 1, f32)
CHANNEL_GATE(float, 4, f32)
CHANNEL_GATE(bf16, 1, bf16)
CHANNEL_GATE(bf16, 4, bf16)
CHANNEL_GATE(bf16, 8, bf16)
CHANNEL_GATE(f16, 1, f16)
CHANNEL_GATE(f16, 4, f16)
CHANNEL_GATE(f16, 8, f16)
