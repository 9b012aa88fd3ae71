// Flat loops over packs, and loops and sums over the columns of a [rows, columns] matrix.
#pragma once

#include "common.cuh"

// Threads of every block in the families that include this file, unless a kernel says otherwise.
constexpr int THREADS = 256;

// A number of elements as a type.
template <int N>
struct Width {
  static constexpr int value = N;
};

template <typename T, int V>
__device__ __forceinline__ void load(const T* p, float (&f)[V]) {
  Pack<T, V> pack = *reinterpret_cast<const Pack<T, V>*>(p);
#pragma unroll
  for (int k = 0; k < V; k++) {
    f[k] = to_float(pack.v[k]);
  }
}

template <typename T, int V>
__device__ __forceinline__ void store(T* p, const float (&f)[V]) {
  Pack<T, V> pack;
#pragma unroll
  for (int k = 0; k < V; k++) {
    pack.v[k] = from_float<T>(f[k]);
  }
  *reinterpret_cast<Pack<T, V>*>(p) = pack;
}

// Calls f(i, Width<V>) for every whole pack of V of the n elements and f(i, Width<1>) for the rest.
template <int V, typename F>
__device__ __forceinline__ void for_packs(long long n, F f) {
  long long thread = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  long long step = (long long)gridDim.x * blockDim.x;
  long long packs = n / V;
  for (long long p = thread; p < packs; p += step) {
    f(p * V, Width<V>());
  }
  long long rest = packs * V + thread;
  if (rest < n) {
    f(rest, Width<1>());
  }
}

// How the blocks of a launch cut a [batch, rows, columns] array: a block has a tile of
// (1 << lane_bits) packs of columns and a chunk of rows; its threads are rows of lanes. The tile is
// the fastest part of the block number.
struct Cut {
  int columns;
  int rows;
  int lane_bits;
  int tiles;
  int chunk_rows;
  int chunks;

  __device__ int lanes() const { return 1 << lane_bits; }
  __device__ int lane() const { return threadIdx.x & (lanes() - 1); }
  __device__ int tile() const { return blockIdx.x % tiles; }
  __device__ int chunk() const { return blockIdx.x / tiles % chunks; }
  __device__ int sample() const { return blockIdx.x / tiles / chunks; }
  template <int V>
  __device__ int column() const { return ((tile() << lane_bits) + lane()) * V; }
  __device__ int first_row() const { return chunk() * chunk_rows + (threadIdx.x >> lane_bits); }
  __device__ int end_row() const {
    int first = chunk() * chunk_rows;
    return rows - first < chunk_rows ? rows : first + chunk_rows;
  }
  __device__ int row_step() const { return THREADS >> lane_bits; }
};

// The launch arguments of a Cut, in the order of CudaCut.
#define CUT_ARGUMENTS int rows, int columns, int lane_bits, int tiles, int chunk_rows, int chunks
#define CUT Cut{columns, rows, lane_bits, tiles, chunk_rows, chunks}

// Calls f(Width<V>) with packs when rows of this many columns are aligned, with single elements
// otherwise.
template <typename T, typename F>
__device__ __forceinline__ void with_width(int columns, F f) {
  if (columns % PACK<T> == 0) {
    f(Width<PACK<T>>());
  } else {
    f(Width<1>());
  }
}

// Sums Q quantities over the rows of the block's chunk. add(row, column, sums) adds a row's V
// columns to sums[q][0 … V); scratch holds Q * V * THREADS floats. The totals go to
// partial[sample][chunk][q][columns].
template <int Q, int V, typename F>
__device__ __forceinline__ void sum_columns(const Cut& cut, float* scratch, float* partial, F add) {
  float sums[Q][V] = {};
  int column = cut.column<V>();
  if (column < cut.columns) {
    int end = cut.end_row();
    int step = cut.row_step();
#pragma unroll 4
    for (int row = cut.first_row(); row < end; row += step) {
      add(row, column, sums);
    }
  }
#pragma unroll
  for (int i = 0; i < Q * V; i++) {
    scratch[i * THREADS + threadIdx.x] = sums[i / V][i % V];
  }
  __syncthreads();
  for (int half = THREADS / 2; half >= cut.lanes(); half >>= 1) {
    if (threadIdx.x < half) {
#pragma unroll
      for (int i = 0; i < Q * V; i++) {
        scratch[i * THREADS + threadIdx.x] += scratch[i * THREADS + threadIdx.x + half];
      }
    }
    __syncthreads();
  }
  if (threadIdx.x < cut.lanes() && column < cut.columns) {
    size_t at = (size_t)cut.sample() * cut.chunks + cut.chunk();
#pragma unroll
    for (int i = 0; i < Q * V; i++) {
      partial[(at * Q + i / V) * cut.columns + column + i % V] = scratch[i * THREADS + threadIdx.x];
    }
  }
}

// Calls f(row, column) for the block's part of the matrix, once per pack of V columns.
template <int V, typename F>
__device__ __forceinline__ void for_rows(const Cut& cut, F f) {
  int column = cut.column<V>();
  if (column < cut.columns) {
    int end = cut.end_row();
    int step = cut.row_step();
    for (int row = cut.first_row(); row < end; row += step) {
      f(row, column);
    }
  }
}
