// The numbers that a network begins with, as PyTorch draws them; `lenet/models/layers/_initial.py`
// says the same in NumPy.
#pragma once

#include <cmath>

#include "random.h"

namespace lenet {

enum class Initialisation : int32_t { kPyTorch, kXavier, kKaiming, kNormal, kPublished };

// A convolution or a dense layer; `lenet.kernels._interface.DrawnLayer` has the same fields.
struct DrawnLayer {
  int64_t outputs;
  int64_t inputs;  // that an output has: of a convolution, the channels of its group
  int64_t window;  // numbers that a filter sees of each; 1 of a dense layer
  int64_t has_biases;

  int64_t fan_in() const { return inputs * window; }
  int64_t weight_count() const { return outputs * fan_in(); }
};

// Weights and biases of layers, one after the other; two pointers a layer, the second of them null
// where it has no biases.
inline void initialise(const DrawnLayer* layers, int count, Initialisation kind, uint64_t seed,
                       float* const* parameters) {
  Generator generator(seed);
  const auto draw = [&generator](float* target, int64_t numbers, double bound) {
    const float end = static_cast<float>(bound);
    for (int64_t i = 0; i < numbers; ++i) target[i] = generator.uniform(-end, end);
  };
  const auto draw_both = [&](int index, double of_weights, double of_biases) {
    const DrawnLayer& layer = layers[index];
    draw(parameters[2 * index], layer.weight_count(), of_weights);
    if (layer.has_biases) draw(parameters[2 * index + 1], layer.outputs, of_biases);
  };
  for (int index = 0; index < count; ++index) {  // as PyTorch constructs them, whatever comes then
    const double root = std::sqrt(static_cast<double>(layers[index].fan_in()));
    const double slope = std::sqrt(5.0), gain = std::sqrt(2 / (1 + slope * slope));
    draw_both(index, std::sqrt(3.0) * (gain / root), 1 / root);
  }
  for (int index = 0; kind != Initialisation::kPyTorch && index < count; ++index) {
    const DrawnLayer& layer = layers[index];
    const double fan_in = static_cast<double>(layer.fan_in());
    const double fan_out = static_cast<double>(layer.outputs * layer.window);
    if (kind == Initialisation::kPublished) {
      draw_both(index, 2.4 / fan_in, 2.4 / fan_in);  // LeCun et al. (1998), III.C
    } else if (kind == Initialisation::kNormal) {
      generator.normal(parameters[2 * index], layer.weight_count(), 0.01);
    } else {
      const double deviation = kind == Initialisation::kXavier ? std::sqrt(2 / (fan_in + fan_out))
                                                               : std::sqrt(2.0) / std::sqrt(fan_in);
      draw(parameters[2 * index], layer.weight_count(), std::sqrt(3.0) * deviation);
    }
  }
}

}  // namespace lenet
