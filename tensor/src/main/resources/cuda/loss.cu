// Losses on logits [rows, classes] with integer labels, and argmax. Sums are cut into pieces of
// LOSS_ROWS rows, whatever the GPU.
#include "common.cuh"

constexpr int LOSS_THREADS = 256;
constexpr int LOSS_ROWS = 2048;

// Largest value and sum of exp(x - largest) of one row.
template <typename T>
__device__ __forceinline__ void row_softmax(const T* x, int classes, float& top, float& sum) {
  top = to_float(x[0]);
  for (int c = 1; c < classes; c++) {
    top = fmaxf(top, to_float(x[c]));
  }
  sum = 0.0f;
  for (int c = 0; c < classes; c++) {
    sum += expf(to_float(x[c]) - top);
  }
}

// A label that is no class counts as an ignored one, so that it can't have other memory read.
__device__ __forceinline__ bool counts(int label, int ignored, int classes) {
  return label != ignored && label >= 0 && label < classes;
}

// parts [blocks][2]: sum of the losses of a block's rows, and their number.
template <typename T>
__device__ __forceinline__ void cross_entropy_parts(
    const T* logits, const int* labels, int ignored, float* parts, long long rows, int classes) {
  long long first = (long long)blockIdx.x * LOSS_ROWS;
  float sum = 0.0f;
  float count = 0.0f;
  for (int i = threadIdx.x; i < LOSS_ROWS && first + i < rows; i += LOSS_THREADS) {
    int label = labels[first + i];
    if (counts(label, ignored, classes)) {
      const T* x = logits + (first + i) * classes;
      float top;
      float total;
      row_softmax(x, classes, top, total);
      sum += top - to_float(x[label]) + logf(total);
      count += 1.0f;
    }
  }
  sum = block_sum<LOSS_THREADS>(sum);
  count = block_sum<LOSS_THREADS>(count);
  if (threadIdx.x == 0) {
    parts[2 * blockIdx.x] = sum;
    parts[2 * blockIdx.x + 1] = count;
  }
}

// loss = mean, inverse = 1 / number of counted rows; 0 when there is none. One block.
extern "C" __global__ void __launch_bounds__(LOSS_THREADS)
    cross_entropy_mean_f32(const float* parts, int blocks, float* loss, float* inverse) {
  float sum = 0.0f;
  float count = 0.0f;
  for (int i = threadIdx.x; i < blocks; i += LOSS_THREADS) {
    sum += parts[2 * i];
    count += parts[2 * i + 1];
  }
  sum = block_sum<LOSS_THREADS>(sum);
  count = block_sum<LOSS_THREADS>(count);
  if (threadIdx.x == 0) {
    loss[0] = count > 0.0f ? sum / count : 0.0f;
    inverse[0] = count > 0.0f ? 1.0f / count : 0.0f;
  }
}

template <typename T>
__device__ __forceinline__ void cross_entropy_gradient(
    const T* logits, const int* labels, int ignored, const float* inverse, T* grad, long long rows,
    int classes) {
  float scale = inverse[0];
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long r = (long long)blockIdx.x * blockDim.x + threadIdx.x; r < rows; r += step) {
    int label = labels[r];
    const T* x = logits + r * classes;
    T* g = grad + r * classes;
    if (!counts(label, ignored, classes)) {
      for (int c = 0; c < classes; c++) {
        g[c] = from_float<T>(0.0f);
      }
      continue;
    }
    float top;
    float sum;
    row_softmax(x, classes, top, sum);
    float each = 1.0f / sum;
    for (int c = 0; c < classes; c++) {
      float p = expf(to_float(x[c]) - top) * each;
      g[c] = from_float<T>((p - (c == label ? 1.0f : 0.0f)) * scale);
    }
  }
}

// Loss of one row, before its weight, and the factor of its gradient p - t; others = 1 - p of the
// label, summed so that it has all its digits when p is close to 1.
template <typename T>
__device__ __forceinline__ float focal_row(
    const T* x, int classes, int label, float gamma, float top, float total, float& others,
    float& slope) {
  others = 0.0f;
  for (int c = 0; c < classes; c++) {
    others += c == label ? 0.0f : expf(to_float(x[c]) - top);
  }
  others /= total;
  float nll = others < 0.5f ? -log1pf(-others) : top - to_float(x[label]) + logf(total);
  slope = 1.0f;
  if (gamma > 0.0f) {
    float factor = powf(others, gamma);
    slope = others > 0.0f ? factor * (1.0f + gamma * (1.0f - others) * nll / others) : 0.0f;
    return factor * nll;
  }
  return nll;
}

// parts [blocks][2]: weighted sum of the losses of a block's rows, and the sum of their weights.
template <typename T>
__device__ __forceinline__ void focal_parts(
    const T* logits, const int* labels, int ignored, const float* weights, float gamma,
    float* parts, long long rows, int classes) {
  long long first = (long long)blockIdx.x * LOSS_ROWS;
  float sum = 0.0f;
  float count = 0.0f;
  for (int i = threadIdx.x; i < LOSS_ROWS && first + i < rows; i += LOSS_THREADS) {
    int label = labels[first + i];
    if (counts(label, ignored, classes)) {
      const T* x = logits + (first + i) * classes;
      float weight = weights ? weights[label] : 1.0f;
      float top;
      float total;
      float others;
      float slope;
      row_softmax(x, classes, top, total);
      sum += weight * focal_row(x, classes, label, gamma, top, total, others, slope);
      count += weight;
    }
  }
  sum = block_sum<LOSS_THREADS>(sum);
  count = block_sum<LOSS_THREADS>(count);
  if (threadIdx.x == 0) {
    parts[2 * blockIdx.x] = sum;
    parts[2 * blockIdx.x + 1] = count;
  }
}

template <typename T>
__device__ __forceinline__ void focal_gradient(
    const T* logits, const int* labels, int ignored, const float* weights, float gamma,
    const float* inverse, T* grad, long long rows, int classes) {
  float scale = inverse[0];
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long r = (long long)blockIdx.x * blockDim.x + threadIdx.x; r < rows; r += step) {
    int label = labels[r];
    const T* x = logits + r * classes;
    T* g = grad + r * classes;
    if (!counts(label, ignored, classes)) {
      for (int c = 0; c < classes; c++) {
        g[c] = from_float<T>(0.0f);
      }
      continue;
    }
    float top;
    float total;
    float others;
    float slope;
    row_softmax(x, classes, top, total);
    focal_row(x, classes, label, gamma, top, total, others, slope);
    slope *= scale * (weights ? weights[label] : 1.0f);
    for (int c = 0; c < classes; c++) {
      float p = c == label ? -others : expf(to_float(x[c]) - top) / total;
      g[c] = from_float<T>(p * slope);
    }
  }
}

// parts [samples][pieces][classes][2]: intersection and union. Grid: pieces, samples.
template <typename T>
__device__ __forceinline__ void mm_iou_parts(
    const T* logits, const int* labels, int ignored, float* parts, int rows, int classes) {
  int first = blockIdx.x * LOSS_ROWS;
  const T* sample = logits + (size_t)blockIdx.y * rows * classes;
  const int* sample_labels = labels + (size_t)blockIdx.y * rows;
  float* target = parts + ((size_t)blockIdx.y * gridDim.x + blockIdx.x) * classes * 2;
  for (int c = 0; c < classes; c++) {
    float both = 0.0f;
    float either = 0.0f;
    for (int i = threadIdx.x; i < LOSS_ROWS && first + i < rows; i += LOSS_THREADS) {
      int label = sample_labels[first + i];
      if (counts(label, ignored, classes)) {
        const T* x = sample + (size_t)(first + i) * classes;
        float top;
        float sum;
        row_softmax(x, classes, top, sum);
        float p = expf(to_float(x[c]) - top) / sum;
        both += c == label ? p : 0.0f;
        either += c == label ? 1.0f : p;
      }
    }
    both = block_sum<LOSS_THREADS>(both);
    either = block_sum<LOSS_THREADS>(either);
    if (threadIdx.x == 0) {
      target[2 * c] = both;
      target[2 * c + 1] = either;
    }
  }
}

// loss, and per sample and class the gradient by p of a pixel whose label is the class and of
// another pixel: factors [samples][classes][2]; equal minima share. One block.
extern "C" __global__ void __launch_bounds__(LOSS_THREADS) mm_iou_total_f32(
    const float* parts, int samples, int pieces, int classes, float* loss, float* factors) {
  __shared__ float lowest[LOSS_THREADS];
  __shared__ int lowest_count[LOSS_THREADS];
  int cells = samples * classes;
  float best = INFINITY;
  int ties = 0;
  float sum = 0.0f;
  for (int i = threadIdx.x; i < cells; i += LOSS_THREADS) {
    float both = 0.0f;
    float either = 0.0f;
    for (int p = 0; p < pieces; p++) {
      const float* part = parts + (((size_t)(i / classes) * pieces + p) * classes + i % classes) * 2;
      both += part[0];
      either += part[1];
    }
    either += 1e-8f;
    float iou = both / either;
    sum += iou;
    ties = iou < best ? 1 : iou == best ? ties + 1 : ties;
    best = iou < best ? iou : best;
    factors[2 * i] = iou;
    factors[2 * i + 1] = 1.0f / either;
  }
  sum = block_sum<LOSS_THREADS>(sum);
  lowest[threadIdx.x] = best;
  lowest_count[threadIdx.x] = ties;
  __syncthreads();
  best = lowest[0];
  ties = lowest_count[0];
  for (int t = 1; t < LOSS_THREADS; t++) {
    ties = lowest[t] < best ? lowest_count[t] : lowest[t] == best ? ties + lowest_count[t] : ties;
    best = lowest[t] < best ? lowest[t] : best;
  }
  for (int i = threadIdx.x; i < cells; i += LOSS_THREADS) {
    float iou = factors[2 * i];
    float by_union = factors[2 * i + 1];
    float by_iou = -1.0f / cells - (iou == best ? 1.0f / ties : 0.0f);
    factors[2 * i] = by_iou * by_union;
    factors[2 * i + 1] = -by_iou * iou * by_union;
  }
  if (threadIdx.x == 0) {
    loss[0] = -best - sum / cells;
  }
}

// The same for soft dice. One block.
extern "C" __global__ void __launch_bounds__(LOSS_THREADS) dice_total_f32(
    const float* parts, int samples, int pieces, int classes, float* loss, float* factors) {
  int cells = samples * classes;
  float sum = 0.0f;
  for (int i = threadIdx.x; i < cells; i += LOSS_THREADS) {
    float both = 0.0f;
    float either = 0.0f;
    for (int p = 0; p < pieces; p++) {
      const float* part = parts + (((size_t)(i / classes) * pieces + p) * classes + i % classes) * 2;
      both += part[0];
      either += part[1];
    }
    float twice = 2.0f * both + 1.0f;
    float below = either + both + 1.0f;
    // 1 - twice / below, with its digits.
    sum += (either - both) / below;
    float other = twice / (below * below) / cells;
    factors[2 * i] = other - 2.0f / below / cells;
    factors[2 * i + 1] = other;
  }
  sum = block_sum<LOSS_THREADS>(sum);
  if (threadIdx.x == 0) {
    loss[0] = sum / cells;
  }
}

template <typename T>
__device__ __forceinline__ void mm_iou_gradient(
    const T* logits, const int* labels, int ignored, const float* factors, T* grad, long long rows,
    int rows_per_sample, int classes) {
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long r = (long long)blockIdx.x * blockDim.x + threadIdx.x; r < rows; r += step) {
    int label = labels[r];
    const T* x = logits + r * classes;
    T* g = grad + r * classes;
    if (!counts(label, ignored, classes)) {
      for (int c = 0; c < classes; c++) {
        g[c] = from_float<T>(0.0f);
      }
      continue;
    }
    const float* factor = factors + (r / rows_per_sample) * classes * 2;
    float top;
    float sum;
    row_softmax(x, classes, top, sum);
    float each = 1.0f / sum;
    float dot = 0.0f;
    for (int c = 0; c < classes; c++) {
      float by_p = factor[2 * c + (c == label ? 0 : 1)];
      dot += expf(to_float(x[c]) - top) * each * by_p;
    }
    for (int c = 0; c < classes; c++) {
      float by_p = factor[2 * c + (c == label ? 0 : 1)];
      g[c] = from_float<T>(expf(to_float(x[c]) - top) * each * (by_p - dot));
    }
  }
}

template <typename T>
__device__ __forceinline__ void argmax_rows(const T* x, int* out, long long rows, int classes) {
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long r = (long long)blockIdx.x * blockDim.x + threadIdx.x; r < rows; r += step) {
    const T* row = x + r * classes;
    float best = to_float(row[0]);
    int at = 0;
    for (int c = 1; c < classes; c++) {
      float value = to_float(row[c]);
      if (value > best) {
        best = value;
        at = c;
      }
    }
    out[r] = at;
  }
}

#define LOSS(T, SUFFIX)                                                                         \
  extern "C" __global__ void __launch_bounds__(LOSS_THREADS) cross_entropy_parts_##SUFFIX(      \
      const T* logits, const int* labels, int ignored, float* parts, long long rows,            \
      int classes) {                                                                            \
    cross_entropy_parts<T>(logits, labels, ignored, parts, rows, classes);                      \
  }                                                                                             \
  extern "C" __global__ void cross_entropy_gradient_##SUFFIX(                                   \
      const T* logits, const int* labels, int ignored, const float* inverse, T* grad,           \
      long long rows, int classes) {                                                            \
    cross_entropy_gradient<T>(logits, labels, ignored, inverse, grad, rows, classes);           \
  }                                                                                             \
  extern "C" __global__ void __launch_bounds__(LOSS_THREADS) focal_parts_##SUFFIX(              \
      const T* logits, const int* labels, int ignored, const float* weights, float gamma,       \
      float* parts, long long rows, int classes) {                                              \
    focal_parts<T>(logits, labels, ignored, weights, gamma, parts, rows, classes);              \
  }                                                                                             \
  extern "C" __global__ void focal_gradient_##SUFFIX(                                           \
      const T* logits, const int* labels, int ignored, const float* weights, float gamma,       \
      const float* inverse, T* grad, long long rows, int classes) {                             \
    focal_gradient<T>(                                                                          \
        logits, labels, ignored, weights, gamma, inverse, grad, rows, classes);                 \
  }                                                                                             \
  extern "C" __global__ void __launch_bounds__(LOSS_THREADS) mm_iou_parts_##SUFFIX(             \
      const T* logits, const int* labels, int ignored, float* parts, int rows, int classes) {   \
    mm_iou_parts<T>(logits, labels, ignored, parts, rows, classes);                             \
  }                                                                                             \
  extern "C" __global__ void mm_iou_gradient_##SUFFIX(                                          \
      const T* logits, const int* labels, int ignored, const float* factors, T* grad,           \
      long long rows, int rows_per_sample, int classes) {                                       \
    mm_iou_gradient<T>(                                                                         \
        logits, labels, ignored, factors, grad, rows, rows_per_sample, classes);                \
  }                                                                                             \
  extern "C" __global__ void argmax_##SUFFIX(                                                   \
      const T* x, int* out, long long rows, int classes) {                                      \
    argmax_rows<T>(x, out, rows, classes);                                                      \
  }

LOSS(float, f32)
LOSS(bf16, bf16)
LOSS(f16, f16)
