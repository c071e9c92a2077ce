// The vector type that everything is written in, and the few functions on it.
//
// A vector holds one number of each of `kLanes` images. The compiler's generic vectors turn it into
// whatever the processor has: one register with AVX-512, AVX or NEON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace lenet {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr __mmask16 kAllLanes = 0xffff;  // GCC 12 warns of the functions without a mask
constexpr int kRegisters = 32;
#elif defined(__AVX__)
constexpr int kLanes = 8;
constexpr int kRegisters = 16;
#elif defined(__wasm__)
constexpr int kLanes = 8;  // two registers of 128 bits
constexpr int kRegisters = 32;
#elif defined(__aarch64__)
constexpr int kLanes = 4;
constexpr int kRegisters = 32;
#else
constexpr int kLanes = 4;
constexpr int kRegisters = 16;
#endif

#if defined(__wasm__)
constexpr bool kIsInPage = true;
#else
constexpr bool kIsInPage = false;
#endif

constexpr size_t kVectorBytes = kLanes * sizeof(float);

typedef float Vector __attribute__((vector_size(kVectorBytes), may_alias));
typedef int32_t IntVector __attribute__((vector_size(kVectorBytes), may_alias));
typedef uint32_t BitVector __attribute__((vector_size(kVectorBytes), may_alias));

inline Vector broadcast(float value) { return value - Vector{}; }  // keeps -0, as `0 + -0` does not

// A choice lane by lane; a comparison with nan is false, so `minimum(limit, nan)` is nan.
#if defined(__AVX512F__)  // GCC 12 compares and blends
inline Vector minimum(Vector limit, Vector x) {
  return (Vector)_mm512_maskz_min_ps(kAllLanes, (__m512)limit, (__m512)x);
}
inline Vector maximum(Vector limit, Vector x) {
  return (Vector)_mm512_maskz_max_ps(kAllLanes, (__m512)limit, (__m512)x);
}
#else
inline Vector minimum(Vector limit, Vector x) { return limit < x ? limit : x; }
inline Vector maximum(Vector limit, Vector x) { return limit > x ? limit : x; }
#endif

inline Vector load(const float* source) {
  Vector result;
  std::memcpy(&result, source, sizeof result);
  return result;
}

inline void store(float* target, Vector x) { std::memcpy(target, &x, sizeof x); }

// Sets a block of sums to 0, in registers: for `= {}` GCC clears memory.
template <int kRows, int kColumns>
inline void clear(Vector (&sums)[kRows][kColumns]) {
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) sums[row][column] = Vector{};
  }
}

// The sum over the lanes, always in the same order.
inline float sum_of_lanes(Vector x) {
  float lanes[kLanes];
  store(lanes, x);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  return lanes[0];
}

// Lane i is element `indices[i]` of a and b, one after the other.
template <int... indices>
inline Vector shuffle(Vector a, Vector b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, indices...);
#else
  return __builtin_shuffle(a, b, IntVector{indices...});
#endif
}

// From sums that are spread over groups of 2 `kHalf` lanes, a's and b's over half as many: a's in
// the lower half of each group, b's in the upper.
template <int kHalf, int... lanes>
inline Vector join_sums(Vector a, Vector b, std::integer_sequence<int, lanes...>) {
  return shuffle<(lanes & kHalf ? kLanes + lanes : lanes)...>(a, b) +
         shuffle<(lanes & kHalf ? kLanes + lanes - kHalf : lanes + kHalf)...>(a, b);
}

// The sums over `kLanes` vectors' lanes, each in the lane of its vector's number.
template <int kApart = 1>
inline Vector spread_sums(const Vector* vectors) {
  if constexpr (kApart == kLanes) {
    return *vectors;
  } else {
    return join_sums<kApart>(spread_sums<2 * kApart>(vectors),
                             spread_sums<2 * kApart>(vectors + kApart),
                             std::make_integer_sequence<int, kLanes>{});
  }
}

// Exchanges, between vectors i and i + `kApart`, the lanes that stand in the other's half of each
// group of 2 `kApart` lanes.
template <int kApart, int... lanes>
inline void exchange_lanes(Vector* block, std::integer_sequence<int, lanes...>) {
  for (int i = 0; i < kLanes; ++i) {
    if (i & kApart) continue;
    const Vector a = block[i], b = block[i + kApart];
    block[i] = shuffle<(lanes & kApart ? kLanes + lanes - kApart : lanes)...>(a, b);
    block[i + kApart] = shuffle<(lanes & kApart ? kLanes + lanes : lanes + kApart)...>(a, b);
  }
}

// Turns lane j of vector i into lane i of vector j, for a block of `kLanes` vectors.
template <int kApart = kLanes / 2>
inline void transpose(Vector* block) {
  exchange_lanes<kApart>(block, std::make_integer_sequence<int, kLanes>{});
  if constexpr (kApart > 1) transpose<kApart / 2>(block);
}

// `sum_of_lanes` of each of `count` vectors.
inline void sum_lanes(const Vector* vectors, size_t count, float* sums) {
  const size_t whole = count / kLanes * kLanes, rest = count - whole;
  for (size_t i = 0; i < whole; i += kLanes) store(sums + i, spread_sums(vectors + i));
  if (rest == 0) return;
  Vector padded[kLanes];
  for (size_t i = 0; i < kLanes; ++i) padded[i] = i < rest ? vectors[whole + i] : Vector{};
  const Vector last = spread_sums(padded);
  std::memcpy(sums + whole, &last, rest * sizeof(float));
}

// 2 to the power of x, for x up to 126 or nan; relative error below 3e-7. 0, or nearly, far below.
inline Vector exp2_up_to_126(Vector x) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  const Vector fraction =  // 0 to 1
      (Vector)_mm512_maskz_reduce_ps(kAllLanes, (__m512)x, _MM_FROUND_TO_NEG_INF);
  Vector power = broadcast(0x1.e97516p-10f);  // the best polynomial of degree 5 that is 1 at 0
  power = power * fraction + 0x1.27784ep-7f;
  power = power * fraction + 0x1.c91ce8p-5f;
  power = power * fraction + 0x1.ebdb56p-3f;
  power = power * fraction + 0x1.62e4bap-1f;
  power = power * fraction + 1.0f;
  return (Vector)_mm512_maskz_scalef_ps(kAllLanes, (__m512)power, (__m512)x);
#else
  x = maximum(broadcast(-126.0f), x);
  const Vector shift = broadcast(0x1.8p23f);  // adding it rounds to whole numbers
  const Vector shifted = x + shift;
  const Vector fraction = x - (shifted - shift);  // -0.5 to 0.5
  Vector power = broadcast(0x1.5bba14p-10f);  // the same for this range
  power = power * fraction + 0x1.3cea88p-7f;
  power = power * fraction + 0x1.c6b752p-5f;
  power = power * fraction + 0x1.ebf9bcp-3f;
  power = power * fraction + 0x1.62e42ap-1f;
  power = power * fraction + 1.0f;
  return power * (Vector)(((BitVector)shifted << 23) + 0x3f800000u);
#endif
}

// e to the power of x, and at most 2^126.
inline Vector exp(Vector x) {
  constexpr float kLog2OfE = 0x1.715476p+0f;
  return exp2_up_to_126(minimum(broadcast(126.0f), x * kLog2OfE));
}

// 1 / x for x from 1 to 2^127.
inline Vector reciprocal(Vector x) {
#if defined(__AVX512F__)
  const Vector guess = (Vector)_mm512_maskz_rcp14_ps(kAllLanes, (__m512)x);
  return guess + guess * (1.0f - x * guess);  // Newton's step: 14 bits become 28
#else
  return 1.0f / x;
#endif
}

inline Vector sigmoid(Vector x) { return reciprocal(1.0f + exp(-x)); }
inline Vector tanh(Vector x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }

}  // namespace lenet
