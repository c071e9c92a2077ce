// Every activation function that a layer may have, and its slope.
#pragma once

#include <type_traits>

#include "vector.h"

namespace lenet {

// In the order of `FUNCTIONS` in lenet/models/layers/_standard.py.
enum class Function : int32_t {
  kIdentity,
  kSigmoid,
  kTanh,
  kRelu,
  kLeakyRelu,
  kElu,
  kGelu,
  kSilu,
  kHardSwish,
  kSoftplus,
  kScaledTanh
};

namespace functions {

constexpr float kRootOfHalf = 0.70710678f, kDensityAt0 = 0.39894228f;
constexpr float kHeight = 1.7159f, kSteepness = 2.0f / 3;  // of the scaled tanh

inline Vector absolute(Vector x) { return x < Vector{} ? -x : x; }

inline Vector density(Vector x) { return kDensityAt0 * exp(-0.5f * x * x); }

// The share of a normal distribution below x; the error is below 1e-7 (Abramowitz and Stegun 1964,
// 7.1.26).
inline Vector share_below(Vector x) {
  const Vector z = kRootOfHalf * absolute(x), t = reciprocal(1.0f + 0.3275911f * z);
  Vector sum = 1.061405429f * t - 1.453152027f;
  sum = sum * t + 1.421413741f;
  sum = sum * t - 0.284496736f;
  sum = sum * t + 0.254829592f;
  const Vector beyond = 0.5f * sum * t * exp(-z * z);
  return x > Vector{} ? 1.0f - beyond : beyond;
}

// log(1 + u) for u from 0 to 1: twice the series of the inverse of tanh at u / (2 + u).
inline Vector log_of_1_and(Vector u) {
  const Vector z = u / (2.0f + u), square = z * z;
  Vector sum = square * (1.0f / 13) + 1.0f / 11;
  sum = sum * square + 1.0f / 9;
  sum = sum * square + 1.0f / 7;
  sum = sum * square + 1.0f / 5;
  sum = sum * square + 1.0f / 3;
  return 2.0f * z * (sum * square + 1.0f);
}

}  // namespace functions

// `parameter` is the slope below 0 of the leaky ReLU, and the α of ELU.
template <Function kind>
inline Vector value_at(Vector x, float parameter) {
  using namespace functions;
  using F = Function;
  const Vector below = minimum(Vector{}, x);
  if constexpr (kind == F::kSigmoid) return sigmoid(x);
  if constexpr (kind == F::kTanh) return tanh(x);
  if constexpr (kind == F::kRelu) return maximum(Vector{}, x);
  if constexpr (kind == F::kLeakyRelu) return x > Vector{} ? x : parameter * x;
  if constexpr (kind == F::kElu) return x > Vector{} ? x : parameter * (exp(below) - 1.0f);
  if constexpr (kind == F::kGelu) return x * share_below(x);
  if constexpr (kind == F::kSilu) return x * sigmoid(x);
  if constexpr (kind == F::kHardSwish) {
    const Vector ramp = maximum(Vector{}, minimum(broadcast(6.0f), x + 3.0f));
    return x * ramp * (1.0f / 6);
  }
  if constexpr (kind == F::kSoftplus) {
    return maximum(Vector{}, x) + log_of_1_and(exp(-absolute(x)));
  }
  if constexpr (kind == F::kScaledTanh) return kHeight * tanh(kSteepness * x);
  return x;
}

// Whether the slope can be told from what came out alone, so that what came in need not be kept.
constexpr bool is_told_by_output(Function kind) {
  using F = Function;
  return kind == F::kIdentity || kind == F::kSigmoid || kind == F::kTanh || kind == F::kRelu ||
         kind == F::kScaledTanh;
}

// The slope where x came in and y came out; x is anything where y tells it.
template <Function kind>
inline Vector slope_at(Vector x, Vector y, float parameter) {
  using namespace functions;
  using F = Function;
  const Vector none{}, one = none + 1.0f;
  if constexpr (kind == F::kSigmoid) return y - y * y;
  if constexpr (kind == F::kTanh) return 1.0f - y * y;
  if constexpr (kind == F::kRelu) return y > none ? one : none;
  if constexpr (kind == F::kLeakyRelu) return x > none ? one : broadcast(parameter);
  if constexpr (kind == F::kElu) return x > none ? one : parameter * exp(minimum(none, x));
  if constexpr (kind == F::kGelu) return share_below(x) + x * density(x);
  if constexpr (kind == F::kSilu) {
    const Vector share = sigmoid(x);
    return share + y * (1.0f - share);
  }
  if constexpr (kind == F::kHardSwish) {
    const Vector between = x * (1.0f / 3) + 0.5f;
    return x <= broadcast(-3.0f) ? none : x < broadcast(3.0f) ? between : one;
  }
  if constexpr (kind == F::kSoftplus) return sigmoid(x);
  if constexpr (kind == F::kScaledTanh) {
    return kHeight * kSteepness - kSteepness / kHeight * y * y;
  }
  return one;
}

// Calls `work` with the function as a compile-time constant.
template <int kLast = static_cast<int>(Function::kScaledTanh), typename Work>
inline void with_function(Function kind, Work work) {
  if (static_cast<int>(kind) == kLast) {
    work(std::integral_constant<Function, static_cast<Function>(kLast)>{});
  } else if constexpr (kLast > 0) {
    with_function<kLast - 1>(kind, work);
  }
}

}  // namespace lenet
