// Shared by all kernels: element types, reductions, vector access.
//
// Activations have an element type T (float, bf16 or f16); arithmetic is in float. Parameters,
// statistics and sums are float. The same sources are compiled as C++ for tests without a GPU
// (CHANGENET_HOST), so nothing here or in the kernels is inline PTX.
#pragma once

#ifndef CHANGENET_HOST
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(16) unsigned char shared_bytes[]; type* name = reinterpret_cast<type*>(shared_bytes)
#endif

using bf16 = __nv_bfloat16;
using f16 = __half;

constexpr unsigned FULL_WARP = 0xffffffffu;

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_float(f16 x) { return __half2float(x); }

template <typename T>
__device__ __forceinline__ T from_float(float x);
template <>
__device__ __forceinline__ float from_float<float>(float x) { return x; }
template <>
__device__ __forceinline__ bf16 from_float<bf16>(float x) { return __float2bfloat16_rn(x); }
template <>
__device__ __forceinline__ f16 from_float<f16>(float x) { return __float2half_rn(x); }

// V elements of type T that are loaded and stored at once; V * sizeof(T) is at most 16 bytes.
template <typename T, int V>
struct alignas(sizeof(T) * V) Pack {
  T v[V];
};

// Elements of T in 16 bytes.
template <typename T>
constexpr int PACK = 16 / int(sizeof(T));

__device__ __forceinline__ float warp_sum(float v) {
  for (int step = 16; step > 0; step >>= 1) {
    v += __shfl_xor_sync(FULL_WARP, v, step);
  }
  return v;
}

__device__ __forceinline__ float warp_max(float v) {
  for (int step = 16; step > 0; step >>= 1) {
    v = fmaxf(v, __shfl_xor_sync(FULL_WARP, v, step));
  }
  return v;
}

// Sum over the block, returned to every thread; blockDim.x == THREADS, a multiple of 32.
template <int THREADS>
__device__ __forceinline__ float block_sum(float v) {
  __shared__ float partial[THREADS / 32];
  v = warp_sum(v);
  __syncthreads();
  if ((threadIdx.x & 31) == 0) {
    partial[threadIdx.x >> 5] = v;
  }
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < THREADS / 32; i++) {
    sum += partial[i];
  }
  return sum;
}

// Largest value over the block, returned to every thread.
template <int THREADS>
__device__ __forceinline__ float block_max(float v) {
  __shared__ float partial[THREADS / 32];
  v = warp_max(v);
  __syncthreads();
  if ((threadIdx.x & 31) == 0) {
    partial[threadIdx.x >> 5] = v;
  }
  __syncthreads();
  float best = partial[0];
  for (int i = 1; i < THREADS / 32; i++) {
    best = fmaxf(best, partial[i]);
  }
  return best;
}
