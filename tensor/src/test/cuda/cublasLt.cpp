// A cublasLt for tests without a GPU: only there to be found beside cuBLAS.
extern "C" __attribute__((visibility("default"))) unsigned long cublasLtGetVersion() { return VERSION * 10000; }
