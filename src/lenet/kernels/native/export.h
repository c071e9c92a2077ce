// How functions are seen outside of the library, and what they say where memory runs out.
#pragma once

#include <cstdint>
#include <exception>

#if defined(_WIN32)
#define LENET_EXPORT extern "C" __declspec(dllexport)
#elif defined(__wasm__)
#define LENET_EXPORT extern "C" __attribute__((visibility("default"), used))
#else
#define LENET_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace lenet {

#if defined(__cpp_exceptions)
template <typename Make>
auto create(Make make) noexcept -> decltype(make()) {
  try {
    return make();
  } catch (const std::exception&) {
    return nullptr;
  }
}

template <typename Work>
int32_t succeed(Work work) noexcept {
  try {
    work();
    return 1;
  } catch (const std::exception&) {
    return 0;
  }
}
#else  // where memory runs out, the program stops, and its caller is told
template <typename Make>
auto create(Make make) {
  return make();
}

template <typename Work>
int32_t succeed(Work work) {
  work();
  return 1;
}
#endif

}  // namespace lenet
