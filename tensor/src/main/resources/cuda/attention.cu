// Token attention without a score matrix in memory (online softmax after Milakov & Gimelshein;
// tiling and recomputation after Dao, "FlashAttention-2"), on tensor cores.
//
// Each warp owns 16 rows; scores stay in its registers. Heads of width d are padded with zeros to
// D in shared memory. The backward pass has one kernel that walks over queries for a block of keys
// (gradK, gradV) and one that walks over keys for a block of queries (gradQ): no atomics.
#include "common.cuh"
#include "warp_mma.cuh"

constexpr float LOG2_E = 1.4426950408889634f;

// Columns of one head and one sample in a tensor [B, N, stride].
template <typename T>
struct HeadRows {
  T* start;
  int stride;
  int rows;

  __device__ __forceinline__ HeadRows(T* tensor, int offset, int stride, int rows, int d)
      : start(tensor + (size_t)blockIdx.z * rows * stride + offset + blockIdx.y * d),
        stride(stride),
        rows(rows) {}

  __device__ __forceinline__ T* row(int n) const { return start + (size_t)n * stride; }
};

// Starts to fill tile [ROWS][D + pad] with rows first .. of the head, 0 outside rows and width d.
// aligned: every row starts at a multiple of 16 bytes and d is a multiple of the elements in 16.
template <typename T, int THREADS, int ROWS, int D, int LD>
__device__ __forceinline__ void load_tile(
    T* tile, const HeadRows<const T>& head, int first, int d, bool aligned) {
  constexpr int V = PACK<T>;
  constexpr int COLUMNS = D / V;
  for (int i = threadIdx.x; i < ROWS * COLUMNS; i += THREADS) {
    int r = i / COLUMNS;
    int c = i % COLUMNS * V;
    bool inside = first + r < head.rows;
    const T* source = head.row(inside ? first + r : 0) + c;
    if (aligned) {
      bool zero = !inside || c >= d;
      copy_16_async(tile + r * LD + c, zero ? head.start : source, zero);
    } else {
      Pack<T, V> p;
      for (int j = 0; j < V; j++) {
        p.v[j] = inside && c + j < d ? source[j] : from_float<T>(0.0f);
      }
      *reinterpret_cast<Pack<T, V>*>(tile + r * LD + c) = p;
    }
  }
}

// Runs work(stage, i) for i = 0 .. count - 1 after load(stage, i) has filled that stage's tiles. With
// two stages, the next tiles are copied while the present ones are worked on.
template <int STAGES, typename LOAD, typename WORK>
__device__ __forceinline__ void pipelined(int count, LOAD load, WORK work) {
  if (STAGES == 2) {
    load(0, 0);
    end_copies();
  }
  for (int i = 0; i < count; i++) {
    if (STAGES == 2) {
      if (i + 1 < count) {
        load((i + 1) & 1, i + 1);
      }
      end_copies();
      wait_copies<1>();
    } else {
      load(0, i);
      end_copies();
      wait_copies<0>();
    }
    __syncthreads();
    work(STAGES == 2 ? i & 1 : 0, i);
    __syncthreads();
  }
}

// Bytes of static shared memory that a kernel may use.
constexpr int SHARED_BYTES = 47 * 1024;

// Writes scale[i] * acc of a warp's 16 rows, first = number of the first.
template <typename T, int D>
__device__ __forceinline__ void store_rows(
    const Acc* acc, const float* scale, const HeadRows<T>& head, int first, int d, bool aligned) {
  int lane = lane_id();
  for (int i = 0; i < 2; i++) {
    int n = first + lane / 4 + 8 * i;
    if (n >= head.rows) {
      continue;
    }
    T* target = head.row(n);
#pragma unroll
    for (int t = 0; t < D / 8; t++) {
      int c = t * 8 + 2 * (lane % 4);
      Pack<T, 2> p;
      p.v[0] = from_float<T>(acc[t].v[2 * i] * scale[i]);
      p.v[1] = from_float<T>(acc[t].v[2 * i + 1] * scale[i]);
      if (aligned && c < d) {
        *reinterpret_cast<Pack<T, 2>*>(target + c) = p;
      } else {
        for (int j = 0; j < 2; j++) {
          if (c + j < d) {
            target[c + j] = p.v[j];
          }
        }
      }
    }
  }
}

template <int COUNT>
__device__ __forceinline__ void clear(Acc* acc) {
#pragma unroll
  for (int t = 0; t < COUNT; t++) {
    acc[t].v[0] = acc[t].v[1] = acc[t].v[2] = acc[t].v[3] = 0.0f;
  }
}

// State of the online softmax of a warp's 16 query rows.
template <typename M, int D>
struct Rows {
  typename M::A q[D / M::K];
  Acc out[D / 8];
  float max[2];
  float sum[2];

  // Takes in TILES * 8 keys from row on, of which the first left exist (all if !MASKED).
  template <int TILES, bool MASKED>
  __device__ __forceinline__ void step(
      const typename M::Element* keys, const typename M::Element* values, int row, int left,
      float scale2) {
    constexpr int LD = D + M::PAD;
    Acc s[TILES];
    clear<TILES>(s);
#pragma unroll
    for (int k = 0; k < D / M::K; k++) {
#pragma unroll
      for (int t = 0; t < TILES; t++) {
        M::mma(s[t], q[k], M::load_b_rows(keys, LD, row + t * 8, k * M::K));
      }
    }
    float next[2] = {max[0], max[1]};
#pragma unroll
    for (int t = 0; t < TILES; t++) {
      for (int i = 0; i < 4; i++) {
        if (MASKED && t * 8 + 2 * (lane_id() % 4) + i % 2 >= left) {
          s[t].v[i] = -INFINITY;
        }
        next[i / 2] = fmaxf(next[i / 2], s[t].v[i]);
      }
    }
    for (int i = 0; i < 2; i++) {
      next[i] = fmaxf(next[i], __shfl_xor_sync(FULL_WARP, next[i], 1));
      next[i] = fmaxf(next[i], __shfl_xor_sync(FULL_WARP, next[i], 2));
      float keep = exp2f((max[i] - next[i]) * scale2);
      max[i] = next[i];
      sum[i] *= keep;
#pragma unroll
      for (int t = 0; t < D / 8; t++) {
        out[t].v[2 * i] *= keep;
        out[t].v[2 * i + 1] *= keep;
      }
    }
#pragma unroll
    for (int t = 0; t < TILES; t++) {
      for (int i = 0; i < 4; i++) {
        s[t].v[i] = exp2f((s[t].v[i] - max[i / 2]) * scale2);
        sum[i / 2] += s[t].v[i];
      }
    }
#pragma unroll
    for (int k = 0; k < TILES * 8 / M::K; k++) {
      typename M::A p = M::from_acc(s + k * M::K / 8);
#pragma unroll
      for (int t = 0; t < D / 8; t++) {
        M::mma(out[t], p, M::load_b_columns(values, LD, row + k * M::K, t * 8));
      }
    }
  }
};

constexpr int FORWARD_THREADS = 128;
constexpr int FORWARD_QUERIES = FORWARD_THREADS / 32 * 16;

// Grid: blocks of queries, heads, samples.
template <typename M, int D>
__device__ __forceinline__ void attention_forward(
    const typename M::Element* q_tensor, int q_offset, int q_stride,
    const typename M::Element* k_tensor, int k_offset, int k_stride,
    const typename M::Element* v_tensor, int v_offset, int v_stride,
    typename M::Element* out_tensor, float* lse, int nq, int nk, int d, float scale,
    int aligned) {
  using T = typename M::Element;
  constexpr int LD = D + M::PAD;
  constexpr int KEYS = sizeof(T) == 2 ? 64 : 32;
  constexpr int TILE = KEYS * LD;
  constexpr int STAGES = 4 * TILE * int(sizeof(T)) <= SHARED_BYTES ? 2 : 1;
  static_assert(2 * KEYS >= FORWARD_QUERIES, "queries are staged in the tiles of keys and values");
  __shared__ __align__(16) T tiles[STAGES * 2 * TILE];
  int heads = gridDim.y;
  HeadRows<const T> q(q_tensor, q_offset, q_stride, nq, d);
  HeadRows<const T> k(k_tensor, k_offset, k_stride, nk, d);
  HeadRows<const T> v(v_tensor, v_offset, v_stride, nk, d);
  int first = blockIdx.x * FORWARD_QUERIES;
  int own = threadIdx.x / 32 * 16;
  bool active = first + own < nq;
  float scale2 = scale * LOG2_E;

  Rows<M, D> rows;
  load_tile<T, FORWARD_THREADS, FORWARD_QUERIES, D, LD>(tiles, q, first, d, aligned);
  end_copies();
  wait_copies<0>();
  __syncthreads();
#pragma unroll
  for (int i = 0; i < D / M::K; i++) {
    rows.q[i] = M::load_a(tiles, LD, own, i * M::K);
  }
  __syncthreads();
  clear<D / 8>(rows.out);
  rows.max[0] = rows.max[1] = -INFINITY;
  rows.sum[0] = rows.sum[1] = 0.0f;
  pipelined<STAGES>(
      (nk + KEYS - 1) / KEYS,
      [&](int stage, int i) {
        T* keys = tiles + stage * 2 * TILE;
        load_tile<T, FORWARD_THREADS, KEYS, D, LD>(keys, k, i * KEYS, d, aligned);
        load_tile<T, FORWARD_THREADS, KEYS, D, LD>(keys + TILE, v, i * KEYS, d, aligned);
      },
      [&](int stage, int i) {
        const T* keys = tiles + stage * 2 * TILE;
        int left = nk - i * KEYS;
        if (active && left >= KEYS) {
          rows.template step<KEYS / 8, false>(keys, keys + TILE, 0, left, scale2);
        } else if (active) {
          for (int row = 0; row < left; row += 16) {
            rows.template step<2, true>(keys, keys + TILE, row, left - row, scale2);
          }
        }
      });
  if (!active) {
    return;
  }
  float inverse[2];
  for (int i = 0; i < 2; i++) {
    float sum = rows.sum[i];
    sum += __shfl_xor_sync(FULL_WARP, sum, 1);
    sum += __shfl_xor_sync(FULL_WARP, sum, 2);
    inverse[i] = 1.0f / sum;
    int n = first + own + lane_id() / 4 + 8 * i;
    if (lane_id() % 4 == 0 && n < nq) {
      lse[((size_t)blockIdx.z * heads + blockIdx.y) * nq + n] = rows.max[i] * scale + logf(sum);
    }
  }
  HeadRows<T> out(out_tensor, 0, heads * d, nq, d);
  store_rows<T, D>(rows.out, inverse, out, first + own, d, aligned);
}

// Sizes of the backward kernels: WARPS * 16 rows of its own per block, STEP rows of the other side
// at a time, all in 48 KiB of shared memory.
template <typename M, int D>
struct BackwardShape {
  static constexpr int BYTES = (D + M::PAD) * int(sizeof(typename M::Element)) * 2;
  static constexpr int WARPS = BYTES * 64 <= 36 * 1024 ? 4 : 2;
  static constexpr int LEFT = SHARED_BYTES - BYTES * WARPS * 16;
  static constexpr int STEP = BYTES * 32 <= LEFT ? 32 : BYTES * 16 <= LEFT ? 16 : 8;
  static constexpr int STAGES = 2 * BYTES * STEP <= LEFT - 16 * STEP ? 2 : 1;
  static constexpr int BLOCKS = D <= 64 ? 4 : 2;  // per multiprocessor at least, bounds registers
  static_assert(STEP >= M::K, "a step holds at least one fragment");
};

// delta[b, head, n] = sum of out * gradOut over the head's columns; 8 lanes for each. Grid-stride
// over samples * nq * heads, heads fastest.
template <typename T>
__device__ __forceinline__ void attention_delta(
    const T* out, const T* grad_out, float* delta, int heads, int nq, int d, long long count,
    int aligned) {
  constexpr int V = PACK<T>;
  int lane = threadIdx.x & 7;
  long long step = (long long)gridDim.x * blockDim.x / 8;
  long long first = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 8;
  // All lanes of a warp make the same number of rounds.
  for (long long base = first - (threadIdx.x & 31) / 8; base < count; base += step) {
    long long item = base + (threadIdx.x & 31) / 8;
    float sum = 0.0f;
    if (item < count) {
      const T* y = out + item * d;
      const T* g = grad_out + item * d;
      if (aligned) {
        for (int c = lane * V; c < d; c += 8 * V) {
          Pack<T, V> a = *reinterpret_cast<const Pack<T, V>*>(y + c);
          Pack<T, V> b = *reinterpret_cast<const Pack<T, V>*>(g + c);
          for (int j = 0; j < V; j++) {
            sum += to_float(a.v[j]) * to_float(b.v[j]);
          }
        }
      } else {
        for (int c = lane; c < d; c += 8) {
          sum += to_float(y[c]) * to_float(g[c]);
        }
      }
    }
    for (int i = 4; i > 0; i >>= 1) {
      sum += __shfl_xor_sync(FULL_WARP, sum, i);
    }
    if (item < count && lane == 0) {
      long long row = item / heads;
      delta[((row / nq) * heads + item % heads) * nq + row % nq] = sum;
    }
  }
}

// gradK and gradV of a block of keys. Grid: blocks of keys, heads, samples.
template <typename M, int D>
__device__ __forceinline__ void attention_backward_kv(
    const typename M::Element* grad_out, const typename M::Element* q_tensor, int q_offset,
    int q_stride, const typename M::Element* k_tensor, int k_offset, int k_stride,
    const typename M::Element* v_tensor, int v_offset, int v_stride, const float* lse,
    const float* delta, typename M::Element* gk_tensor, int gk_offset, int gk_stride,
    typename M::Element* gv_tensor, int gv_offset, int gv_stride, int nq, int nk, int d,
    float scale, int aligned) {
  using T = typename M::Element;
  using Shape = BackwardShape<M, D>;
  constexpr int LD = D + M::PAD;
  constexpr int THREADS = Shape::WARPS * 32;
  constexpr int KEYS = Shape::WARPS * 16;
  constexpr int STEP = Shape::STEP;
  constexpr int TILES = STEP / 8;
  constexpr int TILE = STEP * LD;
  __shared__ __align__(16) T keys[KEYS * LD];
  __shared__ __align__(16) T values[KEYS * LD];
  __shared__ __align__(16) T tiles[Shape::STAGES * 2 * TILE];  // queries and their gradients
  __shared__ float row_lse[Shape::STAGES * STEP];
  __shared__ float row_delta[Shape::STAGES * STEP];
  int heads = gridDim.y;
  HeadRows<const T> q(q_tensor, q_offset, q_stride, nq, d);
  HeadRows<const T> g(grad_out, 0, heads * d, nq, d);
  HeadRows<const T> k(k_tensor, k_offset, k_stride, nk, d);
  HeadRows<const T> v(v_tensor, v_offset, v_stride, nk, d);
  const float* head_lse = lse + ((size_t)blockIdx.z * heads + blockIdx.y) * nq;
  const float* head_delta = delta + ((size_t)blockIdx.z * heads + blockIdx.y) * nq;
  int first = blockIdx.x * KEYS;
  int own = threadIdx.x / 32 * 16;
  bool active = first + own < nk;
  float scale2 = scale * LOG2_E;

  load_tile<T, THREADS, KEYS, D, LD>(keys, k, first, d, aligned);
  load_tile<T, THREADS, KEYS, D, LD>(values, v, first, d, aligned);
  Acc grad_k[D / 8];
  Acc grad_v[D / 8];
  clear<D / 8>(grad_k);
  clear<D / 8>(grad_v);
  pipelined<Shape::STAGES>(
      (nq + STEP - 1) / STEP,
      [&](int stage, int i) {
        T* queries = tiles + stage * 2 * TILE;
        load_tile<T, THREADS, STEP, D, LD>(queries, q, i * STEP, d, aligned);
        load_tile<T, THREADS, STEP, D, LD>(queries + TILE, g, i * STEP, d, aligned);
        if (threadIdx.x < STEP) {
          int n = i * STEP + threadIdx.x;
          row_lse[stage * STEP + threadIdx.x] = n < nq ? head_lse[n] * LOG2_E : INFINITY;
          row_delta[stage * STEP + threadIdx.x] = n < nq ? head_delta[n] : 0.0f;
        }
      },
      [&](int stage, int) {
        if (!active) {
          return;
        }
        const T* queries = tiles + stage * 2 * TILE;
        const T* grads = queries + TILE;
        // Scores and their gradients with keys as rows.
        Acc s[TILES];
        Acc ds[TILES];
        clear<TILES>(s);
        clear<TILES>(ds);
#pragma unroll
        for (int i = 0; i < D / M::K; i++) {
          typename M::A key = M::load_a(keys, LD, own, i * M::K);
          typename M::A value = M::load_a(values, LD, own, i * M::K);
#pragma unroll
          for (int t = 0; t < TILES; t++) {
            M::mma(s[t], key, M::load_b_rows(queries, LD, t * 8, i * M::K));
            M::mma(ds[t], value, M::load_b_rows(grads, LD, t * 8, i * M::K));
          }
        }
#pragma unroll
        for (int t = 0; t < TILES; t++) {
          for (int i = 0; i < 4; i++) {
            int n = t * 8 + 2 * (lane_id() % 4) + i % 2;
            float p = exp2f(s[t].v[i] * scale2 - row_lse[stage * STEP + n]);
            s[t].v[i] = p;
            ds[t].v[i] = p * (ds[t].v[i] - row_delta[stage * STEP + n]);
          }
        }
#pragma unroll
        for (int i = 0; i < STEP / M::K; i++) {
          typename M::A p = M::from_acc(s + i * M::K / 8);
          typename M::A dp = M::from_acc(ds + i * M::K / 8);
#pragma unroll
          for (int t = 0; t < D / 8; t++) {
            M::mma(grad_v[t], p, M::load_b_columns(grads, LD, i * M::K, t * 8));
            M::mma(grad_k[t], dp, M::load_b_columns(queries, LD, i * M::K, t * 8));
          }
        }
      });
  if (active) {
    float one[2] = {1.0f, 1.0f};
    // The only key has probability 1 whatever its score.
    float factor = nk > 1 ? scale : 0.0f;
    float scales[2] = {factor, factor};
    HeadRows<T> gk(gk_tensor, gk_offset, gk_stride, nk, d);
    HeadRows<T> gv(gv_tensor, gv_offset, gv_stride, nk, d);
    store_rows<T, D>(grad_v, one, gv, first + own, d, aligned);
    store_rows<T, D>(grad_k, scales, gk, first + own, d, aligned);
  }
}

// gradQ of a block of queries. Grid: blocks of queries, heads, samples.
template <typename M, int D>
__device__ __forceinline__ void attention_backward_q(
    const typename M::Element* grad_out, const typename M::Element* q_tensor, int q_offset,
    int q_stride, const typename M::Element* k_tensor, int k_offset, int k_stride,
    const typename M::Element* v_tensor, int v_offset, int v_stride, const float* lse,
    const float* delta, typename M::Element* gq_tensor, int gq_offset, int gq_stride, int nq,
    int nk, int d, float scale, int aligned) {
  using T = typename M::Element;
  using Shape = BackwardShape<M, D>;
  constexpr int LD = D + M::PAD;
  constexpr int THREADS = Shape::WARPS * 32;
  constexpr int QUERIES = Shape::WARPS * 16;
  constexpr int STEP = Shape::STEP;
  constexpr int TILES = STEP / 8;
  __shared__ __align__(16) T queries[QUERIES * LD];
  __shared__ __align__(16) T grads[QUERIES * LD];
  constexpr int TILE = STEP * LD;
  __shared__ __align__(16) T tiles[Shape::STAGES * 2 * TILE];  // keys and values
  int heads = gridDim.y;
  HeadRows<const T> q(q_tensor, q_offset, q_stride, nq, d);
  HeadRows<const T> g(grad_out, 0, heads * d, nq, d);
  HeadRows<const T> k(k_tensor, k_offset, k_stride, nk, d);
  HeadRows<const T> v(v_tensor, v_offset, v_stride, nk, d);
  int first = blockIdx.x * QUERIES;
  int own = threadIdx.x / 32 * 16;
  bool active = first + own < nq;
  float scale2 = scale * LOG2_E;

  load_tile<T, THREADS, QUERIES, D, LD>(queries, q, first, d, aligned);
  load_tile<T, THREADS, QUERIES, D, LD>(grads, g, first, d, aligned);
  float row_lse[2];
  float row_delta[2];
  for (int i = 0; i < 2; i++) {
    int n = first + own + lane_id() / 4 + 8 * i;
    size_t at = ((size_t)blockIdx.z * heads + blockIdx.y) * nq + n;
    row_lse[i] = n < nq ? lse[at] * LOG2_E : INFINITY;
    row_delta[i] = n < nq ? delta[at] : 0.0f;
  }
  Acc grad_q[D / 8];
  clear<D / 8>(grad_q);
  pipelined<Shape::STAGES>(
      (nk + STEP - 1) / STEP,
      [&](int stage, int block) {
        T* keys = tiles + stage * 2 * TILE;
        load_tile<T, THREADS, STEP, D, LD>(keys, k, block * STEP, d, aligned);
        load_tile<T, THREADS, STEP, D, LD>(keys + TILE, v, block * STEP, d, aligned);
      },
      [&](int stage, int block) {
        if (!active) {
          return;
        }
        const T* keys = tiles + stage * 2 * TILE;
        const T* values = keys + TILE;
        Acc s[TILES];
        Acc ds[TILES];
        clear<TILES>(s);
        clear<TILES>(ds);
#pragma unroll
        for (int i = 0; i < D / M::K; i++) {
          typename M::A query = M::load_a(queries, LD, own, i * M::K);
          typename M::A grad = M::load_a(grads, LD, own, i * M::K);
#pragma unroll
          for (int t = 0; t < TILES; t++) {
            M::mma(s[t], query, M::load_b_rows(keys, LD, t * 8, i * M::K));
            M::mma(ds[t], grad, M::load_b_rows(values, LD, t * 8, i * M::K));
          }
        }
#pragma unroll
        for (int t = 0; t < TILES; t++) {
          for (int i = 0; i < 4; i++) {
            int n = block * STEP + t * 8 + 2 * (lane_id() % 4) + i % 2;
            float p = n < nk ? exp2f(s[t].v[i] * scale2 - row_lse[i / 2]) : 0.0f;
            ds[t].v[i] = p * (ds[t].v[i] - row_delta[i / 2]);
          }
        }
#pragma unroll
        for (int i = 0; i < STEP / M::K; i++) {
          typename M::A dp = M::from_acc(ds + i * M::K / 8);
#pragma unroll
          for (int t = 0; t < D / 8; t++) {
            M::mma(grad_q[t], dp, M::load_b_columns(keys, LD, i * M::K, t * 8));
          }
        }
      });
  if (active) {
    float factor = nk > 1 ? scale : 0.0f;
    float scales[2] = {factor, factor};
    HeadRows<T> gq(gq_tensor, gq_offset, gq_stride, nq, d);
    store_rows<T, D>(grad_q, scales, gq, first + own, d, aligned);
  }
}

#define TOKEN_ATTENTION(T, M, SUFFIX, D)                                                          \
  extern "C" __global__ void __launch_bounds__(FORWARD_THREADS) attention_forward_d##D##_##SUFFIX( \
      const T* q, int q_offset, int q_stride, const T* k, int k_offset, int k_stride, const T* v, \
      int v_offset, int v_stride, T* out, float* lse, int nq, int nk, int d, float scale,         \
      int aligned) {                                                                              \
    attention_forward<M, D>(                                                                      \
        q, q_offset, q_stride, k, k_offset, k_stride, v, v_offset, v_stride, out, lse, nq, nk, d, \
        scale, aligned);                                                                          \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(                                                      \
      BackwardShape<M, D>::WARPS * 32, BackwardShape<M, D>::BLOCKS)                               \
      attention_backward_kv_d##D##_##SUFFIX(                                                      \
          const T* grad_out, const T* q, int q_offset, int q_stride, const T* k, int k_offset,    \
          int k_stride, const T* v, int v_offset, int v_stride, const float* lse,                 \
          const float* delta, T* gk, int gk_offset, int gk_stride, T* gv, int gv_offset,          \
          int gv_stride, int nq, int nk, int d, float scale, int aligned) {                       \
    attention_backward_kv<M, D>(                                                                  \
        grad_out, q, q_offset, q_stride, k, k_offset, k_stride, v, v_offset, v_stride, lse,       \
        delta, gk, gk_offset, gk_stride, gv, gv_offset, gv_stride, nq, nk, d, scale, aligned);    \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(                                                      \
      BackwardShape<M, D>::WARPS * 32, BackwardShape<M, D>::BLOCKS)                               \
      attention_backward_q_d##D##_##SUFFIX(                                                       \
          const T* grad_out, const T* q, int q_offset, int q_stride, const T* k, int k_offset,    \
          int k_stride, const T* v, int v_offset, int v_stride, const float* lse,                 \
          const float* delta, T* gq, int gq_offset, int gq_stride, int nq, int nk, int d,         \
          float scale, int aligned) {                                                             \
    attention_backward_q<M, D>(                                                                   \
        grad_out, q, q_offset, q_stride, k, k_offset, k_stride, v, v_offset, v_stride, lse,       \
        delta, gq, gq_offset, gq_stride, nq, nk, d, scale, aligned);                              \
  }

#define TOKEN_ATTENTION_WIDTHS(T, M, SUFFIX) \
  TOKEN_ATTENTION(T, M, SUFFIX, 32)          \
  TOKEN_ATTENTION(T, M, SUFFIX, 48)          \
  TOKEN_ATTENTION(T, M, SUFFIX, 64)          \
  TOKEN_ATTENTION(T, M, SUFFIX, 80)          \
  TOKEN_ATTENTION(T, M, SUFFIX, 128)

TOKEN_ATTENTION_WIDTHS(float, MmaFloat<true>, f32)
TOKEN_ATTENTION_WIDTHS(float, MmaFloat<false>, tf32)
TOKEN_ATTENTION_WIDTHS(bf16, MmaHalf<bf16>, bf16)
TOKEN_ATTENTION_WIDTHS(f16, MmaHalf<f16>, f16)

#define ATTENTION_DELTA(T, SUFFIX)                                                             \
  extern "C" __global__ void attention_delta_##SUFFIX(                                         \
      const T* out, const T* grad_out, float* delta, int heads, int nq, int d, long long count, \
      int aligned) {                                                                           \
    attention_delta<T>(out, grad_out, delta, heads, nq, d, count, aligned);                    \
  }

ATTENTION_DELTA(float, f32)
ATTENTION_DELTA(bf16, bf16)
ATTENTION_DELTA(f16, f16)
