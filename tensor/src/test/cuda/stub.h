// What the stubs of cuBLAS and cuDNN ask of the stub driver.
#pragma once
#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace {

void* driver(const char* name) {
  static void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  return library == nullptr ? nullptr : dlsym(library, name);
}

bool onDevice(const void* at, size_t bytes) {
  static auto check = reinterpret_cast<int (*)(unsigned long long, size_t)>(driver("changenet_on_device"));
  return check != nullptr && check(reinterpret_cast<uintptr_t>(at), bytes) != 0;
}

// Does the work in the order of the stream, or records it there; false when it failed.
bool submit(void* stream, const std::function<int()>& work) {
  static auto call = reinterpret_cast<int (*)(void*, const std::function<int()>*)>(driver("changenet_submit"));
  return call != nullptr && call(stream, &work) == 0;
}

}  // namespace
