// Copies, sums, pointwise functions and transpositions.
#include "columns.cuh"

// ---- Pointwise functions of flat arrays; out may be an input ----

template <typename T>
__device__ __forceinline__ void add(const T* a, const T* b, float alpha, T* out, long long n) {
  for_packs<PACK<T>>(n, [&](long long i, auto width) {
    constexpr int V = decltype(width)::value;
    float x[V];
    float y[V];
    load(a + i, x);
    load(b + i, y);
#pragma unroll
    for (int k = 0; k < V; k++) {
      x[k] += alpha * y[k];
    }
    store(out + i, x);
  });
}

template <typename T>
__device__ __forceinline__ void scale(const T* x, float alpha, T* out, long long n) {
  for_packs<PACK<T>>(n, [&](long long i, auto width) {
    constexpr int V = decltype(width)::value;
    float y[V];
    load(x + i, y);
#pragma unroll
    for (int k = 0; k < V; k++) {
      y[k] *= alpha;
    }
    store(out + i, y);
  });
}

template <typename S, typename D>
__device__ __forceinline__ void cast(const S* x, D* out, long long n) {
  constexpr int V = PACK<S> > PACK<D> ? PACK<S> : PACK<D>;
  for_packs<V>(n, [&](long long i, auto width) {
    constexpr int W = decltype(width)::value;
    float y[W];
    load(x + i, y);
    store(out + i, y);
  });
}

__device__ __forceinline__ float sigmoid(float x) {
  return __fdividef(1.0f, 1.0f + expf(-x));
}

// Value and derivative of an activation for elements of type T.
template <typename T>
struct Relu {
  static __device__ __forceinline__ float value(float x) { return x < 0 ? 0.0f : x; }
  static __device__ __forceinline__ float slope(float x) { return x <= 0 ? 0.0f : 1.0f; }
};

// Distribution function of the normal distribution. Two-byte types take the rational approximation
// 7.1.26 of Abramowitz and Stegun, absolute error 1.5e-7 and a third of the work.
template <typename T>
__device__ __forceinline__ float normal_cdf(float x, float exp_half_square) {
  if constexpr (sizeof(T) == 2) {
    float t = __fdividef(1.0f, 1.0f + 0.3275911f * 0.70710678f * fabsf(x));
    float p = 1.061405429f * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    float tail = 0.5f * p * t * exp_half_square;
    return x < 0 ? tail : 1.0f - tail;
  } else {
    return 0.5f * (1.0f + erff(x * 0.70710678118654752f));
  }
}

template <typename T>
struct Gelu {
  static __device__ __forceinline__ float value(float x) {
    float e = sizeof(T) == 2 ? __expf(-0.5f * x * x) : 0.0f;
    return x * normal_cdf<T>(x, e);
  }
  static __device__ __forceinline__ float slope(float x) {
    float e = sizeof(T) == 2 ? __expf(-0.5f * x * x) : expf(-0.5f * x * x);
    return normal_cdf<T>(x, e) + x * 0.39894228040143268f * e;
  }
};

template <typename T>
struct Sigmoid {
  static __device__ __forceinline__ float value(float x) { return sigmoid(x); }
  static __device__ __forceinline__ float slope(float x) {
    float s = sigmoid(x);
    return s * (1.0f - s);
  }
};

template <typename T>
struct Silu {
  static __device__ __forceinline__ float value(float x) { return x * sigmoid(x); }
  static __device__ __forceinline__ float slope(float x) {
    float s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
  }
};

template <template <typename> class F, typename T>
__device__ __forceinline__ void activation(const T* x, T* out, long long n) {
  for_packs<PACK<T>>(n, [&](long long i, auto width) {
    constexpr int V = decltype(width)::value;
    float y[V];
    load(x + i, y);
#pragma unroll
    for (int k = 0; k < V; k++) {
      y[k] = F<T>::value(y[k]);
    }
    store(out + i, y);
  });
}

template <template <typename> class F, typename T>
__device__ __forceinline__ void activation_backward(const T* x, const T* g, T* grad_x, long long n) {
  for_packs<PACK<T>>(n, [&](long long i, auto width) {
    constexpr int V = decltype(width)::value;
    float y[V];
    float d[V];
    load(x + i, y);
    load(g + i, d);
#pragma unroll
    for (int k = 0; k < V; k++) {
      d[k] *= F<T>::slope(y[k]);
    }
    store(grad_x + i, d);
  });
}

#define POINTWISE(T, S)                                                                            \
  extern "C" __global__ void __launch_bounds__(THREADS) add_##S(                                   \
      const T* a, const T* b, float alpha, T* out, long long n) {                                  \
    add<T>(a, b, alpha, out, n);                                                                   \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) scale_##S(                                 \
      const T* x, float alpha, T* out, long long n) {                                              \
    scale<T>(x, alpha, out, n);                                                                    \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) scale_by_##S(                              \
      const T* x, const float* factor, T* out, long long n) {                                      \
    scale<T>(x, *factor, out, n);                                                                  \
  }

#define ACTIVATION(name, F, T, S)                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS) activation_##name##_##S(                   \
      const T* x, T* out, long long n) {                                                           \
    activation<F, T>(x, out, n);                                                                   \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) activation_backward_##name##_##S(          \
      const T* x, const T* g, T* grad_x, long long n) {                                            \
    activation_backward<F, T>(x, g, grad_x, n);                                                    \
  }

#define CAST(S, s, D, d)                                                                           \
  extern "C" __global__ void __launch_bounds__(THREADS) cast_##s##_##d(                            \
      const S* x, D* out, long long n) {                                                           \
    cast<S, D>(x, out, n);                                                                         \
  }

#define FOR_TYPES(M) \
  M(float, f32)      \
  M(bf16, bf16)      \
  M(f16, f16)

#define ACTIVATIONS(T, S)          \
  ACTIVATION(relu, Relu, T, S)     \
  ACTIVATION(gelu, Gelu, T, S)     \
  ACTIVATION(sigmoid, Sigmoid, T, S) \
  ACTIVATION(silu, Silu, T, S)

FOR_TYPES(POINTWISE)
FOR_TYPES(ACTIVATIONS)
CAST(float, f32, bf16, bf16)
CAST(float, f32, f16, f16)
CAST(bf16, bf16, float, f32)
CAST(f16, f16, float, f32)
CAST(bf16, bf16, f16, f16)
CAST(f16, f16, bf16, bf16)

// ---- Rows with something per column ----

// out = a + b[column], and the ReLU of it; out may be a.
template <typename T, typename B>
__device__ __forceinline__ void add_rows(
    const T* a, const B* b, int relu, T* out, const Cut& cut) {
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    float bias[V] = {};
    if (cut.column<V>() < cut.columns) {
      load(b + cut.column<V>(), bias);
    }
    for_rows<V>(cut, [&](int row, int column) {
      size_t i = (size_t)row * cut.columns + column;
      float x[V];
      load(a + i, x);
#pragma unroll
      for (int k = 0; k < V; k++) {
        x[k] += bias[k];
        x[k] = relu && x[k] < 0 ? 0.0f : x[k];
      }
      store(out + i, x);
    });
  });
}

#define ADD_REPEATED(T, S, B, SB)                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS) add_repeated_##S##_##SB(                   \
      const T* a, const B* b, T* out, CUT_ARGUMENTS) {                                             \
    add_rows<T, B>(a, b, 0, out, CUT);                                                             \
  }

#define BIAS_ROWS(T, S)                                                                            \
  extern "C" __global__ void __launch_bounds__(THREADS) bias_rows_##S(                             \
      const T* x, const float* b, int relu, T* out, CUT_ARGUMENTS) {                               \
    add_rows<T, float>(x, b, relu, out, CUT);                                                      \
  }

ADD_REPEATED(float, f32, float, f32)
ADD_REPEATED(bf16, bf16, bf16, bf16)
ADD_REPEATED(bf16, bf16, float, f32)
ADD_REPEATED(f16, f16, f16, f16)
ADD_REPEATED(f16, f16, float, f32)
FOR_TYPES(BIAS_ROWS)

// x, y [B, rows / B, C], b [B, C]: out = x + y[sample][column].
template <typename T>
__device__ __forceinline__ void add_per_sample(
    const T* x, const T* y, int per_sample, T* out, const Cut& cut) {
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    for_rows<V>(cut, [&](int row, int column) {
      size_t i = (size_t)row * cut.columns + column;
      float a[V];
      float b[V];
      load(x + i, a);
      load(y + (size_t)(row / per_sample) * cut.columns + column, b);
#pragma unroll
      for (int k = 0; k < V; k++) {
        a[k] += b[k];
      }
      store(out + i, a);
    });
  });
}

// x [rows, 2 * columns], gates first.
template <typename T>
__device__ __forceinline__ void swiglu(const T* x, T* out, const Cut& cut) {
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    for_rows<V>(cut, [&](int row, int column) {
      const T* gates = x + (size_t)row * 2 * cut.columns + column;
      float a[V];
      float b[V];
      load(gates, a);
      load(gates + cut.columns, b);
#pragma unroll
      for (int k = 0; k < V; k++) {
        a[k] = Silu<T>::value(a[k]) * b[k];
      }
      store(out + (size_t)row * cut.columns + column, a);
    });
  });
}

template <typename T>
__device__ __forceinline__ void swiglu_backward(
    const T* x, const T* grad_out, T* grad_x, const Cut& cut) {
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    for_rows<V>(cut, [&](int row, int column) {
      size_t gates = (size_t)row * 2 * cut.columns + column;
      float a[V];
      float b[V];
      float g[V];
      load(x + gates, a);
      load(x + gates + cut.columns, b);
      load(grad_out + (size_t)row * cut.columns + column, g);
#pragma unroll
      for (int k = 0; k < V; k++) {
        b[k] *= g[k] * Silu<T>::slope(a[k]);
        g[k] *= Silu<T>::value(a[k]);
      }
      store(grad_x + gates, b);
      store(grad_x + gates + cut.columns, g);
    });
  });
}

// out = x + s[sample] * gamma[column] * y; gamma and s may be null.
template <typename T>
__device__ __forceinline__ void residual(
    const T* x, const T* y, const float* gamma, const float* s, int per_sample, T* out,
    const Cut& cut) {
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    float weight[V];
#pragma unroll
    for (int k = 0; k < V; k++) {
      weight[k] = 1.0f;
    }
    if (gamma != nullptr && cut.column<V>() < cut.columns) {
      load(gamma + cut.column<V>(), weight);
    }
    for_rows<V>(cut, [&](int row, int column) {
      size_t i = (size_t)row * cut.columns + column;
      float sample = s == nullptr ? 1.0f : s[row / per_sample];
      float a[V];
      float b[V];
      load(x + i, a);
      load(y + i, b);
#pragma unroll
      for (int k = 0; k < V; k++) {
        a[k] += sample * weight[k] * b[k];
      }
      store(out + i, a);
    });
  });
}

// grad_y = s * gamma * g, and per column the sums of s * y * g; grad_y and partial may be null.
template <typename T>
__device__ __forceinline__ void residual_backward(
    const T* __restrict__ g, const T* __restrict__ y, const float* __restrict__ gamma,
    const float* __restrict__ s, int per_sample, T* __restrict__ grad_y, float* partial,
    float* scratch, const Cut& cut) {
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    float weight[V];
#pragma unroll
    for (int k = 0; k < V; k++) {
      weight[k] = 1.0f;
    }
    if (gamma != nullptr && cut.column<V>() < cut.columns) {
      load(gamma + cut.column<V>(), weight);
    }
    auto row_gradient = [&](int row, int column, float(&d)[V]) {
      size_t i = (size_t)row * cut.columns + column;
      float sample = s == nullptr ? 1.0f : s[row / per_sample];
      load(g + i, d);
      float weighted[V];
#pragma unroll
      for (int k = 0; k < V; k++) {
        d[k] *= sample;
        weighted[k] = d[k] * weight[k];
      }
      if (grad_y != nullptr) {
        store(grad_y + i, weighted);
      }
    };
    if (partial == nullptr) {
      for_rows<V>(cut, [&](int row, int column) {
        float d[V];
        row_gradient(row, column, d);
      });
      return;
    }
    sum_columns<1, V>(cut, scratch, partial, [&](int row, int column, float(&sums)[1][V]) {
      float d[V];
      float b[V];
      load(y + (size_t)row * cut.columns + column, b);
      row_gradient(row, column, d);
#pragma unroll
      for (int k = 0; k < V; k++) {
        sums[0][k] += d[k] * b[k];
      }
    });
  });
}

#define ROWS(T, S)                                                                                 \
  extern "C" __global__ void __launch_bounds__(THREADS) add_per_sample_##S(                        \
      const T* x, const T* y, int per_sample, T* out, CUT_ARGUMENTS) {                             \
    add_per_sample<T>(x, y, per_sample, out, CUT);                                                 \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) swiglu_##S(                                \
      const T* x, T* out, CUT_ARGUMENTS) {                                                         \
    swiglu<T>(x, out, CUT);                                                                        \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) swiglu_backward_##S(                       \
      const T* x, const T* grad_out, T* grad_x, CUT_ARGUMENTS) {                                   \
    swiglu_backward<T>(x, grad_out, grad_x, CUT);                                                  \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) residual_##S(                              \
      const T* x, const T* y, const float* gamma, const float* s, int per_sample, T* out,          \
      CUT_ARGUMENTS) {                                                                             \
    residual<T>(x, y, gamma, s, per_sample, out, CUT);                                             \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) residual_backward_##S(                     \
      const T* g, const T* y, const float* gamma, const float* s, int per_sample, T* grad_y,       \
      float* partial, CUT_ARGUMENTS) {                                                             \
    __shared__ float scratch[PACK<T> * THREADS];                                                   \
    residual_backward<T>(g, y, gamma, s, per_sample, grad_y, partial, scratch, CUT);               \
  }

FOR_TYPES(ROWS)

// ---- Sums over rows: partial sums of chunks, then their sum ----

template <typename T>
__device__ __forceinline__ void column_sums(
    const T* __restrict__ x, float* partial, float* scratch, const Cut& cut) {
  const T* sample = x + (size_t)cut.sample() * cut.rows * cut.columns;
  with_width<T>(cut.columns, [&](auto width) {
    constexpr int V = decltype(width)::value;
    sum_columns<1, V>(cut, scratch, partial, [&](int row, int column, float(&sums)[1][V]) {
      float a[V];
      load(sample + (size_t)row * cut.columns + column, a);
#pragma unroll
      for (int k = 0; k < V; k++) {
        sums[0][k] += a[k];
      }
    });
  });
}

// Adds up partial[sample][chunk][2 halves][split] over chunks; with one half only, columns is split.
// A block of FINISH_THREADS has 32 columns of one sample. Results that aren't wanted are null.
constexpr int FINISH_THREADS = 512;

template <typename D>
__device__ __forceinline__ void column_finish(
    const float* __restrict__ partial, int chunks, int columns, int split, D* first, D* second) {
  __shared__ float sums[FINISH_THREADS];
  int tiles = (columns + 31) / 32;
  int sample = blockIdx.x / tiles;
  int column = blockIdx.x % tiles * 32 + (threadIdx.x & 31);
  float sum = 0;
  if (column < columns) {
    const float* p = partial + (size_t)sample * chunks * columns + column;
#pragma unroll 8
    for (int chunk = threadIdx.x >> 5; chunk < chunks; chunk += FINISH_THREADS / 32) {
      sum += p[(size_t)chunk * columns];
    }
  }
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (int half = FINISH_THREADS / 2; half >= 32; half >>= 1) {
    if (threadIdx.x < half) {
      sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    __syncthreads();
  }
  if (threadIdx.x < 32 && column < columns) {
    D* out = column < split ? first : second;
    if (out != nullptr) {
      out[(size_t)sample * split + column % split] = from_float<D>(sums[threadIdx.x]);
    }
  }
}

#define SUMS(T, S)                                                                                 \
  extern "C" __global__ void __launch_bounds__(THREADS) column_sums_##S(                           \
      const T* x, float* partial, CUT_ARGUMENTS) {                                                 \
    __shared__ float scratch[PACK<T> * THREADS];                                                   \
    column_sums<T>(x, partial, scratch, CUT);                                                      \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(FINISH_THREADS) column_finish_##S(                  \
      const float* partial, int chunks, int columns, int split, T* first, T* second) {             \
    column_finish<T>(partial, chunks, columns, split, first, second);                              \
  }

FOR_TYPES(SUMS)

// ---- Copies and transpositions, by size of element ----

// 16 bytes.
struct alignas(16) Quad {
  unsigned int v[4];
};

template <typename U>
__device__ __forceinline__ void fill(U* x, U value, long long n) {
  constexpr int V = 16 / int(sizeof(U));
  for_packs<V>(n, [&](long long i, auto width) {
    constexpr int W = decltype(width)::value;
    Pack<U, W> pack;
#pragma unroll
    for (int k = 0; k < W; k++) {
      pack.v[k] = value;
    }
    *reinterpret_cast<Pack<U, W>*>(x + i) = pack;
  });
}

// n bytes between arrays aligned to 16 bytes.
extern "C" __global__ void __launch_bounds__(THREADS) copy_bytes(
    const unsigned char* x, unsigned char* out, long long n) {
  for_packs<16>(n, [&](long long i, auto width) {
    constexpr int W = decltype(width)::value;
    *reinterpret_cast<Pack<unsigned char, W>*>(out + i) =
        *reinterpret_cast<const Pack<unsigned char, W>*>(x + i);
  });
}

// Runs of `length` units of type U.
template <typename U>
__device__ __forceinline__ void copy_blocks(
    const U* src, long long src_stride, U* dst, long long dst_stride, int length, int blocks) {
  long long thread = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  long long step = (long long)gridDim.x * blockDim.x;
  long long n = (long long)length * blocks;
  if (n < (1LL << 31)) {
    for (unsigned i = (unsigned)thread; i < (unsigned)n; i += (unsigned)step) {
      unsigned block = i / (unsigned)length;
      unsigned at = i - block * (unsigned)length;
      dst[block * dst_stride + at] = src[block * src_stride + at];
    }
    return;
  }
  for (long long i = thread; i < n; i += step) {
    long long block = i / length;
    long long at = i - block * length;
    dst[block * dst_stride + at] = src[block * src_stride + at];
  }
}

#define COPIES(U, S)                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS) copy_blocks_##S(                           \
      const U* src, long long src_start, long long src_stride, U* dst, long long dst_start,        \
      long long dst_stride, int length, int blocks) {                                              \
    copy_blocks<U>(src + src_start, src_stride, dst + dst_start, dst_stride, length, blocks);      \
  }

COPIES(unsigned short, b2)
COPIES(unsigned int, b4)
COPIES(unsigned long long, b8)
COPIES(Quad, b16)

#define FILL(U, S)                                                                                 \
  extern "C" __global__ void __launch_bounds__(THREADS) fill_##S(                                  \
      U* x, long long bits, long long n) {                                                         \
    fill<U>(x, (U)bits, n);                                                                        \
  }

FILL(unsigned short, b2)
FILL(unsigned int, b4)
FILL(unsigned long long, b8)

// out[b][j][i] = x[b][i][j] through square tiles in shared memory: both sides touch 128 bytes in a
// row. One block per tile.
template <typename U>
__device__ __forceinline__ void transpose(const U* x, int rows, int cols, U* out) {
  constexpr int SIDE = 128 / int(sizeof(U));
  // One more column, so that a column of the tile lies in all banks.
  __shared__ U tile[SIDE][SIDE + 4 / int(sizeof(U))];
  int row_tiles = (rows + SIDE - 1) / SIDE;
  int col_tiles = (cols + SIDE - 1) / SIDE;
  int row = blockIdx.x / col_tiles % row_tiles * SIDE;
  int col = blockIdx.x % col_tiles * SIDE;
  size_t sample = (size_t)(blockIdx.x / col_tiles / row_tiles) * rows * cols;
  int lane = threadIdx.x & 31;
  for (int i = threadIdx.x >> 5; i < SIDE; i += THREADS / 32) {
    for (int j = lane; j < SIDE; j += 32) {
      if (row + i < rows && col + j < cols) {
        tile[i][j] = x[sample + (size_t)(row + i) * cols + col + j];
      }
    }
  }
  __syncthreads();
  for (int j = threadIdx.x >> 5; j < SIDE; j += THREADS / 32) {
    for (int i = lane; i < SIDE; i += 32) {
      if (row + i < rows && col + j < cols) {
        out[sample + (size_t)(col + j) * rows + row + i] = tile[i][j];
      }
    }
  }
}

template <typename D, typename S>
__device__ __forceinline__ D convert(S x) {
  return from_float<D>(to_float(x));
}
template <>
__device__ __forceinline__ unsigned short convert(unsigned short x) {
  return x;
}
template <>
__device__ __forceinline__ unsigned int convert(unsigned int x) {
  return x;
}

// The same for few rows or columns: a thread has all of the short side. threads is
// batch * the long side.
template <typename S, typename D>
__device__ __forceinline__ void transpose_narrow(
    const S* x, int rows, int cols, D* out, long long threads) {
  bool few_rows = rows < cols;
  int length = few_rows ? cols : rows;
  int side = few_rows ? rows : cols;
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x; t < threads; t += step) {
    long long b = t / length;
    int at = (int)(t - b * length);
    const S* from = x + b * length * side;
    D* to = out + b * length * side;
    for (int k = 0; k < side; k++) {
      size_t along = (size_t)k * length + at;
      size_t across = (size_t)at * side + k;
      to[few_rows ? across : along] = convert<D>(from[few_rows ? along : across]);
    }
  }
}

#define TRANSPOSE(U, S)                                                                            \
  extern "C" __global__ void __launch_bounds__(THREADS) transpose_##S(                             \
      const U* x, int rows, int cols, U* out) {                                                    \
    transpose<U>(x, rows, cols, out);                                                              \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) transpose_narrow_##S(                      \
      const U* x, int rows, int cols, U* out, long long threads) {                                 \
    transpose_narrow<U, U>(x, rows, cols, out, threads);                                           \
  }

TRANSPOSE(unsigned short, b2)
TRANSPOSE(unsigned int, b4)

// Weights [O, I, taps] to [O, taps, I] of the activations' type, and float32 gradients back. A
// block has 256 of the input channels of one output channel, a thread all taps of one.
template <typename S, typename D>
__device__ __forceinline__ void weights_to_khwi(const S* w, int inputs, int taps, D* out) {
  int blocks = (inputs + THREADS - 1) / THREADS;
  size_t output = (size_t)(blockIdx.x / blocks) * inputs * taps;
  int i = blockIdx.x % blocks * THREADS + threadIdx.x;
  if (i < inputs) {
    for (int tap = 0; tap < taps; tap++) {
      out[output + (size_t)tap * inputs + i] = convert<D>(w[output + (size_t)i * taps + tap]);
    }
  }
}

template <typename S, typename D>
__device__ __forceinline__ void weights_from_khwi(const S* w, int inputs, int taps, D* out) {
  int blocks = (inputs + THREADS - 1) / THREADS;
  size_t output = (size_t)(blockIdx.x / blocks) * inputs * taps;
  int i = blockIdx.x % blocks * THREADS + threadIdx.x;
  if (i < inputs) {
    for (int tap = 0; tap < taps; tap++) {
      out[output + (size_t)i * taps + tap] = convert<D>(w[output + (size_t)tap * inputs + i]);
    }
  }
}

#define WEIGHTS(T, S)                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS) weights_to_khwi_f32_##S(                   \
      const float* w, int inputs, int taps, T* out) {                                              \
    weights_to_khwi<float, T>(w, inputs, taps, out);                                               \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) weights_from_khwi_##S##_f32(               \
      const T* w, int inputs, int taps, float* out) {                                              \
    weights_from_khwi<T, float>(w, inputs, taps, out);                                             \
  }

FOR_TYPES(WEIGHTS)
