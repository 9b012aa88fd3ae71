// Depthwise 2-d convolutions on channels-last maps; weights [C, k * k] in float.
//
// The common sizes (3x3 and 7x7 with stride 1, channels in fours) have kernels in which a thread
// computes a strip of neighbouring pixels of four channels, so that every value loaded is used for
// several outputs; all others use one thread per element.
#include "common.cuh"

constexpr int DW_COLUMNS = 16;                // threads along the channels
constexpr int DW_CHANNELS = DW_COLUMNS * 4;   // channels of a block
constexpr int DW_ROW = DW_CHANNELS + 4;       // of a tap in shared memory, against bank conflicts
constexpr int DW_STRIPS = 8;                  // strips of a block
constexpr int DW_THREADS = DW_COLUMNS * DW_STRIPS;

struct Four {
  float v[4];
};

template <typename T>
__device__ __forceinline__ Four load_four(const T* p) {
  Pack<T, 4> pack = *reinterpret_cast<const Pack<T, 4>*>(p);
  Four f;
  for (int j = 0; j < 4; j++) {
    f.v[j] = to_float(pack.v[j]);
  }
  return f;
}

template <typename T>
__device__ __forceinline__ void store_four(T* p, const Four& f) {
  Pack<T, 4> pack;
  for (int j = 0; j < 4; j++) {
    pack.v[j] = from_float<T>(f.v[j]);
  }
  *reinterpret_cast<Pack<T, 4>*>(p) = pack;
}

// out [maps, oh, ow, C] from x [maps, h, w, C], stride 1; flipped turns the kernel by 180 degrees
// (the input gradient). Grid: any number of blocks of
// DW_STRIPS strips, blocks of DW_CHANNELS channels.
template <typename T, int K, int STRIP>
__device__ __forceinline__ void depthwise_strips(
    const T* x, const float* weight, const float* bias, T* out, int h, int w, int oh, int ow,
    int channels, int padding, int flipped, int relu, int strips) {
  __shared__ __align__(16) float taps[K * K * DW_ROW];
  int first = blockIdx.y * DW_CHANNELS;
  for (int i = threadIdx.x; i < K * K * DW_CHANNELS; i += DW_THREADS) {
    int c = i / (K * K);
    int tap = i % (K * K);
    float value = first + c < channels ? weight[(size_t)first * K * K + i] : 0.0f;
    taps[(flipped ? K * K - 1 - tap : tap) * DW_ROW + c] = value;
  }
  __syncthreads();
  int column = threadIdx.x % DW_COLUMNS * 4;
  int c = first + column;
  if (c >= channels) {
    return;
  }
  int per_row = (ow + STRIP - 1) / STRIP;
  for (int strip = blockIdx.x * DW_STRIPS + threadIdx.x / DW_COLUMNS; strip < strips;
       strip += gridDim.x * DW_STRIPS) {
    int ox = strip % per_row * STRIP;
    int row = strip / per_row;
    int oy = row % oh;
    const T* map = x + (size_t)(row / oh) * h * w * channels + c;

    Four acc[STRIP];
#pragma unroll
    for (int o = 0; o < STRIP; o++) {
      for (int j = 0; j < 4; j++) {
        acc[o].v[j] = bias == nullptr ? 0.0f : bias[c + j];
      }
    }
#pragma unroll 1
    for (int ky = 0; ky < K; ky++) {
      int iy = oy - padding + ky;
      if (iy < 0 || iy >= h) {
        continue;
      }
      Four tap[K];
#pragma unroll
      for (int kx = 0; kx < K; kx++) {
        tap[kx] = load_four(taps + (ky * K + kx) * DW_ROW + column);
      }
      const T* line = map + (size_t)iy * w * channels;
#pragma unroll
      for (int i = 0; i < STRIP + K - 1; i++) {
        int ix = ox - padding + i;
        if (ix >= 0 && ix < w) {
          Four value = load_four(line + (size_t)ix * channels);
#pragma unroll
          for (int kx = 0; kx < K; kx++) {
            if (i - kx >= 0 && i - kx < STRIP) {
              for (int j = 0; j < 4; j++) {
                acc[i - kx].v[j] += value.v[j] * tap[kx].v[j];
              }
            }
          }
        }
      }
    }
    T* target = out + ((size_t)row * ow + ox) * channels + c;
#pragma unroll
    for (int o = 0; o < STRIP; o++) {
      if (ox + o < ow) {
        if (relu) {
          for (int j = 0; j < 4; j++) {
            acc[o].v[j] = acc[o].v[j] < 0 ? 0.0f : acc[o].v[j];
          }
        }
        store_four(target + (size_t)o * channels, acc[o]);
      }
    }
  }
}

// Rows that a block of the weight gradient works on at the same time.
template <int K>
constexpr int DW_SLOTS = K == 3 ? 4 : 2;

// parts [pieces][C][K * K + 1]: gradients by the weights and by the bias over rows_per_piece rows
// of the maps. A thread has four channels and one row of the kernel. Needs 2 * padding <= K - 1.
// Grid: pieces, blocks of DW_CHANNELS channels.
template <typename T, int K>
__device__ __forceinline__ void depthwise_weight_strips(
    const T* grad_out, const T* x, float* parts, int rows, int rows_per_piece, int h, int w, int oh,
    int ow, int channels, int padding) {
  constexpr int STRIP = 8;
  constexpr int GROUP = DW_COLUMNS * K;
  constexpr int SLOTS = DW_SLOTS<K>;
  constexpr int VALUES = K * 4 + 4;
  __shared__ __align__(16) float sums[SLOTS * GROUP * VALUES];
  int column = threadIdx.x % DW_COLUMNS * 4;
  int ky = threadIdx.x / DW_COLUMNS % K;
  int slot = threadIdx.x / GROUP;
  int c = blockIdx.y * DW_CHANNELS + column;
  int end = min(rows, (int)(blockIdx.x + 1) * rows_per_piece);
  Four acc[K];
  Four total;
#pragma unroll
  for (int kx = 0; kx < K; kx++) {
    acc[kx].v[0] = acc[kx].v[1] = acc[kx].v[2] = acc[kx].v[3] = 0.0f;
  }
  total.v[0] = total.v[1] = total.v[2] = total.v[3] = 0.0f;
  for (int row = blockIdx.x * rows_per_piece + slot; row < end && c < channels; row += SLOTS) {
    int iy = row % oh - padding + ky;
    if (iy < 0 || iy >= h) {
      continue;
    }
    const T* g = grad_out + (size_t)row * ow * channels + c;
    const T* line = x + ((size_t)(row / oh) * h + iy) * w * channels + c;
    for (int ox = 0; ox < ow; ox += STRIP) {
      Four grad[STRIP];
#pragma unroll
      for (int o = 0; o < STRIP; o++) {
        if (ox + o < ow) {
          grad[o] = load_four(g + (size_t)(ox + o) * channels);
        } else {
          grad[o].v[0] = grad[o].v[1] = grad[o].v[2] = grad[o].v[3] = 0.0f;
        }
        for (int j = 0; j < 4; j++) {
          total.v[j] += grad[o].v[j];
        }
      }
#pragma unroll
      for (int i = 0; i < STRIP + K - 1; i++) {
        int ix = ox - padding + i;
        if (ix >= 0 && ix < w) {
          Four value = load_four(line + (size_t)ix * channels);
#pragma unroll
          for (int kx = 0; kx < K; kx++) {
            if (i - kx >= 0 && i - kx < STRIP) {
              for (int j = 0; j < 4; j++) {
                acc[kx].v[j] += value.v[j] * grad[i - kx].v[j];
              }
            }
          }
        }
      }
    }
  }
  // [slot][value][thread of the group]: neighbouring threads, neighbouring words.
  int own = threadIdx.x % GROUP;
#pragma unroll
  for (int kx = 0; kx < K; kx++) {
    for (int j = 0; j < 4; j++) {
      sums[(slot * VALUES + kx * 4 + j) * GROUP + own] = acc[kx].v[j];
    }
  }
  for (int j = 0; j < 4; j++) {
    sums[(slot * VALUES + K * 4 + j) * GROUP + own] = total.v[j];
  }
  __syncthreads();
  float* target = parts + (size_t)blockIdx.x * channels * (K * K + 1);
  for (int i = threadIdx.x; i < DW_CHANNELS * (K * K + 1); i += SLOTS * GROUP) {
    int channel = i / (K * K + 1);
    int tap = i % (K * K + 1);
    if (blockIdx.y * DW_CHANNELS + channel >= channels) {
      continue;
    }
    // The bias is summed by the threads whose input row always exists.
    int from = (tap == K * K ? padding : tap / K) * DW_COLUMNS + channel / 4;
    int value = (tap == K * K ? K : tap % K) * 4 + channel % 4;
    float sum = 0.0f;
    for (int s = 0; s < SLOTS; s++) {
      sum += sums[(s * VALUES + value) * GROUP + from];
    }
    target[((size_t)blockIdx.y * DW_CHANNELS + channel) * (K * K + 1) + tap] = sum;
  }
}

// gradW [C, taps] and gradB [C] (may be null) = sums of the parts over the pieces.
extern "C" __global__ void depthwise_weight_sum_f32(
    const float* parts, float* grad_w, float* grad_b, int pieces, int channels, int taps) {
  int count = channels * (taps + 1);
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) {
    return;
  }
  float sum = 0.0f;
#pragma unroll 8
  for (int p = 0; p < pieces; p++) {
    sum += parts[(size_t)p * count + i];
  }
  int c = i / (taps + 1);
  int tap = i % (taps + 1);
  if (tap < taps) {
    grad_w[(size_t)c * taps + tap] = sum;
  } else if (grad_b != nullptr) {
    grad_b[c] = sum;
  }
}

// One output element per thread.
template <typename T>
__device__ __forceinline__ void depthwise_any(
    const T* x, const float* weight, const float* bias, T* out, int h, int w, int oh, int ow,
    int channels, int kh, int kw, int stride, int padding, int relu, long long count) {
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    int c = i % channels;
    long long pixel = i / channels;
    int ox = pixel % ow;
    int oy = pixel / ow % oh;
    const T* map = x + pixel / ow / oh * h * w * channels + c;
    float sum = bias == nullptr ? 0.0f : bias[c];
    for (int ky = 0; ky < kh; ky++) {
      int iy = oy * stride - padding + ky;
      for (int kx = 0; iy >= 0 && iy < h && kx < kw; kx++) {
        int ix = ox * stride - padding + kx;
        if (ix >= 0 && ix < w) {
          sum += to_float(map[((size_t)iy * w + ix) * channels]) * weight[(c * kh + ky) * kw + kx];
        }
      }
    }
    out[i] = from_float<T>(relu && sum < 0 ? 0.0f : sum);
  }
}

// One input element per thread.
template <typename T>
__device__ __forceinline__ void depthwise_input_any(
    const T* grad_out, const float* weight, T* grad_x, int h, int w, int oh, int ow, int channels,
    int kh, int kw, int stride, int padding, long long count) {
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    int c = i % channels;
    long long pixel = i / channels;
    int ix = pixel % w;
    int iy = pixel / w % h;
    const T* map = grad_out + pixel / w / h * oh * ow * channels + c;
    float sum = 0.0f;
    for (int ky = 0; ky < kh; ky++) {
      int y = iy + padding - ky;
      if (y < 0 || y % stride != 0 || y / stride >= oh) {
        continue;
      }
      for (int kx = 0; kx < kw; kx++) {
        int xx = ix + padding - kx;
        if (xx >= 0 && xx % stride == 0 && xx / stride < ow) {
          sum += to_float(map[((size_t)(y / stride) * ow + xx / stride) * channels])
              * weight[(c * kh + ky) * kw + kx];
        }
      }
    }
    grad_x[i] = from_float<T>(sum);
  }
}

// parts as above, for one tap (or the bias) per block. 32 channels times 8 pixels at a time. Grid:
// pieces, blocks of 32 channels, taps + 1.
template <typename T>
__device__ __forceinline__ void depthwise_weight_any(
    const T* grad_out, const T* x, float* parts, int rows, int rows_per_piece, int h, int w, int oh,
    int ow, int channels, int kh, int kw, int stride, int padding) {
  __shared__ float sums[8][32];
  int lane = threadIdx.x & 31;
  int slot = threadIdx.x >> 5;
  int c = blockIdx.y * 32 + lane;
  int tap = blockIdx.z;
  bool bias = tap == kh * kw;
  int first = blockIdx.x * rows_per_piece;
  int pixels = (min(rows, first + rows_per_piece) - first) * ow;
  float sum = 0.0f;
  for (int i = slot; i < pixels && c < channels; i += 8) {
    int row = first + i / ow;
    int ox = i % ow;
    float g = to_float(grad_out[((size_t)row * ow + ox) * channels + c]);
    int iy = row % oh * stride - padding + tap / kw;
    int ix = ox * stride - padding + tap % kw;
    if (bias) {
      sum += g;
    } else if (iy >= 0 && iy < h && ix >= 0 && ix < w) {
      sum += g * to_float(x[(((size_t)(row / oh) * h + iy) * w + ix) * channels + c]);
    }
  }
  sums[slot][lane] = sum;
  __syncthreads();
  if (slot == 0 && c < channels) {
    for (int s = 1; s < 8; s++) {
      sum += sums[s][lane];
    }
    parts[((size_t)blockIdx.x * channels + c) * (kh * kw + 1) + tap] = sum;
  }
}

#define DEPTHWISE_STRIPS(T, K, STRIP, SUFFIX)                                                    \
  extern "C" __global__ void __launch_bounds__(DW_THREADS) depthwise_k##K##_##SUFFIX(            \
      const T* x, const float* weight, const float* bias, T* out, int h, int w, int oh, int ow,  \
      int channels, int padding, int flipped, int relu, int strips) {                            \
    depthwise_strips<T, K, STRIP>(                                                               \
        x, weight, bias, out, h, w, oh, ow, channels, padding, flipped, relu, strips);           \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(DW_COLUMNS * K * DW_SLOTS<K>, K == 3 ? 4 : 2)                     \
      depthwise_weight_k##K##_##SUFFIX(                                                          \
          const T* grad_out, const T* x, float* parts, int rows, int rows_per_piece, int h,      \
          int w, int oh, int ow, int channels, int padding) {                                    \
    depthwise_weight_strips<T, K>(                                                               \
        grad_out, x, parts, rows, rows_per_piece, h, w, oh, ow, channels, padding);              \
  }

#define DEPTHWISE(T, SUFFIX)                                                                     \
  DEPTHWISE_STRIPS(T, 3, 4, SUFFIX)                                                              \
  DEPTHWISE_STRIPS(T, 7, 8, SUFFIX)                                                              \
  extern "C" __global__ void depthwise_any_##SUFFIX(                                             \
      const T* x, const float* weight, const float* bias, T* out, int h, int w, int oh, int ow,  \
      int channels, int kh, int kw, int stride, int padding, int relu, long long count) {        \
    depthwise_any<T>(                                                                            \
        x, weight, bias, out, h, w, oh, ow, channels, kh, kw, stride, padding, relu, count);     \
  }                                                                                              \
  extern "C" __global__ void depthwise_input_any_##SUFFIX(                                       \
      const T* grad_out, const float* weight, T* grad_x, int h, int w, int oh, int ow,           \
      int channels, int kh, int kw, int stride, int padding, long long count) {                  \
    depthwise_input_any<T>(                                                                      \
        grad_out, weight, grad_x, h, w, oh, ow, channels, kh, kw, stride, padding, count);       \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(256) depthwise_weight_any_##SUFFIX(               \
      const T* grad_out, const T* x, float* parts, int rows, int rows_per_piece, int h, int w,   \
      int oh, int ow, int channels, int kh, int kw, int stride, int padding) {                   \
    depthwise_weight_any<T>(                                                                     \
        grad_out, x, parts, rows, rows_per_piece, h, w, oh, ow, channels, kh, kw, stride,        \
        padding);                                                                                \
  }

DEPTHWISE(float, f32)
DEPTHWISE(bf16, bf16)
DEPTHWISE(f16, f16)
