// Numbers of the types that cuBLAS and cuDNN compute with, for their stubs.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

enum class Number { F32, F64, F16, BF16 };

size_t bytes(Number type) { return type == Number::F32 ? 4 : type == Number::F64 ? 8 : 2; }

float fromBits(uint32_t u) {
  float f;
  memcpy(&f, &u, 4);
  return f;
}

double load(const void* p, size_t i, Number type) {
  switch (type) {
    case Number::F32: return static_cast<const float*>(p)[i];
    case Number::F64: return static_cast<const double*>(p)[i];
    case Number::BF16: return fromBits(uint32_t(static_cast<const uint16_t*>(p)[i]) << 16);
    case Number::F16: break;
  }
  return static_cast<double>(static_cast<const _Float16*>(p)[i]);
}

void store(void* p, size_t i, Number type, double value) {
  const auto f = float(value);
  uint32_t u;
  memcpy(&u, &f, 4);
  switch (type) {
    case Number::F32: static_cast<float*>(p)[i] = f; break;
    case Number::F64: static_cast<double*>(p)[i] = value; break;
    case Number::F16: static_cast<_Float16*>(p)[i] = static_cast<_Float16>(f); break;
    case Number::BF16:
      static_cast<uint16_t*>(p)[i] = f != f ? 0x7fff : uint16_t((u + 0x7fff + ((u >> 16) & 1)) >> 16);
      break;
  }
}

}  // namespace
