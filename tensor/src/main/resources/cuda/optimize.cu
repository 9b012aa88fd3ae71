// Optimizer updates of float32 parameters, one tensor or all in one launch. Hyperparameters come
// combined in float64 and rounded once, as torch.optim does; from memory, so that the replays of a
// recorded step have those of their own.
#include "columns.cuh"

// keep scales the old parameter (1 - lr * decay for AdamW), decay is added to the gradient times
// the parameter (Adam).
struct AdamStep {
  float keep;
  float decay;
  float beta1;
  float beta2;
  float first;
  float second;
  float root;
  float eps;
  float step;
};

// first: the buffer is not read.
struct SgdStep {
  float lr;
  float momentum;
  float decay;
  float first;
};

template <int V>
__device__ __forceinline__ void adam(float* p, const float* g, float* m, float* v, AdamStep s) {
  float pv[V];
  float gv[V];
  float mv[V];
  float vv[V];
  load(p, pv);
  load(g, gv);
  load(m, mv);
  load(v, vv);
#pragma unroll
  for (int k = 0; k < V; k++) {
    float gradient = gv[k] + s.decay * pv[k];
    mv[k] = s.beta1 * mv[k] + s.first * gradient;
    vv[k] = s.beta2 * vv[k] + s.second * (gradient * gradient);
    pv[k] = s.keep * pv[k] - s.step * (mv[k] / (sqrtf(vv[k]) / s.root + s.eps));
  }
  store(p, pv);
  store(m, mv);
  store(v, vv);
}

template <int V>
__device__ __forceinline__ void sgd(float* p, const float* g, float* buffer, SgdStep s) {
  float pv[V];
  float gv[V];
  float bv[V] = {};
  load(p, pv);
  load(g, gv);
  if (s.first == 0.f) {
    load(buffer, bv);
  }
#pragma unroll
  for (int k = 0; k < V; k++) {
    bv[k] = s.momentum * bv[k] + (gv[k] + s.decay * pv[k]);
    pv[k] -= s.lr * bv[k];
  }
  store(p, pv);
  store(buffer, bv);
}

extern "C" __global__ void __launch_bounds__(THREADS) adam_f32(
    float* p, const float* g, float* m, float* v, long long n, const AdamStep* step) {
  AdamStep s = *step;
  for_packs<4>(n, [&](long long i, auto width) {
    adam<decltype(width)::value>(p + i, g + i, m + i, v + i, s);
  });
}

extern "C" __global__ void __launch_bounds__(THREADS) sgd_f32(
    float* p, const float* g, float* buffer, long long n, const SgdStep* step) {
  SgdStep s = *step;
  for_packs<4>(n, [&](long long i, auto width) {
    sgd<decltype(width)::value>(p + i, g + i, buffer + i, s);
  });
}

// All tensors in one launch: a block has a chunk of CHUNK elements of one tensor. Entry t of the
// table is {number of chunks of the tensors before t, elements, addresses …}.
constexpr int CHUNK = 16384;

template <int ADDRESSES>
struct Entry {
  long long first_chunk;
  long long elements;
  long long address[ADDRESSES];
};

template <int ADDRESSES, typename F>
__device__ __forceinline__ void for_chunk(const Entry<ADDRESSES>* table, int count, F f) {
  int low = 0;
  int high = count;
  while (high - low > 1) {
    int middle = (low + high) / 2;
    if (table[middle].first_chunk <= blockIdx.x) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const Entry<ADDRESSES>& entry = table[low];
  long long from = (blockIdx.x - entry.first_chunk) * CHUNK;
  long long n = entry.elements - from < CHUNK ? entry.elements - from : CHUNK;
  int packs = (int)n / 4;
  for (int i = threadIdx.x; i < packs; i += THREADS) {
    f(entry, from + 4 * i, Width<4>());
  }
  int rest = 4 * packs + threadIdx.x;
  if (rest < n) {
    f(entry, from + rest, Width<1>());
  }
}

__device__ __forceinline__ float* at(long long address, long long i) {
  return reinterpret_cast<float*>(address) + i;
}

// True where there is a guard whose value is not finite: the update is left out.
__device__ __forceinline__ bool stops(const float* guard) {
  return guard != nullptr && !(fabsf(guard[0]) < INFINITY);
}

// Addresses: parameter, gradient, mean and squares.
extern "C" __global__ void __launch_bounds__(THREADS) adam_all_f32(
    const long long* table, int count, const AdamStep* step, const float* guard) {
  if (stops(guard)) {
    return;
  }
  AdamStep s = *step;
  for_chunk(reinterpret_cast<const Entry<4>*>(table), count,
      [&](const Entry<4>& e, long long i, auto width) {
        adam<decltype(width)::value>(
            at(e.address[0], i), at(e.address[1], i), at(e.address[2], i), at(e.address[3], i), s);
      });
}

// Addresses: parameter, gradient, buffer.
extern "C" __global__ void __launch_bounds__(THREADS) sgd_all_f32(
    const long long* table, int count, const SgdStep* step, const float* guard) {
  if (stops(guard)) {
    return;
  }
  SgdStep s = *step;
  for_chunk(reinterpret_cast<const Entry<3>*>(table), count,
      [&](const Entry<3>& e, long long i, auto width) {
        sgd<decltype(width)::value>(
            at(e.address[0], i), at(e.address[1], i), at(e.address[2], i), s);
      });
}

// Address: gradient. parts [chunks]: sums of squares.
extern "C" __global__ void __launch_bounds__(THREADS) squares_all_f32(
    const long long* table, int count, float* parts) {
  float sum = 0.0f;
  for_chunk(reinterpret_cast<const Entry<1>*>(table), count,
      [&](const Entry<1>& e, long long i, auto width) {
        float g[decltype(width)::value];
        load(at(e.address[0], i), g);
#pragma unroll
        for (int k = 0; k < decltype(width)::value; k++) {
          sum += g[k] * g[k];
        }
      });
  sum = block_sum<THREADS>(sum);
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = sum;
  }
}

// limits: the largest norm and a scale. norm = scale times the root of the sum of parts,
// factor = scale * min(1, largest / (norm + 1e-6)). One block.
extern "C" __global__ void __launch_bounds__(THREADS) clip_factor_f32(
    const float* parts, int count, const float* limits, float* norm, float* factor) {
  float sum = 0.0f;
  for (int i = threadIdx.x; i < count; i += THREADS) {
    sum += parts[i];
  }
  sum = block_sum<THREADS>(sum);
  if (threadIdx.x == 0) {
    float total = limits[1] * sqrtf(sum);
    float wanted = limits[0] / (total + 1e-6f);
    norm[0] = total;
    // A norm that is no number makes the gradients none.
    factor[0] = limits[1] * (wanted > 1.0f ? 1.0f : wanted);
  }
}

// Address: gradient.
extern "C" __global__ void __launch_bounds__(THREADS) scale_all_f32(
    const long long* table, int count, const float* factor) {
  float f = factor[0];
  if (f == 1.0f) {
    return;
  }
  for_chunk(reinterpret_cast<const Entry<1>*>(table), count,
      [&](const Entry<1>& e, long long i, auto width) {
        float g[decltype(width)::value];
        load(at(e.address[0], i), g);
#pragma unroll
        for (int k = 0; k < decltype(width)::value; k++) {
          g[k] *= f;
        }
        store(at(e.address[0], i), g);
      });
}

// Addresses: average, value. shares: of the old average and of the value.
extern "C" __global__ void __launch_bounds__(THREADS) average_all_f32(
    const long long* table, int count, const float* shares) {
  float keep = shares[0];
  float take = shares[1];
  for_chunk(reinterpret_cast<const Entry<2>*>(table), count,
      [&](const Entry<2>& e, long long i, auto width) {
        float average[decltype(width)::value];
        float value[decltype(width)::value];
        load(at(e.address[0], i), average);
        load(at(e.address[1], i), value);
#pragma unroll
        for (int k = 0; k < decltype(width)::value; k++) {
          average[k] = keep * average[k] + take * value[k];
        }
        store(at(e.address[0], i), average);
      });
}
