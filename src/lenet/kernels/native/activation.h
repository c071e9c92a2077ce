// Activations, and their slopes as functions of what came out of them.
#pragma once

#include "vector.h"

namespace lenet {

enum class Activation : int32_t { kNone = 0, kSigmoid = 1, kTanh = 2, kRelu = 3 };

template <Activation kind>
inline Vector activate(Vector x) {
  if constexpr (kind == Activation::kSigmoid) return sigmoid(x);
  if constexpr (kind == Activation::kTanh) return tanh(x);
  if constexpr (kind == Activation::kRelu) return maximum(Vector{}, x);
  return x;
}

// The derivative of the activation where its output is y.
template <Activation kind>
inline Vector slope(Vector y) {
  if constexpr (kind == Activation::kSigmoid) return y - y * y;
  if constexpr (kind == Activation::kTanh) return 1.0f - y * y;
  if constexpr (kind == Activation::kRelu) return y > Vector{} ? Vector{} + 1.0f : Vector{};
  return Vector{} + 1.0f;
}

// Calls `function` with the activation as a compile-time constant.
template <typename Function>
inline void with_activation(Activation kind, Function function) {
  using A = Activation;
  switch (kind) {
    case A::kSigmoid: return function(std::integral_constant<A, A::kSigmoid>{});
    case A::kTanh: return function(std::integral_constant<A, A::kTanh>{});
    case A::kRelu: return function(std::integral_constant<A, A::kRelu>{});
    case A::kNone: return function(std::integral_constant<A, A::kNone>{});
  }
}

}  // namespace lenet
