// Convolutions to few channels, and two convolutions in a row composed into one of them.
//
// out[p, o] = sum over taps s of c[s, o] . x[p + s] is a matrix product, y = c x^T with one row per
// tap and output, and a sum of shifted rows. Rows are `stride` elements apart, a multiple of 8.
//
// Two 3x3 convolutions w1, w2 are one 5x5 convolution wherever the map between them isn't cut off
// at the border. There the 5x5 kernel also counts the ring of pixels around the image, which the
// zero padding between the two leaves out; its part is computed by itself and taken away. Ring
// pixels are numbered: row -1 from left to right, row height, column -1 from top to bottom, column
// width.
#include "common.cuh"

constexpr int THREADS = 256;

struct Ring {
  int height, width;

  __device__ int size() const { return 2 * (width + 2) + 2 * height; }

  __device__ void place(int i, int& y, int& x) const {
    int row = width + 2;
    if (i < 2 * row) {
      y = i < row ? -1 : height;
      x = (i < row ? i : i - row) - 1;
    } else {
      i -= 2 * row;
      x = i < height ? -1 : width;
      y = i < height ? i : i - height;
    }
  }

  // Number of the ring pixel (y, x), or -1 for one that isn't on the ring.
  __device__ int number(int y, int x) const {
    if (y < -1 || y > height || x < -1 || x > width) {
      return -1;
    }
    if (y == -1 || y == height) {
      return (y < 0 ? 0 : width + 2) + x + 1;
    }
    return x == -1 || x == width ? 2 * (width + 2) + (x < 0 ? 0 : height) + y : -1;
  }

  // Pixels of the image that touch the ring.
  __device__ int border() const {
    return height < 3 || width < 3 ? height * width : 2 * width + 2 * (height - 2);
  }

  __device__ void border_place(int i, int& y, int& x) const {
    if (height < 3 || width < 3) {
      y = i / width;
      x = i % width;
    } else if (i < 2 * width) {
      y = i < width ? 0 : height - 1;
      x = i % width;
    } else {
      i -= 2 * width;
      x = i % 2 == 0 ? 0 : width - 1;
      y = 1 + i / 2;
    }
  }
};

// c[tap * outputs + o, i] of weights [outputs, inputs, taps]; rows up to `rows` are 0.
template <typename T>
__device__ __forceinline__ void few_weights(
    const float* w, int outputs, int inputs, int taps, int rows, T* c) {
  int n = rows * inputs;
  for (int i = blockIdx.x * THREADS + threadIdx.x; i < n; i += gridDim.x * THREADS) {
    int row = i / inputs;
    int in = i - row * inputs;
    int tap = row / outputs;
    int o = row - tap * outputs;
    c[i] = from_float<T>(tap < taps ? w[((size_t)o * inputs + in) * taps + tap] : 0.0f);
  }
}

// gradW [outputs, inputs, taps] = g[tap * outputs + o, i].
extern "C" __global__ void __launch_bounds__(THREADS) few_weights_back_f32(
    const float* g, int outputs, int inputs, int taps, float* w) {
  int n = outputs * inputs * taps;
  for (int i = blockIdx.x * THREADS + threadIdx.x; i < n; i += gridDim.x * THREADS) {
    int tap = i % taps;
    int in = i / taps % inputs;
    int o = i / taps / inputs;
    w[i] = g[(size_t)(tap * outputs + o) * inputs + in];
  }
}

// c[s * outputs + o, i] = sum over t1 + t2 = s and m of w2[o, m, t2] w1[m, i, t1].
template <typename T>
__device__ __forceinline__ void pair_compose(
    const float* w1, const float* w2, int outputs, int middle, int inputs, int rows, T* c) {
  int n = rows * inputs;
  for (int i = blockIdx.x * THREADS + threadIdx.x; i < n; i += gridDim.x * THREADS) {
    int row = i / inputs;
    int in = i - row * inputs;
    int s = row / outputs;
    int o = row - s * outputs;
    float sum = 0;
    if (s < 25) {
      int sy = s / 5;
      int sx = s % 5;
      for (int ty = max(0, sy - 2); ty <= min(2, sy); ty++) {
        for (int tx = max(0, sx - 2); tx <= min(2, sx); tx++) {
          int t2 = ty * 3 + tx;
          int t1 = (sy - ty) * 3 + sx - tx;
          float part = 0;
          for (int m = 0; m < middle; m++) {
            part += w2[((size_t)o * middle + m) * 9 + t2] *
                w1[((size_t)m * inputs + in) * 9 + t1];
          }
          sum += part;
        }
      }
    }
    c[i] = from_float<T>(sum);
  }
}

// bias[o] = sum over t2 and m of w2[o, m, t2] b1[m]; one warp for each o.
extern "C" __global__ void pair_bias_f32(const float* w2, const float* b1, int middle, float* bias) {
  int o = blockIdx.x;
  float sum = 0;
  for (int i = threadIdx.x; i < middle * 9; i += 32) {
    sum += w2[(size_t)o * middle * 9 + i] * b1[i / 9];
  }
  sum = warp_sum(sum);
  if (threadIdx.x == 0) {
    bias[o] = sum;
  }
}

// out[p, o] = bias[o] + sum over taps of y[tap * outputs + o, p + tap], of the image only.
template <typename T>
__device__ __forceinline__ void few_sum(
    const float* __restrict__ y, const float* bias, int height, int width, int kernel, int outputs,
    long long pixels, long long stride, int relu, T* out) {
  int padding = kernel / 2;
  for (long long p = (long long)blockIdx.x * THREADS + threadIdx.x; p < pixels;
       p += (long long)gridDim.x * THREADS) {
    int px = (int)(p % width);
    int py = (int)(p / width % height);
    for (int o = 0; o < outputs; o++) {
      float sum = bias == nullptr ? 0.0f : bias[o];
      for (int ky = 0; ky < kernel; ky++) {
        int dy = ky - padding;
        if (py + dy < 0 || py + dy >= height) {
          continue;
        }
        for (int kx = 0; kx < kernel; kx++) {
          int dx = kx - padding;
          if (px + dx >= 0 && px + dx < width) {
            int row = (ky * kernel + kx) * outputs + o;
            sum += y[row * stride + p + (long long)dy * width + dx];
          }
        }
      }
      out[p * outputs + o] = from_float<T>(relu && sum < 0 ? 0.0f : sum);
    }
  }
}

// z[tap * outputs + o, q] = g[q - tap, o], 0 outside the image; rows up to `rows` are 0.
template <typename T>
__device__ __forceinline__ void few_spread(
    const T* __restrict__ g, int height, int width, int kernel, int outputs, int rows,
    long long pixels, long long stride, T* z) {
  int padding = kernel / 2;
  for (long long q = (long long)blockIdx.x * THREADS + threadIdx.x; q < stride;
       q += (long long)gridDim.x * THREADS) {
    int qx = (int)(q % width);
    int qy = (int)(q / width % height);
    for (int row = 0; row < rows; row++) {
      int tap = row / outputs;
      int dy = tap / kernel - padding;
      int dx = tap % kernel - padding;
      bool inside = q < pixels && tap < kernel * kernel && qy - dy >= 0 && qy - dy < height &&
          qx - dx >= 0 && qx - dx < width;
      z[row * stride + q] = inside
          ? g[(q - (long long)dy * width - dx) * outputs + row - tap * outputs]
          : from_float<T>(0.0f);
    }
  }
}

// columns[ring pixel of sample, tap, i] = x at ring pixel + tap.
template <typename T>
__device__ __forceinline__ void ring_windows(
    const T* __restrict__ x, int samples, int height, int width, int inputs, T* columns) {
  Ring ring{height, width};
  long long n = (long long)samples * ring.size() * 9 * inputs;
  for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < n;
       i += (long long)gridDim.x * THREADS) {
    int in = (int)(i % inputs);
    long long rest = i / inputs;
    int tap = (int)(rest % 9);
    rest /= 9;
    int b = (int)(rest / ring.size());
    int y, z;
    ring.place((int)(rest % ring.size()), y, z);
    y += tap / 3 - 1;
    z += tap % 3 - 1;
    bool inside = y >= 0 && y < height && z >= 0 && z < width;
    columns[i] = inside ? x[(((size_t)b * height + y) * width + z) * inputs + in]
                        : from_float<T>(0.0f);
  }
}

// out[p, o] -= sum over taps that reach the ring of w2[o, :, tap] . e[ring pixel]; one warp for
// each border pixel and o.
template <typename T>
__device__ __forceinline__ void ring_correct(
    const float* w2, const T* e, int samples, int height, int width, int middle, int outputs,
    T* out) {
  Ring ring{height, width};
  int lane = threadIdx.x & 31;
  long long n = (long long)samples * ring.border() * outputs;
  long long item = (long long)blockIdx.x * (THREADS / 32) + (threadIdx.x >> 5);
  if (item >= n) {
    return;
  }
  int o = (int)(item % outputs);
  int b = (int)(item / outputs / ring.border());
  int y, x;
  ring.border_place((int)(item / outputs % ring.border()), y, x);
  float sum = 0;
  for (int tap = 0; tap < 9; tap++) {
    int q = ring.number(y + tap / 3 - 1, x + tap % 3 - 1);
    if (q >= 0) {
      const T* row = e + ((size_t)b * ring.size() + q) * middle;
      for (int m = lane; m < middle; m += 32) {
        sum += w2[((size_t)o * middle + m) * 9 + tap] * to_float(row[m]);
      }
    }
  }
  sum = warp_sum(sum);
  if (lane == 0) {
    T* at = out + (((size_t)b * height + y) * width + x) * outputs + o;
    *at = from_float<T>(to_float(*at) - sum);
  }
}

// Gradient that the ring would get: d[q, m] = sum over taps and o of w2[o, m, tap] g[q - tap, o].
template <typename T>
__device__ __forceinline__ void ring_grad(
    const float* w2, const T* g, int samples, int height, int width, int middle, int outputs,
    T* d) {
  Ring ring{height, width};
  long long n = (long long)samples * ring.size() * middle;
  for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < n;
       i += (long long)gridDim.x * THREADS) {
    int m = (int)(i % middle);
    long long rest = i / middle;
    int b = (int)(rest / ring.size());
    int y, x;
    ring.place((int)(rest % ring.size()), y, x);
    float sum = 0;
    for (int tap = 0; tap < 9; tap++) {
      int py = y - (tap / 3 - 1);
      int px = x - (tap % 3 - 1);
      if (py >= 0 && py < height && px >= 0 && px < width) {
        const T* at = g + (((size_t)b * height + py) * width + px) * outputs;
        for (int o = 0; o < outputs; o++) {
          sum += w2[((size_t)o * middle + m) * 9 + tap] * to_float(at[o]);
        }
      }
    }
    d[i] = from_float<T>(sum);
  }
}

// z[q, tap * outputs + o] = g[q - tap, o] for ring pixels q.
template <typename T>
__device__ __forceinline__ void ring_spread(
    const T* g, int samples, int height, int width, int outputs, T* z) {
  Ring ring{height, width};
  long long n = (long long)samples * ring.size() * 9 * outputs;
  for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < n;
       i += (long long)gridDim.x * THREADS) {
    int o = (int)(i % outputs);
    long long rest = i / outputs;
    int tap = (int)(rest % 9);
    rest /= 9;
    int b = (int)(rest / ring.size());
    int y, x;
    ring.place((int)(rest % ring.size()), y, x);
    y -= tap / 3 - 1;
    x -= tap % 3 - 1;
    bool inside = y >= 0 && y < height && x >= 0 && x < width;
    z[i] = inside ? g[(((size_t)b * height + y) * width + x) * outputs + o] : from_float<T>(0.0f);
  }
}

// gradX[p, i] -= sum over taps of columns[p - tap on the ring, tap, i].
template <typename T>
__device__ __forceinline__ void ring_scatter(
    const float* columns, int samples, int height, int width, int inputs, T* grad_x) {
  Ring ring{height, width};
  long long n = (long long)samples * ring.border() * inputs;
  for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < n;
       i += (long long)gridDim.x * THREADS) {
    int in = (int)(i % inputs);
    long long rest = i / inputs;
    int b = (int)(rest / ring.border());
    int y, x;
    ring.border_place((int)(rest % ring.border()), y, x);
    float sum = 0;
    for (int tap = 0; tap < 9; tap++) {
      int q = ring.number(y - (tap / 3 - 1), x - (tap % 3 - 1));
      if (q >= 0) {
        sum += columns[(((size_t)b * ring.size() + q) * 9 + tap) * inputs + in];
      }
    }
    T* at = grad_x + (((size_t)b * height + y) * width + x) * inputs + in;
    *at = from_float<T>(to_float(*at) - sum);
  }
}

// gradW1[m, i, t1] = sum over o, t2 of w2[o, m, t2] g[t1 + t2, o, i] - ring[m, t1, i].
extern "C" __global__ void __launch_bounds__(THREADS) pair_grad_w1_f32(
    const float* w2, const float* g, const float* ring, int outputs, int middle, int inputs,
    float* grad_w1) {
  long long n = (long long)middle * 9 * inputs;
  for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < n;
       i += (long long)gridDim.x * THREADS) {
    int in = (int)(i % inputs);
    int t1 = (int)(i / inputs % 9);
    int m = (int)(i / inputs / 9);
    float sum = 0;
    for (int t2 = 0; t2 < 9; t2++) {
      int s = (t1 / 3 + t2 / 3) * 5 + t1 % 3 + t2 % 3;
      for (int o = 0; o < outputs; o++) {
        sum += w2[((size_t)o * middle + m) * 9 + t2] * g[(size_t)(s * outputs + o) * inputs + in];
      }
    }
    grad_w1[((size_t)m * inputs + in) * 9 + t1] = sum - ring[i];
  }
}

// gradW2[o, m, t2] = sum over t1, i of w1[m, i, t1] g[t1 + t2, o, i] + b1[m] sums[o]
// - ring[t2 * outputs + o, m]; one block for each element.
extern "C" __global__ void __launch_bounds__(THREADS) pair_grad_w2_f32(
    const float* w1, const float* b1, const float* g, const float* sums, const float* ring,
    int outputs, int middle, int inputs, float* grad_w2) {
  int t2 = blockIdx.x % 9;
  int m = blockIdx.x / 9 % middle;
  int o = blockIdx.x / 9 / middle;
  float sum = 0;
  for (int i = threadIdx.x; i < 9 * inputs; i += THREADS) {
    int in = i / 9;
    int t1 = i - in * 9;
    int s = (t1 / 3 + t2 / 3) * 5 + t1 % 3 + t2 % 3;
    sum += w1[(size_t)m * inputs * 9 + i] * g[(size_t)(s * outputs + o) * inputs + in];
  }
  sum = block_sum<THREADS>(sum);
  if (threadIdx.x == 0) {
    float bias = b1 == nullptr ? 0.0f : b1[m] * sums[o];
    grad_w2[blockIdx.x] = sum + bias - ring[(size_t)(t2 * outputs + o) * middle + m];
  }
}

// gradB1[m] = sum over o, t2 of w2[o, m, t2] sums[o] - ring[m].
extern "C" __global__ void __launch_bounds__(THREADS) pair_grad_b1_f32(
    const float* w2, const float* sums, const float* ring, int outputs, int middle,
    float* grad_b1) {
  int m = blockIdx.x * THREADS + threadIdx.x;
  if (m < middle) {
    float sum = 0;
    for (int o = 0; o < outputs; o++) {
      for (int t2 = 0; t2 < 9; t2++) {
        sum += w2[((size_t)o * middle + m) * 9 + t2] * sums[o];
      }
    }
    grad_b1[m] = sum - ring[m];
  }
}

#define FEW(T, S)                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS) few_weights_##S(                           \
      const float* w, int outputs, int inputs, int taps, int rows, T* c) {                         \
    few_weights<T>(w, outputs, inputs, taps, rows, c);                                             \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) pair_compose_##S(                          \
      const float* w1, const float* w2, int outputs, int middle, int inputs, int rows, T* c) {     \
    pair_compose<T>(w1, w2, outputs, middle, inputs, rows, c);                                     \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) few_sum_##S(                               \
      const float* y, const float* bias, int height, int width, int kernel, int outputs,           \
      long long pixels, long long stride, int relu, T* out) {                                      \
    few_sum<T>(y, bias, height, width, kernel, outputs, pixels, stride, relu, out);                \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) few_spread_##S(                            \
      const T* g, int height, int width, int kernel, int outputs, int rows, long long pixels,      \
      long long stride, T* z) {                                                                    \
    few_spread<T>(g, height, width, kernel, outputs, rows, pixels, stride, z);                     \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) ring_windows_##S(                          \
      const T* x, int samples, int height, int width, int inputs, T* columns) {                    \
    ring_windows<T>(x, samples, height, width, inputs, columns);                                   \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) ring_correct_##S(                          \
      const float* w2, const T* e, int samples, int height, int width, int middle, int outputs,    \
      T* out) {                                                                                    \
    ring_correct<T>(w2, e, samples, height, width, middle, outputs, out);                          \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) ring_grad_##S(                             \
      const float* w2, const T* g, int samples, int height, int width, int middle, int outputs,    \
      T* d) {                                                                                      \
    ring_grad<T>(w2, g, samples, height, width, middle, outputs, d);                               \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) ring_spread_##S(                           \
      const T* g, int samples, int height, int width, int outputs, T* z) {                         \
    ring_spread<T>(g, samples, height, width, outputs, z);                                         \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) ring_scatter_##S(                          \
      const float* columns, int samples, int height, int width, int inputs, T* grad_x) {           \
    ring_scatter<T>(columns, samples, height, width, inputs, grad_x);                              \
  }

FEW(float, f32)
FEW(bf16, bf16)
FEW(f16, f16)
