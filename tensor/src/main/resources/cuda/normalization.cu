// Layer norm (per row) and batch norm (per column).
#include "columns.cuh"

// ---- Layer norm ----

// How a row lies in registers: 1 << lane_bits lanes of a warp share a row, each with up to P packs,
// pack i of a lane at column (i * lanes + lane) * V.
template <typename T, int P>
struct RowPacks {
  static constexpr int V = PACK<T>;
  Pack<T, V> packs[P];

  __device__ __forceinline__ void load(const T* row, int columns, int lane_bits, bool live) {
    int lane = threadIdx.x & ((1 << lane_bits) - 1);
#pragma unroll
    for (int i = 0; i < P; i++) {
      int column = ((i << lane_bits) + lane) * V;
      if (live && column < columns) {
        packs[i] = *reinterpret_cast<const Pack<T, V>*>(row + column);
      } else {
#pragma unroll
        for (int k = 0; k < V; k++) {
          packs[i].v[k] = from_float<T>(0.0f);
        }
      }
    }
  }
};

// Sum over the lanes of a row.
__device__ __forceinline__ float row_sum(float v, int lane_bits) {
  for (int step = (1 << lane_bits) >> 1; step > 0; step >>= 1) {
    v += __shfl_xor_sync(FULL_WARP, v, step);
  }
  return v;
}

// columns is a multiple of the pack and at most P packs per lane. Mean and variance in two passes
// over registers.
template <typename T, int P>
__device__ __forceinline__ void layer_norm(
    const T* x, const float* w, const float* b, float eps, int divisor, int rows, int columns,
    int lane_bits, T* out, float* mean, float* rstd) {
  constexpr int V = PACK<T>;
  int lane = threadIdx.x & ((1 << lane_bits) - 1);
  int row = blockIdx.x * (THREADS >> lane_bits) + (threadIdx.x >> lane_bits);
  bool live = row < rows;
  size_t at = (size_t)row * columns;
  RowPacks<T, P> in;
  in.load(x + at, columns, lane_bits, live);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < P; i++) {
#pragma unroll
    for (int k = 0; k < V; k++) {
      sum += to_float(in.packs[i].v[k]);
    }
  }
  float m = row_sum(sum, lane_bits) / columns;
  float squares = 0;
#pragma unroll
  for (int i = 0; i < P; i++) {
    int column = ((i << lane_bits) + lane) * V;
    if (column < columns) {
#pragma unroll
      for (int k = 0; k < V; k++) {
        float d = to_float(in.packs[i].v[k]) - m;
        squares += d * d;
      }
    }
  }
  float r = 1.0f / sqrtf(row_sum(squares, lane_bits) / divisor + eps);
  if (!live) {
    return;
  }
  if (lane == 0) {
    mean[row] = m;
    rstd[row] = r;
  }
#pragma unroll
  for (int i = 0; i < P; i++) {
    int column = ((i << lane_bits) + lane) * V;
    if (column < columns) {
      float weight[V];
      float bias[V];
      load(w + column, weight);
      load(b + column, bias);
#pragma unroll
      for (int k = 0; k < V; k++) {
        weight[k] = (to_float(in.packs[i].v[k]) - m) * r * weight[k] + bias[k];
      }
      store(out + at + column, weight);
    }
  }
}

// Any number of columns, a warp per row, the row read three times.
template <typename T>
__device__ __forceinline__ void layer_norm_any(
    const T* x, const float* w, const float* b, float eps, int divisor, int rows, int columns,
    T* out, float* mean, float* rstd) {
  int lane = threadIdx.x & 31;
  int row = blockIdx.x * (THREADS / 32) + (threadIdx.x >> 5);
  if (row >= rows) {
    return;
  }
  const T* from = x + (size_t)row * columns;
  T* to = out + (size_t)row * columns;
  float sum = 0;
  for (int c = lane; c < columns; c += 32) {
    sum += to_float(from[c]);
  }
  float m = warp_sum(sum) / columns;
  float squares = 0;
  for (int c = lane; c < columns; c += 32) {
    float d = to_float(from[c]) - m;
    squares += d * d;
  }
  float r = 1.0f / sqrtf(warp_sum(squares) / divisor + eps);
  for (int c = lane; c < columns; c += 32) {
    to[c] = from_float<T>((to_float(from[c]) - m) * r * w[c] + b[c]);
  }
  if (lane == 0) {
    mean[row] = m;
    rstd[row] = r;
  }
}

// Gradients by x (grad_x may be null) and, as partial[chunk][2][columns], by weight and bias (may
// be null), reading g and x once. A block has chunk_rows rows.
template <typename T, int P>
__device__ __forceinline__ void layer_norm_backward(
    const T* __restrict__ g, const T* __restrict__ x, const float* __restrict__ w,
    const float* __restrict__ mean, const float* __restrict__ rstd, int divisor, int rows,
    int columns, int lane_bits, int chunk_rows, T* __restrict__ grad_x, float* partial,
    float* totals) {
  constexpr int V = PACK<T>;
  int lane = threadIdx.x & ((1 << lane_bits) - 1);
  int group = threadIdx.x >> lane_bits;
  int groups = THREADS >> lane_bits;
  int first = blockIdx.x * chunk_rows;
  int end = rows - first < chunk_rows ? rows : first + chunk_rows;
  float grad_w[P][V] = {};
  float grad_b[P][V] = {};
  for (int base = first; base < end; base += groups) {
    int row = base + group;
    bool live = row < end;
    size_t at = (size_t)row * columns;
    RowPacks<T, P> gs;
    RowPacks<T, P> xs;
    gs.load(g + at, columns, lane_bits, live);
    xs.load(x + at, columns, lane_bits, live);
    float m = live ? mean[row] : 0.0f;
    float r = live ? rstd[row] : 0.0f;
    float sum = 0;
    float dot = 0;
#pragma unroll
    for (int i = 0; i < P; i++) {
      int column = ((i << lane_bits) + lane) * V;
      if (column < columns) {
        float weight[V];
        load(w + column, weight);
#pragma unroll
        for (int k = 0; k < V; k++) {
          float d = to_float(gs.packs[i].v[k]);
          float x_hat = (to_float(xs.packs[i].v[k]) - m) * r;
          grad_w[i][k] += d * x_hat;
          grad_b[i][k] += d;
          sum += d * weight[k];
          dot += d * weight[k] * x_hat;
        }
      }
    }
    sum = row_sum(sum, lane_bits) / columns;
    dot = row_sum(dot, lane_bits) / divisor;
    if (grad_x != nullptr && live) {
#pragma unroll
      for (int i = 0; i < P; i++) {
        int column = ((i << lane_bits) + lane) * V;
        if (column < columns) {
          float weight[V];
          load(w + column, weight);
#pragma unroll
          for (int k = 0; k < V; k++) {
            float x_hat = (to_float(xs.packs[i].v[k]) - m) * r;
            weight[k] = r * (to_float(gs.packs[i].v[k]) * weight[k] - sum - x_hat * dot);
          }
          store(grad_x + at + column, weight);
        }
      }
    }
  }
  if (partial == nullptr) {
    return;
  }
  // Rows of one warp, then warp after warp.
  for (int step = 1 << lane_bits; step < 32; step <<= 1) {
#pragma unroll
    for (int i = 0; i < P * V; i++) {
      grad_w[i / V][i % V] += __shfl_xor_sync(FULL_WARP, grad_w[i / V][i % V], step);
      grad_b[i / V][i % V] += __shfl_xor_sync(FULL_WARP, grad_b[i / V][i % V], step);
    }
  }
  for (int warp = 0; warp < THREADS / 32; warp++) {
    if ((threadIdx.x >> 5) == warp && (threadIdx.x & 31) == lane) {
#pragma unroll
      for (int i = 0; i < P; i++) {
        int column = ((i << lane_bits) + lane) * V;
        if (column < columns) {
#pragma unroll
          for (int k = 0; k < V; k++) {
            float before_w = warp == 0 ? 0.0f : totals[column + k];
            float before_b = warp == 0 ? 0.0f : totals[columns + column + k];
            totals[column + k] = before_w + grad_w[i][k];
            totals[columns + column + k] = before_b + grad_b[i][k];
          }
        }
      }
    }
    __syncthreads();
  }
  for (int i = threadIdx.x; i < 2 * columns; i += THREADS) {
    partial[(size_t)blockIdx.x * 2 * columns + i] = totals[i];
  }
}

// Gradient by x for any number of columns, a warp per row.
template <typename T>
__device__ __forceinline__ void layer_norm_backward_any(
    const T* __restrict__ g, const T* __restrict__ x, const float* __restrict__ w,
    const float* __restrict__ mean, const float* __restrict__ rstd, int divisor, int rows,
    int columns, T* __restrict__ grad_x) {
  int lane = threadIdx.x & 31;
  int row = blockIdx.x * (THREADS / 32) + (threadIdx.x >> 5);
  if (row >= rows) {
    return;
  }
  size_t at = (size_t)row * columns;
  float m = mean[row];
  float r = rstd[row];
  float sum = 0;
  float dot = 0;
  for (int c = lane; c < columns; c += 32) {
    float d = to_float(g[at + c]) * w[c];
    sum += d;
    dot += d * (to_float(x[at + c]) - m) * r;
  }
  sum = warp_sum(sum) / columns;
  dot = warp_sum(dot) / divisor;
  for (int c = lane; c < columns; c += 32) {
    float x_hat = (to_float(x[at + c]) - m) * r;
    grad_x[at + c] = from_float<T>(r * (to_float(g[at + c]) * w[c] - sum - x_hat * dot));
  }
}

// Gradients by weight and bias for any number of columns: partial sums of chunks.
template <typename T>
__device__ __forceinline__ void layer_norm_columns(
    const T* __restrict__ g, const T* __restrict__ x, const float* __restrict__ mean,
    const float* __restrict__ rstd, float* partial, float* scratch, const Cut& cut) {
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    sum_columns<2, V>(cut, scratch, partial, [&](int row, int column, float(&sums)[2][V]) {
      size_t i = (size_t)row * cut.columns + column;
      float m = mean[row];
      float r = rstd[row];
      float d[V];
      float y[V];
      load(g + i, d);
      load(x + i, y);
#pragma unroll
      for (int k = 0; k < V; k++) {
        sums[0][k] += d[k] * ((y[k] - m) * r);
        sums[1][k] += d[k];
      }
    });
  });
}

#define LAYER_NORM(T, S, P)                                                                        \
  extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_p##P##_##S(                     \
      const T* x, const float* w, const float* b, float eps, int divisor, int rows, int columns,   \
      int lane_bits, T* out, float* mean, float* rstd) {                                           \
    layer_norm<T, P>(x, w, b, eps, divisor, rows, columns, lane_bits, out, mean, rstd);            \
  }

#define LAYER_NORM_BACKWARD(T, S, P)                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_backward_p##P##_##S(            \
      const T* g, const T* x, const float* w, const float* mean, const float* rstd, int divisor,   \
      int rows, int columns, int lane_bits, int chunk_rows, T* grad_x, float* partial) {           \
    __shared__ float totals[2 * 32 * P * PACK<T>];                                                 \
    layer_norm_backward<T, P>(g, x, w, mean, rstd, divisor, rows, columns, lane_bits, chunk_rows,  \
        grad_x, partial, totals);                                                                  \
  }

#define LAYER_NORM_ANY(T, S)                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_any_##S(                        \
      const T* x, const float* w, const float* b, float eps, int divisor, int rows, int columns,   \
      T* out, float* mean, float* rstd) {                                                          \
    layer_norm_any<T>(x, w, b, eps, divisor, rows, columns, out, mean, rstd);                      \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_backward_any_##S(               \
      const T* g, const T* x, const float* w, const float* mean, const float* rstd, int divisor,   \
      int rows, int columns, T* grad_x) {                                                          \
    layer_norm_backward_any<T>(g, x, w, mean, rstd, divisor, rows, columns, grad_x);               \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_columns_##S(                    \
      const T* g, const T* x, const float* mean, const float* rstd, float* partial,                \
      CUT_ARGUMENTS) {                                                                             \
    __shared__ float scratch[2 * PACK<T> * THREADS];                                               \
    layer_norm_columns<T>(g, x, mean, rstd, partial, scratch, CUT);                                \
  }

#define FOR_TYPES(M, ...)                \
  M(float, f32 __VA_OPT__(, ) __VA_ARGS__) \
  M(bf16, bf16 __VA_OPT__(, ) __VA_ARGS__) \
  M(f16, f16 __VA_OPT__(, ) __VA_ARGS__)

FOR_TYPES(LAYER_NORM, 1)
FOR_TYPES(LAYER_NORM, 2)
FOR_TYPES(LAYER_NORM, 3)
FOR_TYPES(LAYER_NORM, 4)
FOR_TYPES(LAYER_NORM, 8)
FOR_TYPES(LAYER_NORM_BACKWARD, 1)
FOR_TYPES(LAYER_NORM_BACKWARD, 2)
FOR_TYPES(LAYER_NORM_BACKWARD, 3)
FOR_TYPES(LAYER_NORM_BACKWARD, 4)
LAYER_NORM_BACKWARD(float, f32, 8)
FOR_TYPES(LAYER_NORM_ANY)

// ---- Batch norm ----

// The samples of a cut are the groups, which have statistics of their own.
template <typename T>
__device__ __forceinline__ T* group_of(T* x, const Cut& cut) {
  return x + (size_t)cut.sample() * cut.rows * cut.columns;
}

// Mean and sum of squared deviations of the rows of a chunk: partial[group][chunk][2][columns]. The
// sums are those of x less the chunk's first row, so that a large mean costs no digits.
template <typename T>
__device__ __forceinline__ void batch_statistics(
    const T* __restrict__ all, float* partial, float* scratch, const Cut& cut) {
  const T* __restrict__ x = group_of(all, cut);
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    int first_row = cut.chunk() * cut.chunk_rows;
    float shift[V] = {};
    if (cut.column<V>() < cut.columns) {
      load(x + (size_t)first_row * cut.columns + cut.column<V>(), shift);
    }
    sum_columns<2, V>(cut, scratch, partial, [&](int row, int column, float(&sums)[2][V]) {
      float y[V];
      load(x + (size_t)row * cut.columns + column, y);
#pragma unroll
      for (int k = 0; k < V; k++) {
        float d = y[k] - shift[k];
        sums[0][k] += d;
        sums[1][k] += d * d;
      }
    });
    // The threads that wrote the sums turn them into mean and deviation.
    if (threadIdx.x < cut.lanes() && cut.column<V>() < cut.columns) {
      float n = cut.end_row() - first_row;
      size_t at = (size_t)cut.sample() * cut.chunks + cut.chunk();
      float* sums = partial + at * 2 * cut.columns + cut.column<V>();
#pragma unroll
      for (int k = 0; k < V; k++) {
        float mean = sums[k] / n;
        float deviation = sums[cut.columns + k] - sums[k] * mean;
        sums[k] = shift[k] + mean;
        sums[cut.columns + k] = deviation > 0 ? deviation : 0.0f;
      }
    }
  });
}

constexpr int FINISH_THREADS = 512;

// Sum over threads of equal threadIdx.x % 32, to all of them.
__device__ __forceinline__ float sum_of_warps(float v, float* scratch) {
  __syncthreads();
  scratch[threadIdx.x] = v;
  __syncthreads();
  for (int half = FINISH_THREADS / 2; half >= 32; half >>= 1) {
    if (threadIdx.x < half) {
      scratch[threadIdx.x] += scratch[threadIdx.x + half];
    }
    __syncthreads();
  }
  return scratch[threadIdx.x & 31];
}

// Joins the chunks' means and deviations: mean and biased variance per column. A block has 32
// columns.
extern "C" __global__ void __launch_bounds__(FINISH_THREADS) batch_statistics_finish(
    const float* partial, int rows, int columns, int chunk_rows, int chunks, float* mean,
    float* var) {
  __shared__ float scratch[FINISH_THREADS];
  int tiles = (columns + 31) / 32;
  int group = blockIdx.x / tiles;
  int column = blockIdx.x % tiles * 32 + (threadIdx.x & 31);
  partial += (size_t)group * chunks * 2 * columns;
  bool inside = column < columns;
  int warp = threadIdx.x >> 5;
  float sum = 0;
  if (inside) {
#pragma unroll 4
    for (int chunk = warp; chunk < chunks; chunk += FINISH_THREADS / 32) {
      float n = min(chunk_rows, rows - chunk * chunk_rows);
      sum += n * partial[(size_t)chunk * 2 * columns + column];
    }
  }
  float m = sum_of_warps(sum, scratch) / rows;
  float squares = 0;
  if (inside) {
#pragma unroll 4
    for (int chunk = warp; chunk < chunks; chunk += FINISH_THREADS / 32) {
      float n = min(chunk_rows, rows - chunk * chunk_rows);
      float d = partial[(size_t)chunk * 2 * columns + column] - m;
      squares += partial[((size_t)chunk * 2 + 1) * columns + column] + n * d * d;
    }
  }
  squares = sum_of_warps(squares, scratch);
  if (inside && warp == 0) {
    mean[group * columns + column] = m;
    var[group * columns + column] = squares / rows;
  }
}

template <typename T>
__device__ __forceinline__ void batch_norm(
    const T* __restrict__ all_x, const float* mean, const float* var, const float* w,
    const float* b, float eps, T* __restrict__ all_out, const Cut& cut) {
  const T* __restrict__ x = group_of(all_x, cut);
  T* __restrict__ out = group_of(all_out, cut);
  mean += cut.sample() * cut.columns;
  var += cut.sample() * cut.columns;
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    float m[V] = {};
    float factor[V] = {};
    float bias[V] = {};
    int first = cut.column<V>();
    if (first < cut.columns) {
      float r[V];
      load(mean + first, m);
      load(var + first, r);
      load(w + first, factor);
      load(b + first, bias);
#pragma unroll
      for (int k = 0; k < V; k++) {
        factor[k] *= 1.0f / sqrtf(r[k] + eps);
      }
    }
    for_rows<V>(cut, [&](int row, int column) {
      size_t i = (size_t)row * cut.columns + column;
      float y[V];
      load(x + i, y);
#pragma unroll
      for (int k = 0; k < V; k++) {
        y[k] = (y[k] - m[k]) * factor[k] + bias[k];
      }
      store(out + i, y);
    });
  });
}

// Per column the sums of g * x_hat and of g: partial[group][chunk][2][columns].
template <typename T>
__device__ __forceinline__ void batch_norm_columns(
    const T* __restrict__ all_g, const T* __restrict__ all_x, const float* mean, const float* var,
    float eps, float* partial, float* scratch, const Cut& cut) {
  const T* __restrict__ g = group_of(all_g, cut);
  const T* __restrict__ x = group_of(all_x, cut);
  mean += cut.sample() * cut.columns;
  var += cut.sample() * cut.columns;
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    float m[V] = {};
    float r[V] = {};
    int first = cut.column<V>();
    if (first < cut.columns) {
      load(mean + first, m);
      load(var + first, r);
#pragma unroll
      for (int k = 0; k < V; k++) {
        r[k] = 1.0f / sqrtf(r[k] + eps);
      }
    }
    sum_columns<2, V>(cut, scratch, partial, [&](int row, int column, float(&sums)[2][V]) {
      size_t i = (size_t)row * cut.columns + column;
      float d[V];
      float y[V];
      load(g + i, d);
      load(x + i, y);
#pragma unroll
      for (int k = 0; k < V; k++) {
        sums[0][k] += d[k] * ((y[k] - m[k]) * r[k]);
        sums[1][k] += d[k];
      }
    });
  });
}

// grad_w and grad_b are the finished sums of each group, null when the statistics were not those of
// the batch.
template <typename T>
__device__ __forceinline__ void batch_norm_backward(
    const T* __restrict__ all_g, const T* __restrict__ all_x, const float* mean, const float* var,
    const float* w, float eps, const float* grad_w, const float* grad_b,
    T* __restrict__ all_grad_x, const Cut& cut) {
  const T* __restrict__ g = group_of(all_g, cut);
  const T* __restrict__ x = group_of(all_x, cut);
  T* __restrict__ grad_x = group_of(all_grad_x, cut);
  int group = cut.sample() * cut.columns;
  mean += group;
  var += group;
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    // grad_x = factor * g + slope * (x - m) + constant.
    float m[V] = {};
    float factor[V] = {};
    float slope[V] = {};
    float constant[V] = {};
    int first = cut.column<V>();
    if (first < cut.columns) {
      float r[V];
      load(mean + first, m);
      load(var + first, r);
      load(w + first, factor);
      float dot[V] = {};
      float sum[V] = {};
      if (grad_w != nullptr) {
        load(grad_w + group + first, dot);
        load(grad_b + group + first, sum);
      }
#pragma unroll
      for (int k = 0; k < V; k++) {
        r[k] = 1.0f / sqrtf(r[k] + eps);
        factor[k] *= r[k];
        slope[k] = -factor[k] * r[k] * dot[k] / cut.rows;
        constant[k] = -factor[k] * sum[k] / cut.rows;
      }
    }
    for_rows<V>(cut, [&](int row, int column) {
      size_t i = (size_t)row * cut.columns + column;
      float d[V];
      float y[V];
      load(g + i, d);
      load(x + i, y);
#pragma unroll
      for (int k = 0; k < V; k++) {
        d[k] = factor[k] * d[k] + (slope[k] * (y[k] - m[k]) + constant[k]);
      }
      store(grad_x + i, d);
    });
  });
}

#define BATCH_NORM(T, S)                                                                           \
  extern "C" __global__ void __launch_bounds__(THREADS) batch_statistics_##S(                      \
      const T* x, float* partial, CUT_ARGUMENTS) {                                                 \
    __shared__ float scratch[2 * PACK<T> * THREADS];                                               \
    batch_statistics<T>(x, partial, scratch, CUT);                                                 \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) batch_norm_##S(                            \
      const T* x, const float* mean, const float* var, const float* w, const float* b, float eps,  \
      T* out, CUT_ARGUMENTS) {                                                                     \
    batch_norm<T>(x, mean, var, w, b, eps, out, CUT);                                              \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) batch_norm_columns_##S(                    \
      const T* g, const T* x, const float* mean, const float* var, float eps, float* partial,      \
      CUT_ARGUMENTS) {                                                                             \
    __shared__ float scratch[2 * PACK<T> * THREADS];                                               \
    batch_norm_columns<T>(g, x, mean, var, eps, partial, scratch, CUT);                            \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) batch_norm_backward_##S(                   \
      const T* g, const T* x, const float* mean, const float* var, const float* w, float eps,      \
      const float* grad_w, const float* grad_b, T* grad_x, CUT_ARGUMENTS) {                        \
    batch_norm_backward<T>(g, x, mean, var, w, eps, grad_w, grad_b, grad_x, CUT);                  \
  }

FOR_TYPES(BATCH_NORM)

// running = keep * running + take * batch, group after group; unbias is n / (n - 1).
extern "C" __global__ void __launch_bounds__(THREADS) update_running(
    const float* mean, const float* var, int groups, int columns, float keep, float take,
    float unbias, float* running_mean, float* running_var) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i < columns) {
    float m = running_mean[i];
    float v = running_var[i];
    for (int group = 0; group < groups; group++) {
      m = keep * m + take * mean[group * columns + i];
      v = keep * v + take * (var[group * columns + i] * unbias);
    }
    running_mean[i] = m;
    running_var[i] = v;
  }
}
