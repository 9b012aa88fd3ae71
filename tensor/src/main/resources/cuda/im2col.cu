// Convolutions as matrix products: columns [batch * H' * W', kh * kw * channels] of a channels-last
// map [batch, H, W, channels], and their sum back. Both start at a sample of the map, so that a
// batch may go in parts.
#include "columns.cuh"

#define GEOMETRY                                                                                   \
  int sample, int batch, int height, int width, int channels, int out_height, int out_width,       \
      int kernel_h, int kernel_w, int stride, int padding

struct Geometry {
  int sample, batch, height, width, channels, out_height, out_width, kernel_h, kernel_w, stride;
  int padding;
};

#define GEOMETRY_OF                                                                                \
  Geometry{sample, batch, height, width, channels, out_height, out_width, kernel_h, kernel_w,      \
      stride, padding}

// A thread has one pack of channels of one output pixel and all its taps.
template <typename T, int V>
__device__ __forceinline__ void im2col(
    const T* __restrict__ x, T* __restrict__ col, const Geometry& s) {
  int packs = s.channels / V;
  unsigned n = (unsigned)s.batch * s.out_height * s.out_width * packs;
  unsigned step = gridDim.x * THREADS;
  for (unsigned i = blockIdx.x * THREADS + threadIdx.x; i < n; i += step) {
    unsigned pixel = i / (unsigned)packs;
    int channel = (int)(i - pixel * packs) * V;
    unsigned row = pixel / (unsigned)s.out_width;
    int left = (int)(pixel - row * s.out_width) * s.stride - s.padding;
    unsigned b = row / (unsigned)s.out_height;
    int top = (int)(row - b * s.out_height) * s.stride - s.padding;
    const T* map = x + (size_t)(s.sample + b) * s.height * s.width * s.channels + channel;
    T* to = col + (size_t)pixel * s.kernel_h * s.kernel_w * s.channels + channel;
    for (int ky = 0; ky < s.kernel_h; ky++) {
      int y = top + ky;
      for (int kx = 0; kx < s.kernel_w; kx++) {
        int z = left + kx;
        float v[V] = {};
        if (y >= 0 && y < s.height && z >= 0 && z < s.width) {
          load(map + ((size_t)y * s.width + z) * s.channels, v);
        }
        store(to, v);
        to += s.channels;
      }
    }
  }
}

// x[pixel] = sum over the taps that read it, in the order of the taps.
template <typename T, int V>
__device__ __forceinline__ void col2im(
    const T* __restrict__ col, T* __restrict__ x, const Geometry& s) {
  int packs = s.channels / V;
  unsigned n = (unsigned)s.batch * s.height * s.width * packs;
  unsigned step = gridDim.x * THREADS;
  for (unsigned i = blockIdx.x * THREADS + threadIdx.x; i < n; i += step) {
    unsigned pixel = i / (unsigned)packs;
    int channel = (int)(i - pixel * packs) * V;
    unsigned row = pixel / (unsigned)s.width;
    int z = (int)(pixel - row * s.width);
    unsigned b = row / (unsigned)s.height;
    int y = (int)(row - b * s.height);
    float sum[V] = {};
    for (int ky = 0; ky < s.kernel_h; ky++) {
      int oy = (y + s.padding - ky) / s.stride;
      if (y + s.padding < ky || oy * s.stride != y + s.padding - ky || oy >= s.out_height) {
        continue;
      }
      for (int kx = 0; kx < s.kernel_w; kx++) {
        int oz = (z + s.padding - kx) / s.stride;
        if (z + s.padding < kx || oz * s.stride != z + s.padding - kx || oz >= s.out_width) {
          continue;
        }
        size_t from = ((size_t)b * s.out_height + oy) * s.out_width + oz;
        from = (from * s.kernel_h + ky) * s.kernel_w + kx;
        float v[V];
        load(col + from * s.channels + channel, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
          sum[k] += v[k];
        }
      }
    }
    size_t to = ((size_t)s.sample * s.height * s.width + pixel) * s.channels + channel;
    store(x + to, sum);
  }
}

#define IM2COL(T, S)                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS) im2col_##S(                                \
      const T* x, T* col, GEOMETRY) {                                                              \
    with_width<T>(channels, [&](auto pack) {                                                       \
      im2col<T, decltype(pack)::value>(x, col, GEOMETRY_OF);                                       \
    });                                                                                            \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) col2im_##S(                                \
      const T* col, T* x, GEOMETRY) {                                                              \
    with_width<T>(channels, [&](auto pack) {                                                       \
      col2im<T, decltype(pack)::value>(col, x, GEOMETRY_OF);                                       \
    });                                                                                            \
  }

IM2COL(float, f32)
IM2COL(bf16, bf16)
IM2COL(f16, f16)
