// Dense layers of a tile, and the gradient of their weights over a whole batch.
#pragma once

#include "blocks.h"
#include "vector.h"

namespace lenet::dense {

// In a page the sums had better fit 16 registers of half a vector, elsewhere they hide what an
// addition takes.
constexpr int kMostUnits = kIsInPage ? 4 : 12;
constexpr int kMostGradientUnits = kRegisters == 32 ? 4 : 2;
constexpr int kMostGradientVectors = kIsInPage ? 1 : 5;

template <int kUnits>
inline void forward_block(const Vector* input, int inputs, const float* weights,
                          const float* biases, Vector* output) {
  Vector sums[kUnits];
  for (int o = 0; o < kUnits; ++o) sums[o] = broadcast(biases[o]);
  for (int i = 0; i < inputs; ++i) {
    const Vector value = input[i];
    for (int o = 0; o < kUnits; ++o) sums[o] += weights[o * ptrdiff_t{inputs} + i] * value;
  }
  for (int o = 0; o < kUnits; ++o) output[o] = sums[o];
}

// output[o] = biases[o] + sum over i of weights[o][i] * input[i], before any activation.
inline void forward(const Vector* input, int inputs, const float* weights, const float* biases,
                    int outputs, Vector* output) {
  for_each_block(outputs, kMostUnits, [&](int unit, int size) {
    with_constant<kMostUnits>(size, [&](auto unit_count) {
      forward_block<unit_count()>(input, inputs, weights + ptrdiff_t{unit} * inputs, biases + unit,
                                  output + unit);
    });
  });
}

template <int kUnits>
inline void input_gradient_block(const Vector* gradient, int outputs, const float* weights,
                                 int inputs, Vector* input_gradient) {
  Vector sums[kUnits];
  for (int i = 0; i < kUnits; ++i) sums[i] = Vector{};
  for (int o = 0; o < outputs; ++o, weights += inputs) {
    const Vector value = gradient[o];
    for (int i = 0; i < kUnits; ++i) sums[i] += weights[i] * value;
  }
  for (int i = 0; i < kUnits; ++i) input_gradient[i] = sums[i];
}

// input_gradient[i] = sum over o of weights[o][i] * gradient[o].
inline void input_gradient(const Vector* gradient, int outputs, const float* weights, int inputs,
                           Vector* input_gradient) {
  for_each_block(inputs, kMostUnits, [&](int unit, int size) {
    with_constant<kMostUnits>(size, [&](auto unit_count) {
      input_gradient_block<unit_count()>(gradient, outputs, weights + unit, inputs,
                                         input_gradient + unit);
    });
  });
}

// A layer's inputs, [image][unit] with rows of `input_stride` numbers, whole vectors filled up with
// zeros, and the gradients of its outputs, [tile][unit] vectors: those of a whole batch.
struct Batch {
  const float* inputs;
  int input_stride;
  const Vector* gradients;
  int outputs;
  int tiles;
};

template <int kUnits, int kVectors>
inline void weight_gradient_block(const Batch& batch, int unit, int vector, float* target,
                                  int inputs) {
  Vector sums[kUnits][kVectors];
  clear(sums);
  const float* input = batch.inputs + vector * kLanes;
  for (int tile = 0; tile < batch.tiles; ++tile) {
    const float* gradient =
        reinterpret_cast<const float*>(batch.gradients + ptrdiff_t{tile} * batch.outputs + unit);
    for (int lane = 0; lane < kLanes; ++lane, ++gradient, input += batch.input_stride) {
      for (int v = 0; v < kVectors; ++v) {
        const Vector values = *reinterpret_cast<const Vector*>(input + v * kLanes);
        for (int o = 0; o < kUnits; ++o) sums[o][v] += gradient[o * kLanes] * values;
      }
    }
  }
  for (int o = 0; o < kUnits; ++o) {
    for (int v = 0; v < kVectors; ++v) {
      const int first = (vector + v) * kLanes;
      const int count = inputs - first < kLanes ? inputs - first : kLanes;
      const Vector sum = sums[o][v];  // a copy, as what `memcpy` sees is kept in memory
      std::memcpy(target + ptrdiff_t{unit + o} * inputs + first, &sum, count * sizeof(float));
    }
  }
}

// The gradient of the weights of `units` outputs from `unit` on, into rows of `target`.
inline void weight_gradient(const Batch& batch, int unit, int units, float* target, int inputs) {
  const int vectors = batch.input_stride / kLanes;
  with_constant<kMostGradientUnits>(units, [&](auto unit_count) {
    for_each_block(vectors, kMostGradientVectors, [&](int vector, int size) {
      with_constant<kMostGradientVectors>(size, [&](auto vector_count) {
        weight_gradient_block<unit_count(), vector_count()>(batch, unit, vector, target, inputs);
      });
    });
  });
}

}  // namespace lenet::dense
