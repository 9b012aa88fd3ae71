// Multi-scale deformable attention and bilinear reads of a table.
//
// Gradients by what was read are sums over all readers. A block owns a range of cells, keeps their
// sums in shared memory and walks over all readers of its chunk in their order; sums of several
// chunks are added up in order. So they need no atomics and don't depend on the order in which
// blocks run.
#include "common.cuh"

constexpr int MAX_LEVELS = 8;

// Sizes of the maps of several levels, rows * 65536 + columns each.
struct LevelSizes {
  int packed[MAX_LEVELS];
};

// The same in shared memory, with the first token of each level.
struct LevelTable {
  int height[MAX_LEVELS];
  int width[MAX_LEVELS];
  int start[MAX_LEVELS + 1];
};

__device__ __forceinline__ void read_levels(LevelTable& table, const LevelSizes& sizes, int levels) {
  if (threadIdx.x == 0) {
    int start = 0;
#pragma unroll
    for (int l = 0; l < MAX_LEVELS; l++) {
      if (l < levels) {
        table.height[l] = sizes.packed[l] >> 16;
        table.width[l] = sizes.packed[l] & 0xffff;
        table.start[l] = start;
        start += table.height[l] * table.width[l];
        table.start[l + 1] = start;
      }
    }
  }
  __syncthreads();
}

// The four neighbours of a position: number of the pixel or -1, and the distance from the first.
struct Corners {
  int left;
  int top;
  float x;
  float y;

  __device__ __forceinline__ Corners(float px, float py, int height, int width) {
    // Far outside, all is 0; clamping keeps the conversion to int defined.
    px = fminf(fmaxf(px, -2.0f), width + 1.0f);
    py = fminf(fmaxf(py, -2.0f), height + 1.0f);
    float fx = floorf(px);
    float fy = floorf(py);
    left = (int)fx;
    top = (int)fy;
    x = px - fx;
    y = py - fy;
  }

  __device__ __forceinline__ int pixel(int i, int height, int width) const {
    int column = left + (i & 1);
    int row = top + (i >> 1);
    bool inside = column >= 0 && column < width && row >= 0 && row < height;
    return inside ? row * width + column : -1;
  }

  __device__ __forceinline__ float weight_x(int i) const { return i & 1 ? x : 1.0f - x; }
  __device__ __forceinline__ float weight_y(int i) const { return i >> 1 ? y : 1.0f - y; }
  __device__ __forceinline__ float weight(int i) const { return weight_x(i) * weight_y(i); }
  __device__ __forceinline__ float by_x(int i) const { return i & 1 ? weight_y(i) : -weight_y(i); }
  __device__ __forceinline__ float by_y(int i) const { return i >> 1 ? weight_x(i) : -weight_x(i); }
};

template <typename T>
__device__ __forceinline__ Corners point_corners(
    const float* reference, const T* offsets, int query, long long point, int height, int width) {
  return Corners(
      reference[2 * query] * width + to_float(offsets[2 * point]) - 0.5f,
      reference[2 * query + 1] * height + to_float(offsets[2 * point + 1]) - 0.5f,
      height, width);
}

// A thread computes V neighbouring channels of a query. Grid-stride over count elements / V.
template <typename T, int V>
__device__ __forceinline__ void deformable_forward(
    const T* value, const float* reference, const T* offsets, const T* weights, T* out, int tokens,
    int queries, int heads, int d, int levels, int points, const LevelSizes& sizes,
    long long count) {
  __shared__ LevelTable table;
  read_levels(table, sizes, levels);
  int lanes = d / V;
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    long long head_row = i / lanes;  // (sample * queries + query) * heads + head
    int head = head_row % heads;
    long long row = head_row / heads;
    int query = row % queries;
    int column = head * d + i % lanes * V;
    const T* sample = value + row / queries * tokens * heads * d + column;
    float sum[V];
    for (int j = 0; j < V; j++) {
      sum[j] = 0.0f;
    }
    for (int l = 0; l < levels; l++) {
      int height = table.height[l];
      int width = table.width[l];
      const T* map = sample + (size_t)table.start[l] * heads * d;
      for (int p = 0; p < points; p++) {
        long long point = (head_row * levels + l) * points + p;
        Corners corners = point_corners(reference, offsets, query, point, height, width);
        float weight = to_float(weights[point]);
#pragma unroll
        for (int k = 0; k < 4; k++) {
          int pixel = corners.pixel(k, height, width);
          if (pixel >= 0) {
            Pack<T, V> v = *reinterpret_cast<const Pack<T, V>*>(map + (size_t)pixel * heads * d);
            float factor = weight * corners.weight(k);
            for (int j = 0; j < V; j++) {
              sum[j] += factor * to_float(v.v[j]);
            }
          }
        }
      }
    }
    Pack<T, V> result;
    for (int j = 0; j < V; j++) {
      result.v[j] = from_float<T>(sum[j]);
    }
    *reinterpret_cast<Pack<T, V>*>(out + i * V) = result;
  }
}

// Gradients by offsets and weights (either may be null): 8 lanes for each query and head.
template <typename T, int V>
__device__ __forceinline__ void deformable_backward_points(
    const T* grad_out, const T* value, const float* reference, const T* offsets, const T* weights,
    T* grad_offsets, T* grad_weights, int tokens, int queries, int heads, int d, int levels,
    int points, const LevelSizes& sizes, long long count) {
  __shared__ LevelTable table;
  read_levels(table, sizes, levels);
  int lane = threadIdx.x & 7;
  int in_warp = (threadIdx.x & 31) / 8;
  long long step = (long long)gridDim.x * blockDim.x / 8;
  long long first = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 8 - in_warp;
  // All lanes of a warp make the same number of rounds.
  for (long long base = first; base < count; base += step) {
    long long head_row = base + in_warp;
    bool inside = head_row < count;
    head_row = inside ? head_row : count - 1;
    int head = head_row % heads;
    long long row = head_row / heads;
    int query = row % queries;
    const T* g = grad_out + head_row * d;
    const T* sample = value + row / queries * tokens * heads * d + head * d;
    for (int l = 0; l < levels; l++) {
      int height = table.height[l];
      int width = table.width[l];
      const T* map = sample + (size_t)table.start[l] * heads * d;
      for (int p = 0; p < points; p++) {
        long long point = (head_row * levels + l) * points + p;
        Corners corners = point_corners(reference, offsets, query, point, height, width);
        float by_weight = 0.0f;
        float by_x = 0.0f;
        float by_y = 0.0f;
#pragma unroll
        for (int k = 0; k < 4; k++) {
          int pixel = corners.pixel(k, height, width);
          if (pixel >= 0) {
            float dot = 0.0f;
            for (int c = lane * V; c < d; c += 8 * V) {
              Pack<T, V> a =
                  *reinterpret_cast<const Pack<T, V>*>(map + (size_t)pixel * heads * d + c);
              Pack<T, V> b = *reinterpret_cast<const Pack<T, V>*>(g + c);
              for (int j = 0; j < V; j++) {
                dot += to_float(a.v[j]) * to_float(b.v[j]);
              }
            }
            by_weight += corners.weight(k) * dot;
            by_x += corners.by_x(k) * dot;
            by_y += corners.by_y(k) * dot;
          }
        }
        for (int s = 4; s > 0; s >>= 1) {
          by_weight += __shfl_xor_sync(FULL_WARP, by_weight, s);
          by_x += __shfl_xor_sync(FULL_WARP, by_x, s);
          by_y += __shfl_xor_sync(FULL_WARP, by_y, s);
        }
        if (inside && lane == 0) {
          float weight = to_float(weights[point]);
          if (grad_weights != nullptr) {
            grad_weights[point] = from_float<T>(by_weight);
          }
          if (grad_offsets != nullptr) {
            grad_offsets[2 * point] = from_float<T>(weight * by_x);
            grad_offsets[2 * point + 1] = from_float<T>(weight * by_y);
          }
        }
      }
    }
  }
}

constexpr int GATHER_THREADS = 256;
constexpr int GATHER_WARPS = GATHER_THREADS / 32;
constexpr int GATHER_CELLS = 8192;   // floats for the sums of a block's cells
constexpr int GATHER_ROWS = 2048;    // floats for rows of gradOut
constexpr int GATHER_POINTS = 128;   // points at a time

// gradValue of a range of per_block tokens of one level, one head and one sample, summed over a chunk
// of per_chunk queries into target [chunks, samples, tokens, heads * d]. Cell n of the range belongs
// to warp n % GATHER_WARPS. at_once queries are worked on at a time: at_once * points <=
// GATHER_POINTS, at_once * d <= GATHER_ROWS, per_block * d <= GATHER_CELLS. Grid: ranges of all
// levels, heads, samples * chunks.
template <typename T, typename R>
__device__ __forceinline__ void deformable_backward_value(
    const T* grad_out, const float* reference, const T* offsets, const T* weights, R* target,
    int tokens, int queries, int d, int levels, int points, int per_block, int at_once, int samples,
    int per_chunk, const LevelSizes& sizes) {
  __shared__ float sums[GATHER_CELLS];
  __shared__ float rows[GATHER_ROWS];
  __shared__ int cells[4 * GATHER_POINTS];
  __shared__ float factors[4 * GATHER_POINTS];
  __shared__ LevelTable table;
  read_levels(table, sizes, levels);
  int heads = gridDim.y;
  int head = blockIdx.y;
  int range = blockIdx.x;
  int level = 0;
  while (range >= (table.height[level] * table.width[level] + per_block - 1) / per_block) {
    range -= (table.height[level] * table.width[level] + per_block - 1) / per_block;
    level++;
  }
  int height = table.height[level];
  int width = table.width[level];
  int first = range * per_block;
  int count = min(per_block, height * width - first);
  int lane = threadIdx.x & 31;
  int warp = threadIdx.x >> 5;
  for (int i = threadIdx.x; i < count * d; i += GATHER_THREADS) {
    sums[i] = 0.0f;
  }
  int chunk = blockIdx.z / samples;
  size_t sample_row = (size_t)(blockIdx.z % samples) * queries;
  int end = min(queries, (chunk + 1) * per_chunk);
  for (int query = chunk * per_chunk; query < end; query += at_once) {
    int taken = min(at_once, end - query);
    __syncthreads();
    for (int i = threadIdx.x; i < taken * d; i += GATHER_THREADS) {
      size_t head_row = (sample_row + query + i / d) * heads + head;
      rows[i] = to_float(grad_out[head_row * d + i % d]);
    }
    for (int i = threadIdx.x; i < taken * points; i += GATHER_THREADS) {
      int n = query + i / points;
      size_t head_row = (sample_row + n) * heads + head;
      long long point = (head_row * levels + level) * points + i % points;
      Corners corners = point_corners(reference, offsets, n, point, height, width);
      float weight = to_float(weights[point]);
      for (int k = 0; k < 4; k++) {
        int cell = corners.pixel(k, height, width) - first;
        cells[4 * i + k] = cell < count ? cell : -1;
        factors[4 * i + k] = weight * corners.weight(k);
      }
    }
    __syncthreads();
    int entries = 4 * taken * points;
    for (int base = 0; base < entries; base += 32) {
      int cell = base + lane < entries ? cells[base + lane] : -1;
      unsigned mine = __ballot_sync(FULL_WARP, cell >= 0 && cell % GATHER_WARPS == warp);
      while (mine != 0) {
        int entry = base + __ffs(mine) - 1;
        mine &= mine - 1;
        float factor = factors[entry];
        float* sum = sums + cells[entry] * d;
        const float* row = rows + entry / (4 * points) * d;
        for (int c = lane; c < d; c += 32) {
          sum[c] += factor * row[c];
        }
      }
    }
  }
  __syncthreads();
  target += (((size_t)blockIdx.z * tokens + table.start[level] + first) * heads + head) * d;
  for (int i = threadIdx.x; i < count * d; i += GATHER_THREADS) {
    target[(size_t)(i / d) * heads * d + i % d] = from_float<R>(sums[i]);
  }
}

// Adds up partial [chunks, count]. Grid-stride over count.
template <typename T>
__device__ __forceinline__ void deformable_value_sum(
    const float* partial, T* grad_value, int chunks, long long count) {
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    float sum = 0.0f;
    for (int c = 0; c < chunks; c++) {
      sum += partial[c * count + i];
    }
    grad_value[i] = from_float<T>(sum);
  }
}

__device__ __forceinline__ Corners table_corners(
    const float* positions, long long token, int height, int width) {
  return Corners(
      positions[2 * token] * (width - 1), positions[2 * token + 1] * (height - 1), height, width);
}

// A thread computes one channel. Grid-stride over the elements of out.
template <typename T>
__device__ __forceinline__ void sample_table(
    const float* table, const float* positions, const float* keep, T* out, int height, int width,
    int channels, int tokens, long long count) {
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    long long token = i / channels;
    int c = i % channels;
    float kept = keep[token / tokens];
    Corners corners = table_corners(positions, token, height, width);
    float sum = 0.0f;
    for (int k = 0; k < 4; k++) {
      int pixel = corners.pixel(k, height, width);
      if (pixel >= 0) {
        sum += corners.weight(k) * table[(size_t)pixel * channels + c];
      }
    }
    out[i] = from_float<T>(kept * sum);
  }
}

constexpr int TABLE_THREADS = 256;
constexpr int TABLE_CELLS = 32;  // cells of a block

// gradTable: a thread owns its channels of the block's cells and adds to them in the order of the
// tokens. Grid: blocks of TABLE_CELLS cells.
template <typename T>
__device__ __forceinline__ void sample_table_backward(
    const T* grad_out, const float* positions, const float* keep, float* grad_table, int height,
    int width, int channels, int samples, int tokens) {
  __shared__ unsigned hits[TABLE_THREADS / 32 * 4];
  __shared__ int cells[4 * TABLE_THREADS];
  __shared__ float factors[4 * TABLE_THREADS];
  int first = blockIdx.x * TABLE_CELLS;
  int count = min(TABLE_CELLS, height * width - first);
  float* target = grad_table + (size_t)first * channels;
  for (int c = threadIdx.x; c < channels; c += TABLE_THREADS) {
    for (int i = 0; i < count; i++) {
      target[(size_t)i * channels + c] = 0.0f;
    }
  }
  long long all = (long long)samples * tokens;
  for (long long base = 0; base < all; base += TABLE_THREADS) {
    long long token = base + threadIdx.x;
    bool inside = token < all;
    float kept = inside ? keep[token / tokens] : 0.0f;
    Corners corners = table_corners(positions, inside ? token : 0, height, width);
    __syncthreads();
    for (int k = 0; k < 4; k++) {
      int cell = corners.pixel(k, height, width) - first;
      bool hit = inside && kept != 0.0f && cell >= 0 && cell < count;
      cells[k * TABLE_THREADS + threadIdx.x] = cell;
      factors[k * TABLE_THREADS + threadIdx.x] = kept * corners.weight(k);
      unsigned mask = __ballot_sync(FULL_WARP, hit);
      if ((threadIdx.x & 31) == 0) {
        hits[threadIdx.x / 32 * 4 + k] = mask;
      }
    }
    __syncthreads();
    for (int w = 0; w < TABLE_THREADS / 32 * 4; w++) {
      unsigned mask = hits[w];
      while (mask != 0) {
        int reader = w / 4 * 32 + __ffs(mask) - 1;
        mask &= mask - 1;
        int entry = w % 4 * TABLE_THREADS + reader;
        const T* g = grad_out + (base + reader) * channels;
        float* row = target + (size_t)cells[entry] * channels;
        for (int c = threadIdx.x; c < channels; c += TABLE_THREADS) {
          row[c] += factors[entry] * to_float(g[c]);
        }
      }
    }
  }
}

#define LEVELS_ARGUMENTS int s0, int s1, int s2, int s3, int s4, int s5, int s6, int s7
#define LEVELS_VALUE \
  LevelSizes { {s0, s1, s2, s3, s4, s5, s6, s7} }

#define DEFORMABLE(T, V, SUFFIX)                                                                \
  extern "C" __global__ void deformable_v##V##_##SUFFIX(                                        \
      const T* value, const float* reference, const T* offsets, const T* weights, T* out,       \
      int tokens, int queries, int heads, int d, int levels, int points, LEVELS_ARGUMENTS,      \
      long long count) {                                                                        \
    deformable_forward<T, V>(                                                                   \
        value, reference, offsets, weights, out, tokens, queries, heads, d, levels, points,     \
        LEVELS_VALUE, count);                                                                   \
  }                                                                                             \
  extern "C" __global__ void deformable_backward_points_v##V##_##SUFFIX(                        \
      const T* grad_out, const T* value, const float* reference, const T* offsets,              \
      const T* weights, T* grad_offsets, T* grad_weights, int tokens, int queries, int heads,   \
      int d, int levels, int points, LEVELS_ARGUMENTS, long long count) {                       \
    deformable_backward_points<T, V>(                                                           \
        grad_out, value, reference, offsets, weights, grad_offsets, grad_weights, tokens,       \
        queries, heads, d, levels, points, LEVELS_VALUE, count);                                \
  }

#define VALUE_GRADIENT(T, R, NAME, SUFFIX)                                                      \
  extern "C" __global__ void __launch_bounds__(GATHER_THREADS)                                  \
      deformable_backward_##NAME##_##SUFFIX(                                                    \
          const T* grad_out, const float* reference, const T* offsets, const T* weights,        \
          R* target, int tokens, int queries, int d, int levels, int points, int per_block,     \
          int at_once, int samples, int per_chunk, LEVELS_ARGUMENTS) {                          \
    deformable_backward_value<T, R>(                                                            \
        grad_out, reference, offsets, weights, target, tokens, queries, d, levels, points,      \
        per_block, at_once, samples, per_chunk, LEVELS_VALUE);                                  \
  }

#define SAMPLING(T, SUFFIX)                                                                     \
  DEFORMABLE(T, 1, SUFFIX)                                                                      \
  DEFORMABLE(T, 4, SUFFIX)                                                                      \
  VALUE_GRADIENT(T, T, value, SUFFIX)                                                           \
  VALUE_GRADIENT(T, float, value_part, SUFFIX)                                                  \
  extern "C" __global__ void deformable_value_sum_##SUFFIX(                                     \
      const float* partial, T* grad_value, int chunks, long long count) {                       \
    deformable_value_sum<T>(partial, grad_value, chunks, count);                                \
  }                                                                                             \
  extern "C" __global__ void sample_table_##SUFFIX(                                             \
      const float* table, const float* positions, const float* keep, T* out, int height,        \
      int width, int channels, int tokens, long long count) {                                   \
    sample_table<T>(                                                                            \
        table, positions, keep, out, height, width, channels, tokens, count);                   \
  }                                                                                             \
  extern "C" __global__ void __launch_bounds__(TABLE_THREADS) sample_table_backward_##SUFFIX(   \
      const T* grad_out, const float* positions, const float* keep, float* grad_table,          \
      int height, int width, int channels, int samples, int tokens) {                           \
    sample_table_backward<T>(                                                                   \
        grad_out, positions, keep, grad_table, height, width, channels, samples, tokens);       \
  }

SAMPLING(float, f32)
SAMPLING(bf16, bf16)
SAMPLING(f16, f16)
