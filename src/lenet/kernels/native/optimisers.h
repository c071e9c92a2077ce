// The update of weights by gradients; the same formulas as PyTorch's optimisers.
#pragma once

#include <cmath>
#include <cstdint>

#include "vector.h"

namespace lenet {

enum class OptimiserKind : int32_t { kSgd = 0, kAdam = 1, kAdamW = 2 };

// `lenet.kernels._library.StepSettings` has the same fields.
struct StepSettings {
  OptimiserKind kind;
  int32_t nesterov;
  int64_t step;  // counted from 1
  double learning_rate;
  double weight_decay;
  double momentum;
  double beta1;
  double beta2;
  double epsilon;
  double largest_norm;  // of all gradients together; 0 for no limit
};

namespace optimisers {

// `buffer` may be null where there is no momentum.
inline void sgd(const StepSettings& settings, float gradient_scale, size_t count,
                const float* gradient, float* weight, float* buffer) {
  const float rate = settings.learning_rate, decay = settings.weight_decay;
  const float momentum = settings.momentum;
  const bool nesterov = settings.nesterov;
  if (!buffer) {
    for (size_t i = 0; i < count; ++i) {
      weight[i] -= rate * (gradient[i] * gradient_scale + decay * weight[i]);
    }
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    const float g = gradient[i] * gradient_scale + decay * weight[i];
    buffer[i] = momentum * buffer[i] + g;
    weight[i] -= rate * (nesterov ? g + momentum * buffer[i] : buffer[i]);
  }
}

inline void adam(const StepSettings& settings, float gradient_scale, size_t count,
                 const float* gradient, float* weight, float* mean, float* square) {
  const bool decoupled = settings.kind == OptimiserKind::kAdamW;
  const double rate = settings.learning_rate, step = settings.step;
  const float decay = decoupled ? 0.0 : settings.weight_decay;
  const float keep = decoupled ? 1.0 - rate * settings.weight_decay : 1.0;
  const float beta1 = settings.beta1, beta2 = settings.beta2, epsilon = settings.epsilon;
  const float rest1 = 1.0 - settings.beta1, rest2 = 1.0 - settings.beta2;
  const float step_size = rate / (1.0 - std::pow(settings.beta1, step));
  const float scale = 1.0 / std::sqrt(1.0 - std::pow(settings.beta2, step));
  for (size_t i = 0; i < count; ++i) {
    const float g = gradient[i] * gradient_scale + decay * weight[i];
    mean[i] = beta1 * mean[i] + rest1 * g;
    square[i] = beta2 * square[i] + rest2 * g * g;
    weight[i] = keep * weight[i] - step_size * mean[i] / (std::sqrt(square[i]) * scale + epsilon);
  }
}

inline double sum_of_squares(const float* values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += double(values[i]) * values[i];
  return sum;
}

}  // namespace optimisers
}  // namespace lenet
