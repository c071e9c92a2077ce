// A tile's way through the operations of a program, forward and backward.
#pragma once

#include "batch_norm.h"
#include "layers.h"
#include "tile.h"

namespace lenet {

// The weights of a program: arrays by their places, and whole filters where there are connections.
class Weights {
 public:
  explicit Weights(const Program& program) : program_(program), whole_(program.depth()) {}

  void use(const float* const* parameters) {
    parameters_ = parameters;
    for (int i = 0; i < program_.depth(); ++i) {
      const Operation& op = program_.operations[i];
      if (op.connections == 0) continue;
      whole_[i].assign(op.weight_count(), 0.0f);
      for_connections(op, [&](size_t kept, size_t place, size_t count) {
        std::copy_n(parameters[op.weights] + kept, count, whole_[i].data() + place);
      });
    }
  }

  const float* of(int i) const {
    const int place = program_.operations[i].weights;
    return whole_[i].empty() ? parameters_[place] : whole_[i].data();
  }
  const float* biases(int i) const {
    const int place = program_.operations[i].biases;
    return place < 0 ? program_.no_biases.data() : parameters_[place];
  }

  // Calls `work(place in the parameter, place in the whole filters, numbers)` for each connection.
  template <typename Work>
  void for_connections(const Operation& op, Work work) const {
    const size_t kernel = size_t(op.kernel_height) * op.kernel_width;
    for (int i = 0; i < op.connections; ++i) {
      const int32_t* pair = program_.connections.data() + 2 * (op.first_connection + i);
      work(i * kernel, (size_t(pair[0]) * op.channels + pair[1]) * kernel, kernel);
    }
  }

 private:
  const Program& program_;
  const float* const* parameters_ = nullptr;
  std::vector<std::vector<float>> whole_;
};

// Where a tile keeps values or gradients.
struct TileMemory {
  const Layout& layout;
  Memory<Vector> memory;

  explicit TileMemory(const Layout& layout) : layout(layout), memory(layout.size) {}
  Vector* at(int value) const { return memory.get() + layout.places[value]; }
};

// An operation that looks at one image at a time: all but batch normalisation. `draws` are what dropout
// multiplies by.
inline void forward_operation(const Program& program, int i, const Weights& weights,
                              const TileMemory& values, Vector* scratch,
                              const dropout::Factors* draws = nullptr) {
  const Operation& op = program.operations[i];
  const Vector* input = values.at(op.input);
  Vector* output = values.at(i + 1);
  switch (op.kind) {
    case OperationKind::kConvolution:
      return general::forward(op, weights.of(i), weights.biases(i),
                              general::pad(op, input, scratch), output);
    case OperationKind::kDense:
      return dense::forward(input, op.channels, weights.of(i), weights.biases(i), op.outputs,
                            output);
    case OperationKind::kActivation: return activation::forward(op, input, output);
    case OperationKind::kPooling: return pooling::forward(op, input, output);
    case OperationKind::kScale:
      return scaling::forward(op, weights.of(i), weights.biases(i), input, output);
    case OperationKind::kDropout: return dropout::apply(op, *draws, input, output);
    case OperationKind::kPadding: return padding::forward(op, input, output);
    case OperationKind::kDistances: return distances::forward(op, weights.of(i), input, output);
    case OperationKind::kSum: {
      const Vector* other = values.at(op.other);
      for (size_t k = 0; k < op.output_size(); ++k) output[k] = input[k] + other[k];
      return;
    }
    case OperationKind::kBatchNorm: return;
  }
}

// What a tile leaves behind of an operation that has weights, for the sums over a batch.
struct TileSums {
  float* gradients;  // of the weights, then the biases; or, of a dense layer:
  float* inputs;     // [image][unit], in whole vectors
  Vector* output_gradients;
};

// How many numbers a row of a dense layer's inputs has there.
inline size_t dense_stride(const Operation& op) {
  return (size_t(op.channels) + kLanes - 1) / kLanes * kLanes;
}

// From the gradient of what an operation makes to that of what came in, at `target` unless that is
// null, and to that of its weights. A sum is left to the caller.
inline void backward_operation(const Program& program, int i, const Weights& weights,
                               const TileMemory& values, const Vector* gradient, Vector* scratch,
                               const TileSums& sums, const dropout::Factors* draws,
                               Vector* target) {
  const Operation& op = program.operations[i];
  const Vector* input = values.at(op.input);
  if (op.kind == OperationKind::kConvolution) {
    Vector* const filter_sums = scratch + op.padded_size();
    general::filter_gradient(op, general::pad(op, input, scratch), gradient, filter_sums,
                             sums.gradients);
    if (!target) return;
    Vector* const padded = op.is_padded() ? scratch : target;
    general::input_gradient(op, weights.of(i), gradient, padded);
    if (op.is_padded()) general::crop(op, padded, target);
    return;
  }
  if (op.kind == OperationKind::kDense) {
    const size_t stride = dense_stride(op);
    write_row(input, op.channels, kLanes, sums.inputs, stride);
    std::copy_n(gradient, op.outputs, sums.output_gradients);
    if (target) dense::input_gradient(gradient, op.outputs, weights.of(i), op.channels, target);
    return;
  }
  if (op.kind == OperationKind::kScale) {
    return scaling::backward(op, weights.of(i), input, gradient, sums.gradients, target);
  }
  if (!target) return;
  switch (op.kind) {
    case OperationKind::kActivation:
      return activation::backward(op, input, values.at(i + 1), gradient, target);
    case OperationKind::kPooling:
      return pooling::backward(op, input, values.at(i + 1), gradient, target);
    case OperationKind::kDropout: return dropout::apply(op, *draws, gradient, target);
    case OperationKind::kPadding: return padding::backward(op, gradient, target);
    case OperationKind::kDistances:
      return distances::backward(op, weights.of(i), input, gradient, target);
    default: return;
  }
}

}  // namespace lenet
