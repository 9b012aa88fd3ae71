// A cuBLAS for tests without a GPU: matrix products on the CPU, summed in double.
//
// Built as libcublas.so.12 and .13 with a version node of that name, as JCuda's natives ask for it.
// Refused, as cuBLAS does: element types that don't go together, leading dimensions too small. Also
// refused: matrices that don't lie in device memory.
#include <functional>
#include <vector>

#include "numbers.h"
#include "stub.h"

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
enum { REAL_32F = 0 };
enum { COMPUTE_32F = 68, COMPUTE_64F = 70 };

struct Handle {
  void* stream;
};

bool numberOf(int type, Number* number) {
  switch (type) {
    case 0: *number = Number::F32; return true;
    case 1: *number = Number::F64; return true;
    case 2: *number = Number::F16; return true;
    case 14: *number = Number::BF16; return true;
    default: return false;
  }
}

struct Matrix {
  const void* data;
  Number type;
  int ld;
  long long stride;
  bool transposed;

  // Element (row, column) of op(matrix), column-major.
  size_t at(int batch, int row, int column) const {
    return size_t(batch * stride) + (transposed ? size_t(row) * ld + column : size_t(column) * ld + row);
  }

  // Bytes from the first to behind the last element of op(matrix), rows x columns.
  bool inside(int rows, int columns, int batches) const {
    return onDevice(data, (at(batches - 1, rows - 1, columns - 1) + 1) * bytes(type));
  }
};

struct Product {
  int m, n, k;
  double alpha, beta;
  Matrix a, b, c;
  int batches;

  int check() const {
    bool small = a.ld < (a.transposed ? k : m) || b.ld < (b.transposed ? n : k) || c.ld < m;
    if (m < 0 || n < 0 || k < 0 || batches < 0 || small) {
      return INVALID_VALUE;
    }
    if (a.type != b.type || (c.type != a.type && c.type != Number::F32)) {
      return NOT_SUPPORTED;
    }
    if (m == 0 || n == 0 || batches == 0) {
      return SUCCESS;
    }
    bool all = c.inside(m, n, batches) && (k == 0 || (a.inside(m, k, batches) && b.inside(k, n, batches)));
    return all ? SUCCESS : EXECUTION_FAILED;
  }

  int run() const {
    std::vector<double> packed(size_t(m) * k);
    std::vector<double> sum(m);
    for (int batch = 0; batch < batches; batch++) {
      for (int p = 0; p < k; p++) {
        for (int i = 0; i < m; i++) {
          packed[size_t(p) * m + i] = load(a.data, a.at(batch, i, p), a.type);
        }
      }
      for (int j = 0; j < n; j++) {
        column(batch, j, packed, sum);
      }
    }
    return SUCCESS;
  }

  void column(int batch, int j, const std::vector<double>& packed, std::vector<double>& sum) const {
    sum.assign(m, 0);
    for (int p = 0; p < k; p++) {
      const double factor = load(b.data, b.at(batch, p, j), b.type);
      for (int i = 0; i < m; i++) {
        sum[i] += packed[size_t(p) * m + i] * factor;
      }
    }
    for (int i = 0; i < m; i++) {
      size_t at = c.at(batch, i, j);
      double before = beta == 0 ? 0 : beta * load(c.data, at, c.type);
      store(const_cast<void*>(c.data), at, c.type, alpha * sum[i] + before);
    }
  }
};

double scale(const void* value, int compute) {
  return compute == COMPUTE_64F ? *static_cast<const double*>(value) : *static_cast<const float*>(value);
}

int multiply(void* handle, const Product& product) {
  if (handle == nullptr) {
    return NOT_INITIALIZED;
  }
  int status = product.check();
  if (status != SUCCESS) {
    return status;
  }
  const bool done = submit(static_cast<Handle*>(handle)->stream, [=] { return product.run(); });
  return done ? SUCCESS : EXECUTION_FAILED;
}

}  // namespace

API cublasCreate_v2(void** handle) {
  *handle = new Handle{nullptr};
  return SUCCESS;
}
API cublasDestroy_v2(void* handle) {
  delete static_cast<Handle*>(handle);
  return SUCCESS;
}
API cublasSetStream_v2(void* handle, void* stream) {
  static_cast<Handle*>(handle)->stream = stream;
  return SUCCESS;
}
API cublasGetStream_v2(void* handle, void** stream) {
  *stream = static_cast<Handle*>(handle)->stream;
  return SUCCESS;
}
API cublasSetWorkspace_v2(void*, void* memory, size_t size) { return size == 0 || onDevice(memory, size) ? SUCCESS : INVALID_VALUE; }
API cublasSetMathMode(void*, int) { return SUCCESS; }
API cublasGetMathMode(void*, int* mode) {
  *mode = 0;
  return SUCCESS;
}
API cublasSetPointerMode_v2(void*, int mode) { return mode == 0 ? SUCCESS : NOT_SUPPORTED; }
API cublasSetAtomicsMode(void*, int) { return SUCCESS; }
API cublasGetVersion_v2(void*, int* version) {
  *version = VERSION * 10000;
  return SUCCESS;
}
extern "C" __attribute__((visibility("default"))) const char* cublasGetStatusString(int status) {
  return status == SUCCESS ? "success" : "failure of the stub cuBLAS";
}

API cublasGemmStridedBatchedEx(void* handle, int transA, int transB, int m, int n, int k, const void* alpha, const void* a, int typeA,
                               int lda, long long strideA, const void* b, int typeB, int ldb, long long strideB, const void* beta, void* c,
                               int typeC, int ldc, long long strideC, int batches, int compute, int) {
  Number ofA, ofB, ofC;
  if (!numberOf(typeA, &ofA) || !numberOf(typeB, &ofB) || !numberOf(typeC, &ofC)) {
    return NOT_SUPPORTED;
  }
  return multiply(handle, {m, n, k, scale(alpha, compute), scale(beta, compute), {a, ofA, lda, strideA, transA != 0},
                           {b, ofB, ldb, strideB, transB != 0}, {c, ofC, ldc, strideC, false}, batches});
}

API cublasGemmEx(void* handle, int transA, int transB, int m, int n, int k, const void* alpha, const void* a, int typeA, int lda,
                 const void* b, int typeB, int ldb, const void* beta, void* c, int typeC, int ldc, int compute, int algorithm) {
  return cublasGemmStridedBatchedEx(handle, transA, transB, m, n, k, alpha, a, typeA, lda, 0, b, typeB, ldb, 0, beta, c, typeC, ldc, 0, 1,
                                    compute, algorithm);
}

API cublasSgemm_v2(void* handle, int transA, int transB, int m, int n, int k, const float* alpha, const float* a, int lda, const float* b,
                   int ldb, const float* beta, float* c, int ldc) {
  return cublasGemmEx(handle, transA, transB, m, n, k, alpha, a, REAL_32F, lda, b, REAL_32F, ldb, beta, c, REAL_32F, ldc, COMPUTE_32F, -1);
}
