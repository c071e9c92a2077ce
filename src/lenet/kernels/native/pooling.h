// Activations, their slopes as functions of what came out of them, and 2x2 pooling of a tile.
#pragma once

#include "convolution.h"

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

enum class Pooling : int32_t { kAverage = 0, kMax = 1 };

namespace pooling {

// nan wins, as in PyTorch.
inline Vector larger(Vector a, Vector b) { return a >= b || a != a ? a : b; }

// Activates two rows in place and writes the row that they are pooled to.
template <Activation activation, Pooling pooling>
inline void activate_and_pool_rows(Vector* upper, Vector* lower, int pooled_columns,
                                   Vector* pooled) {
  for (int x = 0; x < pooled_columns; ++x, upper += 2, lower += 2) {
    upper[0] = activate<activation>(upper[0]);
    upper[1] = activate<activation>(upper[1]);
    lower[0] = activate<activation>(lower[0]);
    lower[1] = activate<activation>(lower[1]);
    if constexpr (pooling == Pooling::kAverage) {
      pooled[x] = (upper[0] + upper[1] + lower[0] + lower[1]) * 0.25f;
    } else {
      pooled[x] = larger(larger(upper[0], upper[1]), larger(lower[0], lower[1]));
    }
  }
}

// Turns the activations of two rows, in place, into the gradient with respect to what was
// activated, given the gradient of the row that they were pooled to. Returns that gradient's sum.
template <Activation activation, Pooling pooling>
inline Vector gradient_of_rows(Vector* upper, Vector* lower, int pooled_columns,
                               const Vector* pooled_gradient) {
  Vector sum{};
  for (int x = 0; x < pooled_columns; ++x, upper += 2, lower += 2) {
    Vector* const cells[4] = {upper, upper + 1, lower, lower + 1};
    if constexpr (pooling == Pooling::kAverage) {
      const Vector share = pooled_gradient[x] * 0.25f;
      for (Vector* cell : cells) sum += *cell = share * slope<activation>(*cell);
    } else {
      const Vector most = larger(larger(*cells[0], *cells[1]), larger(*cells[2], *cells[3]));
      Vector rest = pooled_gradient[x];  // goes to the first cell that is the maximum
      for (Vector* cell : cells) {
        const auto first = *cell == most || *cell != *cell;
        const Vector gradient = (first ? rest : Vector{}) * slope<activation>(*cell);
        rest = first ? Vector{} : rest;
        sum += *cell = gradient;
      }
    }
  }
  return sum;
}

}  // namespace pooling

// Calls `function` with the pooling as a compile-time constant.
template <typename Function>
inline void with_pooling(Pooling kind, Function function) {
  if (kind == Pooling::kAverage) {
    function(std::integral_constant<Pooling, Pooling::kAverage>{});
  } else {
    function(std::integral_constant<Pooling, Pooling::kMax>{});
  }
}

}  // namespace lenet
