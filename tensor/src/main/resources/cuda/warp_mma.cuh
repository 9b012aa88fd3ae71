// Matrix products of one warp on tensor cores: acc [16 x 8] += a [16 x K] * b [K x 8].
//
// The registers of each lane hold what PTX's mma.sync.m16n8k16 (bf16, f16) and m16n8k8 (tf32) lay
// down. On the host the same fragments are multiplied in plain C++, so that all index arithmetic
// is tested there and only the instruction itself isn't.
#pragma once

#include "common.cuh"

// Lane l holds rows l/4 (v[0], v[1]) and l/4 + 8 (v[2], v[3]) at columns 2(l%4) and 2(l%4) + 1.
struct Acc {
  float v[4];
};

__device__ __forceinline__ int lane_id() { return threadIdx.x & 31; }

// Starts to copy 16 bytes to shared memory, or to write zeros there; asynchronous on a GPU.
__device__ __forceinline__ void copy_16_async(void* target, const void* source, bool zero) {
#ifndef CHANGENET_HOST
  unsigned address = (unsigned)__cvta_generic_to_shared(target);
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :: "r"(address), "l"(source), "r"(zero ? 0 : 16)
               : "memory");
#else
  if (zero) {
    memset(target, 0, 16);
  } else {
    memcpy(target, source, 16);
  }
#endif
}

// Ends a group of copies.
__device__ __forceinline__ void end_copies() {
#ifndef CHANGENET_HOST
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits for this thread's copies of all groups but the last PENDING.
template <int PENDING>
__device__ __forceinline__ void wait_copies() {
#ifndef CHANGENET_HOST
  asm volatile("cp.async.wait_group %0;" :: "n"(PENDING) : "memory");
#endif
}

#ifdef CHANGENET_HOST
// Exchange buffer of the warps of the block that runs on this thread.
struct HostFragments {
  unsigned a[32][32][4];
  unsigned b[32][32][2];
};
inline HostFragments& host_fragments() {
  static thread_local HostFragments fragments;
  return fragments;
}

template <typename VALUE_A, typename VALUE_B>
inline void host_mma(
    Acc& acc, const unsigned* a, const unsigned* b, int depth, VALUE_A value_a, VALUE_B value_b) {
  int warp = threadIdx.x / 32;
  int lane = threadIdx.x % 32;
  HostFragments& f = host_fragments();
  for (int i = 0; i < 4; i++) {
    f.a[warp][lane][i] = a[i];
  }
  for (int i = 0; i < 2; i++) {
    f.b[warp][lane][i] = b[i];
  }
  __syncwarp();
  for (int i = 0; i < 4; i++) {
    int row = lane / 4 + 8 * (i / 2);
    int column = 2 * (lane % 4) + i % 2;
    float sum = acc.v[i];
    for (int k = 0; k < depth; k++) {
      sum += value_a(f.a[warp], row, k) * value_b(f.b[warp], k, column);
    }
    acc.v[i] = sum;
  }
  __syncwarp();
}
#endif

// bf16 and f16: products of 16-bit values, sums in float.
template <typename T>
struct MmaHalf {
  using Element = T;
  static constexpr int K = 16;
  // Elements added to a row in shared memory, so that fragment loads hit all banks.
  static constexpr int PAD = 8;

  struct A {
    unsigned r[4];
  };
  struct B {
    unsigned r[2];
  };

  static __device__ __forceinline__ unsigned pair_at(const T* p) {
#ifndef CHANGENET_HOST
    return *reinterpret_cast<const unsigned*>(p);
#else
    unsigned u;
    memcpy(&u, p, 4);
    return u;
#endif
  }

  static __device__ __forceinline__ unsigned pair_of(float low, float high) {
    Pack<T, 2> pair;
    pair.v[0] = from_float<T>(low);
    pair.v[1] = from_float<T>(high);
    return pair_at(pair.v);
  }

  // a[m][k] = tile[row + m][k0 + k]
  static __device__ __forceinline__ A load_a(const T* tile, int ld, int row, int k0) {
    int lane = lane_id();
    const T* p = tile + (row + lane / 4) * ld + k0 + 2 * (lane % 4);
    return A{{pair_at(p), pair_at(p + 8 * ld), pair_at(p + 8), pair_at(p + 8 * ld + 8)}};
  }

  // b[k][n] = tile[row + n][k0 + k]
  static __device__ __forceinline__ B load_b_rows(const T* tile, int ld, int row, int k0) {
    int lane = lane_id();
    const T* p = tile + (row + lane / 4) * ld + k0 + 2 * (lane % 4);
    return B{{pair_at(p), pair_at(p + 8)}};
  }

  // b[k][n] = tile[row + k][column + n]
  static __device__ __forceinline__ B load_b_columns(
      const T* tile, int ld, int row, int column) {
    int lane = lane_id();
    B b;
#ifndef CHANGENET_HOST
    unsigned address =
        (unsigned)__cvta_generic_to_shared(tile + (row + lane % 16) * ld + column);
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(b.r[0]), "=r"(b.r[1])
                 : "r"(address));
#else
    for (int i = 0; i < 2; i++) {
      const T* p = tile + (row + 8 * i + 2 * (lane % 4)) * ld + column + lane / 4;
      Pack<T, 2> pair;
      pair.v[0] = p[0];
      pair.v[1] = p[ld];
      b.r[i] = pair_at(pair.v);
    }
#endif
    return b;
  }

  // The a of two accumulators side by side, for use with load_b_columns.
  static __device__ __forceinline__ A from_acc(const Acc* s) {
    return A{{
        pair_of(s[0].v[0], s[0].v[1]),
        pair_of(s[0].v[2], s[0].v[3]),
        pair_of(s[1].v[0], s[1].v[1]),
        pair_of(s[1].v[2], s[1].v[3])}};
  }

  static __device__ __forceinline__ void mma(Acc& c, const A& a, const B& b);
};

#ifndef CHANGENET_HOST
#define MMA_HALF(TYPE, NAME)                                                                    \
  template <>                                                                                   \
  __device__ __forceinline__ void MmaHalf<TYPE>::mma(Acc& c, const A& a, const B& b) {          \
    asm("mma.sync.aligned.m16n8k16.row.col.f32." NAME "." NAME                         \
                 ".f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                   \
                 : "+f"(c.v[0]), "+f"(c.v[1]), "+f"(c.v[2]), "+f"(c.v[3])                       \
                 : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1])); \
  }
MMA_HALF(bf16, "bf16")
MMA_HALF(f16, "f16")
#undef MMA_HALF
#else
template <typename T>
inline void MmaHalf<T>::mma(Acc& c, const A& a, const B& b) {
  auto half = [](unsigned u, int i) {
    Pack<T, 2> pair;
    memcpy(pair.v, &u, 4);
    return to_float(pair.v[i]);
  };
  host_mma(
      c, a.r, b.r, 16,
      [&](unsigned(*f)[4], int row, int k) {
        return half(f[row % 8 * 4 + k % 8 / 2][row / 8 + 2 * (k / 8)], k % 2);
      },
      [&](unsigned(*f)[2], int k, int column) {
        return half(f[column * 4 + k % 8 / 2][k / 8], k % 2);
      });
}
#endif

// float through TF32: one product of operands rounded to 11 bits, or (EXACT) three products of
// operands split in two parts of 11 bits, which leaves an error of about 2^-22 per product.
template <bool EXACT>
struct MmaFloat {
  using Element = float;
  static constexpr int K = 8;
  static constexpr int PAD = 4;

  struct A {
    float r[4];
  };
  struct B {
    float r[2];
  };

  static __device__ __forceinline__ A load_a(const float* tile, int ld, int row, int k0) {
    int lane = lane_id();
    const float* p = tile + (row + lane / 4) * ld + k0 + lane % 4;
    return A{{p[0], p[8 * ld], p[4], p[8 * ld + 4]}};
  }

  static __device__ __forceinline__ B load_b_rows(const float* tile, int ld, int row, int k0) {
    int lane = lane_id();
    const float* p = tile + (row + lane / 4) * ld + k0 + lane % 4;
    return B{{p[0], p[4]}};
  }

  // An accumulator holds columns 2i and 2i + 1 where a fragment holds i and i + 4. The sum doesn't
  // care about the order of k, so from_acc and load_b_columns both take that one.
  static __device__ __forceinline__ A from_acc(const Acc* s) {
    return A{{s->v[0], s->v[2], s->v[1], s->v[3]}};
  }

  static __device__ __forceinline__ B load_b_columns(
      const float* tile, int ld, int row, int column) {
    int lane = lane_id();
    const float* p = tile + (row + 2 * (lane % 4)) * ld + column + lane / 4;
    return B{{p[0], p[ld]}};
  }

  // Rounded to the nearest number of 11 bits, ties away from zero. NaN stays NaN: the one that GPUs
  // make, 0x7fffffff, would become -0 by the sum.
  static __device__ __forceinline__ unsigned rounded(float x) {
    unsigned bits = __float_as_uint(x);
    if (fabsf(x) < INFINITY) {
      bits += 0x1000u;
    }
    return bits & 0xffffe000u;
  }

  static __device__ __forceinline__ void product(Acc& c, const unsigned* a, const unsigned* b) {
#ifndef CHANGENET_HOST
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c.v[0]), "+f"(c.v[1]), "+f"(c.v[2]), "+f"(c.v[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    host_mma(
        c, a, b, 8,
        [](unsigned(*f)[4], int row, int k) {
          return __uint_as_float(f[row % 8 * 4 + k % 4][row / 8 + 2 * (k / 4)] & 0xffffe000u);
        },
        [](unsigned(*f)[2], int k, int column) {
          return __uint_as_float(f[column * 4 + k % 4][k / 4] & 0xffffe000u);
        });
#endif
  }

  static __device__ __forceinline__ void mma(Acc& c, const A& a, const B& b) {
    unsigned high_a[4];
    unsigned high_b[2];
    for (int i = 0; i < 4; i++) {
      high_a[i] = rounded(a.r[i]);
    }
    for (int i = 0; i < 2; i++) {
      high_b[i] = rounded(b.r[i]);
    }
    if (EXACT) {
      unsigned low_a[4];
      unsigned low_b[2];
      for (int i = 0; i < 4; i++) {
        low_a[i] = rounded(a.r[i] - __uint_as_float(high_a[i]));
      }
      for (int i = 0; i < 2; i++) {
        low_b[i] = rounded(b.r[i] - __uint_as_float(high_b[i]));
      }
      product(c, low_a, high_b);
      product(c, high_a, low_b);
    }
    product(c, high_a, high_b);
  }
};
