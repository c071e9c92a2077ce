// What the processor says that it can run. It is asked itself, as `__builtin_cpu_supports` is always
// false in what Zig compiles.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace lenet {

// 2 for AVX-512 (F, VL, BW and DQ), 1 for AVX2 with FMA, 0 for neither.
inline int32_t processor_level() {
#if defined(__x86_64__)
  constexpr uint32_t kAvx = bit_OSXSAVE | bit_AVX | bit_FMA;
  constexpr uint32_t kAvx512 = bit_AVX512F | bit_AVX512VL | bit_AVX512BW | bit_AVX512DQ;
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & kAvx) != kAvx) return 0;
  uint32_t saved, high;  // which registers the system keeps for each thread
  __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if ((saved & 0x06) != 0x06) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)) return 0;
#if defined(__APPLE__)
  saved |= 0xe0;  // macOS begins to keep those of AVX-512 when a thread first uses them
#endif
  return (b & kAvx512) == kAvx512 && (saved & 0xe6) == 0xe6 ? 2 : 1;
#else
  return 0;
#endif
}

}  // namespace lenet
