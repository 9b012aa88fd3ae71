// CUDA C++ for a host compiler: g++ -x c++ -std=c++20 -DCHANGENET_HOST -include shim.h file.cu
//
// With CHANGENET_SCAN, kernels keep the word __global__, so that compile.sh finds their names in the
// preprocessed text.
#pragma once

#include <math.h>

#include <algorithm>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>

#include "fibers.h"

#ifndef CHANGENET_HOST
#define CHANGENET_HOST
#endif

// --- the language

#ifndef CHANGENET_SCAN
#define __global__
#endif
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static thread_local  // see SharedBlock in fibers.h
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)
#define __grid_constant__
#define DYNAMIC_SHARED(type, name) type* name = reinterpret_cast<type*>(changenet::dynamicShared)

#define __syncthreads() changenet::wait(changenet::AT_BLOCK_BARRIER, __FILE__, __LINE__)
#define __syncwarp(...) changenet::wait(changenet::AT_WARP_BARRIER, __FILE__, __LINE__)
#define __syncthreads_count(p) changenet::blockCount(__FILE__, __LINE__, p)
#define __syncthreads_or(p) (changenet::blockCount(__FILE__, __LINE__, p) != 0)
#define __syncthreads_and(p) (changenet::blockCount(__FILE__, __LINE__, !(p)) == 0)
#define __threadfence() ((void)0)
#define __threadfence_block() ((void)0)
#define __trap() (changenet::fail("__trap at %s:%d", changenet::base(__FILE__), __LINE__), changenet::leave())

namespace changenet {
namespace {
template <typename T>
T shflXor(const char* file, int line, unsigned mask, T v, int x, int width = 32) {
  return shuffle(file, line, mask, v, width, [x](int lane) { return lane ^ x; });
}
template <typename T>
T shflDown(const char* file, int line, unsigned mask, T v, int d, int width = 32) {
  return shuffle(file, line, mask, v, width, [d](int lane) { return lane + d; });
}
template <typename T>
T shflUp(const char* file, int line, unsigned mask, T v, int d, int width = 32) {
  return shuffle(file, line, mask, v, width, [d](int lane) { return lane - d; });
}
template <typename T>
T shfl(const char* file, int line, unsigned mask, T v, int from, int width = 32) {
  return shuffle(file, line, mask, v, width, [from, width](int) { return from & (width - 1); });
}
}  // namespace
}  // namespace changenet

#define __shfl_xor_sync(...) changenet::shflXor(__FILE__, __LINE__, __VA_ARGS__)
#define __shfl_down_sync(...) changenet::shflDown(__FILE__, __LINE__, __VA_ARGS__)
#define __shfl_up_sync(...) changenet::shflUp(__FILE__, __LINE__, __VA_ARGS__)
#define __shfl_sync(...) changenet::shfl(__FILE__, __LINE__, __VA_ARGS__)
#define __ballot_sync(mask, p) changenet::ballot(__FILE__, __LINE__, mask, p)
#define __any_sync(mask, p) (changenet::ballot(__FILE__, __LINE__, mask, p) != 0)
#define __all_sync(mask, p) (changenet::ballot(__FILE__, __LINE__, mask, p) == 0xffffffffu)

// --- vector types

#define CHANGENET_VECTORS(T, name)                                                              \
  struct alignas(2 * sizeof(T)) name##2 { T x, y; };                                            \
  struct name##3 { T x, y, z; };                                                                \
  struct alignas(4 * sizeof(T) < 16 ? 4 * sizeof(T) : 16) name##4 { T x, y, z, w; };            \
  static inline name##2 make_##name##2(T x, T y) { return {x, y}; }                             \
  static inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                     \
  static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }

CHANGENET_VECTORS(float, float)
CHANGENET_VECTORS(int, int)
CHANGENET_VECTORS(unsigned short, ushort)
CHANGENET_VECTORS(short, short)
CHANGENET_VECTORS(unsigned char, uchar)
CHANGENET_VECTORS(signed char, char)
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(16) longlong2 { long long x, y; };
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline double2 make_double2(double x, double y) { return {x, y}; }

// --- 16-bit floats, rounded to nearest even

static inline unsigned __float_as_uint(float f) { unsigned u; memcpy(&u, &f, 4); return u; }
static inline float __uint_as_float(unsigned u) { float f; memcpy(&f, &u, 4); return f; }
static inline int __float_as_int(float f) { return int(__float_as_uint(f)); }
static inline float __int_as_float(int i) { return __uint_as_float(unsigned(i)); }

namespace changenet {
namespace {
inline unsigned short bfloatBits(float f) {
  unsigned u = __float_as_uint(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) {
    return 0x7fff;
  }
  return static_cast<unsigned short>((u + 0x7fffu + ((u >> 16) & 1)) >> 16);
}

inline unsigned short halfBits(float f) {
  const unsigned u = __float_as_uint(f);
  const unsigned sign = (u >> 16) & 0x8000u;
  const unsigned magnitude = u & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0x7fff;
  }
  if (magnitude >= 0x477ff000u) {  // rounds to 2^16 or more
    return static_cast<unsigned short>(sign | 0x7c00u);
  }
  if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24
    return static_cast<unsigned short>(sign | unsigned(nearbyintf(__uint_as_float(magnitude) * 0x1p24f)));
  }
  const unsigned rebased = magnitude - (112u << 23);
  return static_cast<unsigned short>(sign | ((rebased + 0xfffu + ((rebased >> 13) & 1)) >> 13));
}

inline float halfValue(unsigned short h) {
  const unsigned sign = unsigned(h & 0x8000u) << 16;
  const unsigned exponent = (h >> 10) & 31u;
  const unsigned fraction = h & 0x3ffu;
  if (exponent == 31) {
    return __uint_as_float(sign | 0x7f800000u | (fraction << 13));
  }
  if (exponent == 0) {
    return copysignf(float(fraction) * 0x1p-24f, __uint_as_float(sign));
  }
  return __uint_as_float(sign | ((exponent + 112u) << 23) | (fraction << 13));
}
}  // namespace
}  // namespace changenet

struct __nv_bfloat16 {
  unsigned short bits;
  __nv_bfloat16() = default;
  __nv_bfloat16(float f) : bits(changenet::bfloatBits(f)) {}
  operator float() const { return __uint_as_float(unsigned(bits) << 16); }
};
struct __half {
  unsigned short bits;
  __half() = default;
  __half(float f) : bits(changenet::halfBits(f)) {}
  operator float() const { return changenet::halfValue(bits); }
};
struct alignas(4) __nv_bfloat162 { __nv_bfloat16 x, y; };
struct alignas(4) __half2 { __half x, y; };
using nv_bfloat16 = __nv_bfloat16;
using nv_bfloat162 = __nv_bfloat162;
using half = __half;
using half2 = __half2;

static inline float __bfloat162float(__nv_bfloat16 x) { return x; }
static inline __nv_bfloat16 __float2bfloat16(float x) { return x; }
static inline __nv_bfloat16 __float2bfloat16_rn(float x) { return x; }
static inline float __half2float(__half x) { return x; }
static inline __half __float2half(float x) { return x; }
static inline __half __float2half_rn(float x) { return x; }
static inline float2 __bfloat1622float2(__nv_bfloat162 v) { return {v.x, v.y}; }
static inline float2 __half22float2(__half2 v) { return {v.x, v.y}; }
static inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
static inline __nv_bfloat162 __float22bfloat162_rn(float2 v) { return {v.x, v.y}; }
static inline __half2 __floats2half2_rn(float x, float y) { return {x, y}; }
static inline __half2 __float22half2_rn(float2 v) { return {v.x, v.y}; }
static inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.bits; }
static inline unsigned short __half_as_ushort(__half x) { return x.bits; }
static inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short b) { __nv_bfloat16 x; x.bits = b; return x; }
static inline __half __ushort_as_half(unsigned short b) { __half x; x.bits = b; return x; }

// --- arithmetic

#define __expf expf
#define __logf logf
#define __log2f log2f
#define __sinf sinf
#define __cosf cosf
#define __powf powf
#define __tanhf tanhf
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __frcp_rn(float a) { return 1.0f / a; }
static inline float __fsqrt_rn(float a) { return sqrtf(a); }
static inline float __frsqrt_rn(float a) { return 1.0f / sqrtf(a); }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __saturatef(float a) { return fminf(fmaxf(a, 0.0f), 1.0f); }
static inline float rsqrtf(float a) { return 1.0f / sqrtf(a); }
static inline double rsqrt(double a) { return 1.0 / sqrt(a); }
static inline float normcdff(float a) { return 0.5f * erfcf(-a * float(M_SQRT1_2)); }
static inline float __int2float_rn(int i) { return float(i); }
static inline int __float2int_rn(float f) { return int(nearbyintf(f)); }
static inline int __float2int_rd(float f) { return int(floorf(f)); }
static inline int __float2int_rz(float f) { return int(f); }
static inline int __popc(unsigned v) { return __builtin_popcount(v); }
static inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(unsigned(v)); }
static inline int __ffs(int v) { return __builtin_ffs(v); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((uint64_t(a) * b) >> 32); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}

template <typename A, typename B>
  requires(std::is_arithmetic_v<A> && std::is_arithmetic_v<B>)
constexpr std::common_type_t<A, B> min(A a, B b) {
  using C = std::common_type_t<A, B>;
  return C(b) < C(a) ? C(b) : C(a);
}
template <typename A, typename B>
  requires(std::is_arithmetic_v<A> && std::is_arithmetic_v<B>)
constexpr std::common_type_t<A, B> max(A a, B b) {
  using C = std::common_type_t<A, B>;
  return C(a) < C(b) ? C(b) : C(a);
}

// --- memory

template <typename T> static inline T __ldg(const T* p) { return *p; }
template <typename T> static inline T __ldca(const T* p) { return *p; }
template <typename T> static inline T __ldcg(const T* p) { return *p; }
template <typename T> static inline T __ldcs(const T* p) { return *p; }
template <typename T> static inline T __ldlu(const T* p) { return *p; }
template <typename T> static inline T __ldcv(const T* p) { return *p; }
template <typename T> static inline void __stwb(T* p, T v) { *p = v; }
template <typename T> static inline void __stcg(T* p, T v) { *p = v; }
template <typename T> static inline void __stcs(T* p, T v) { *p = v; }
template <typename T> static inline void __stwt(T* p, T v) { *p = v; }

// Integers only: sums of floats must not depend on the order of arrival.
template <typename T>
  requires std::is_integral_v<T>
static inline T atomicAdd(T* p, std::type_identity_t<T> v) { T old = *p; *p = old + v; return old; }
template <typename T>
  requires std::is_integral_v<T>
static inline T atomicMax(T* p, std::type_identity_t<T> v) { T old = *p; *p = old < v ? v : old; return old; }
template <typename T>
  requires std::is_integral_v<T>
static inline T atomicMin(T* p, std::type_identity_t<T> v) { T old = *p; *p = v < old ? v : old; return old; }
template <typename T>
  requires std::is_integral_v<T>
static inline T atomicOr(T* p, std::type_identity_t<T> v) { T old = *p; *p = old | v; return old; }
template <typename T>
  requires std::is_integral_v<T>
static inline T atomicExch(T* p, std::type_identity_t<T> v) { T old = *p; *p = v; return old; }
template <typename T>
  requires std::is_integral_v<T>
static inline T atomicCAS(T* p, std::type_identity_t<T> e, std::type_identity_t<T> v) { T old = *p; if (old == e) { *p = v; } return old; }

#define CUDART_INF_F INFINITY
#define CUDART_NAN_F NAN
#define CUDART_MAX_NORMAL_F FLT_MAX
