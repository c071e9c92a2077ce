// What the other units need besides in a web page: memory for what goes in and out, and what is left
// of the C++ library. So there is nothing to link but C's, and nothing to import.

#include <cstdlib>
#include <new>

#include "export.h"

// Memory for what goes in and out; null where there is no more.
LENET_EXPORT void* lenet_alloc(size_t bytes) { return std::aligned_alloc(64, (bytes + 63) / 64 * 64); }

LENET_EXPORT void lenet_free(void* memory) { std::free(memory); }

// Where memory runs out or a size is beyond all measure, the program stops, and the page is told.
namespace {

void* allocate(size_t bytes, size_t alignment) {
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!memory) __builtin_trap();
  return memory;
}

}  // namespace

void* operator new(size_t bytes) { return allocate(bytes, 16); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char*, ...) noexcept { __builtin_trap(); }
_LIBCPP_END_NAMESPACE_STD
