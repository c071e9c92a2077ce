// The shape of a network: its layers, and where each keeps its numbers in a tile's memory.
#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "convolution.h"
#include "pooling.h"

namespace lenet {

// What Python says about a layer; `lenet.kernels._library.LayerDescription` has the same fields.
struct LayerDescription {
  int32_t is_convolution;  // a convolution with activation and 2x2 pooling; otherwise dense
  int32_t inputs;          // channels or units
  int32_t height;          // of a convolution's input
  int32_t width;
  int32_t padding;
  int32_t kernel;
  int32_t outputs;
  Activation activation;
  Pooling pooling;
  int32_t has_batch_norm;  // before the activation, and instead of biases
};

// A layer with the sizes that follow from its description; sizes of memory are in vectors.
struct Layer : LayerDescription {
  int padded_height, padded_width;
  int pooled_rows, pooled_columns;
  int rows, columns;  // of the convolution's output; without a batch norm, what pooling takes of it
  int first_parameter = 0;  // its weights; then biases, or scale and shift of its batch norm

  explicit Layer(const LayerDescription& description) : LayerDescription(description) {
    padded_height = height + 2 * padding;
    padded_width = width + 2 * padding;
    pooled_rows = is_convolution ? (padded_height - kernel + 1) / 2 : 1;
    pooled_columns = is_convolution ? (padded_width - kernel + 1) / 2 : 1;
    rows = 2 * pooled_rows;
    columns = 2 * pooled_columns;
    if (has_batch_norm) {
      rows = is_convolution ? padded_height - kernel + 1 : 1;
      columns = is_convolution ? padded_width - kernel + 1 : 1;
    }
  }

  int filter_size() const { return inputs * kernel * kernel; }
  size_t weight_count() const {
    return size_t(outputs) * (is_convolution ? filter_size() : inputs);
  }
  size_t input_size() const {
    return is_convolution ? size_t(inputs) * padded_height * padded_width : inputs;
  }
  size_t inner_size() const {
    return is_convolution || has_batch_norm ? size_t(outputs) * rows * columns : 0;
  }
  size_t output_count() const { return size_t(outputs) * pooled_rows * pooled_columns; }
  size_t image_size() const {
    return is_convolution ? size_t(inputs) * height * width : inputs;
  }

  // The padded input, and the part of it that is not padding.
  Maps padded_input(Vector* data) const {
    return {data, padded_width, padded_height * padded_width};
  }
  Maps input(Vector* data) const {
    const Maps padded = padded_input(data);
    return {padded.at(0, padding, padding), padded.row, padded.channel};
  }
  Maps inner(Vector* data) const { return {data, columns, rows * columns}; }
  // Inputs of a dense layer in whole vectors.
  int input_stride() const { return (inputs + kLanes - 1) / kLanes * kLanes; }
};

// Zeroed memory aligned for vectors.
template <typename T>
class Memory {
 public:
  Memory() = default;
  explicit Memory(size_t count) : count_(count) {
    const size_t bytes = (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    if (bytes == 0) return;
    data_.reset(static_cast<T*>(::operator new(bytes, std::align_val_t{kAlignment})));
    std::memset(static_cast<void*>(data_.get()), 0, bytes);
  }
  T* get() const { return data_.get(); }
  size_t count() const { return count_; }

 private:
  static constexpr size_t kAlignment = 64;
  struct Free {
    void operator()(T* data) const { ::operator delete(data, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<T[], Free> data_;
  size_t count_ = 0;
};

struct Network {
  std::vector<Layer> layers;
  std::vector<size_t> parameter_counts;  // numbers in each parameter, layer by layer
  std::vector<float> no_biases;          // zeros, as many as a layer may want

  Network(const LayerDescription* descriptions, int count)
      : layers(descriptions, descriptions + count) {
    for (Layer& layer : layers) {
      layer.first_parameter = static_cast<int>(parameter_counts.size());
      parameter_counts.push_back(layer.weight_count());
      parameter_counts.insert(parameter_counts.end(), layer.has_batch_norm ? 2 : 1, layer.outputs);
      if (layer.has_batch_norm) no_biases.resize(std::max<size_t>(no_biases.size(), layer.outputs));
    }
  }

  int depth() const { return static_cast<int>(layers.size()); }
  bool has_batch_norm() const { return !no_biases.empty(); }

  const float* weights(int index, const float* const* parameters) const {
    return parameters[layers[index].first_parameter];
  }
  const float* biases(int index, const float* const* parameters) const {
    const Layer& layer = layers[index];
    return layer.has_batch_norm ? no_biases.data() : parameters[layer.first_parameter + 1];
  }
  Filters filters(int index, const float* const* parameters) const {
    const Layer& layer = layers[index];
    return {weights(index, parameters), biases(index, parameters), layer.inputs, layer.kernel};
  }
  size_t image_size() const { return layers.front().image_size(); }
  size_t output_count() const { return layers.back().output_count(); }

  // What layer `index` puts out: the input of the next, which may want a padding round it.
  Maps output(int index, Vector* data) const {
    if (index + 1 < depth() && layers[index + 1].is_convolution) {
      return layers[index + 1].input(data);
    }
    const Layer& layer = layers[index];
    return {data, layer.pooled_columns, layer.pooled_rows * layer.pooled_columns};
  }
};

// Images as numbers: float32, or bytes and what each of the 256 stands for.
struct Images {
  const float* numbers;
  const uint8_t* bytes;
  const float* byte_values;

  float at(size_t index) const { return numbers ? numbers[index] : byte_values[bytes[index]]; }
};

// How many tiles hold so many images.
inline int tiles_of(size_t images) { return static_cast<int>((images + kLanes - 1) / kLanes); }

// What a tile of images becomes on its way through a network: the input of every layer, then the
// output, and what the way back wants to know from within a layer: what a convolution's activation
// gave before pooling, or, with a batch norm, what that is to normalise.
struct TileValues {
  std::vector<Vector*> inputs;  // one more than layers: the last is the output
  std::vector<Vector*> inner;
  Memory<Vector> memory;

  TileValues(const Network& network, bool with_inner) {
    size_t count = network.output_count();
    for (const Layer& layer : network.layers) {
      count += layer.input_size() + (with_inner ? layer.inner_size() : 0);
    }
    memory = Memory<Vector>(count);
    Vector* next = memory.get();
    for (const Layer& layer : network.layers) {
      inputs.push_back(next);
      next += layer.input_size();
      inner.push_back(with_inner ? next : nullptr);
      next += with_inner ? layer.inner_size() : 0;
    }
    inputs.push_back(next);
  }

  void copy_from(const TileValues& other) {
    std::memcpy(memory.get(), other.memory.get(), memory.count() * sizeof(Vector));
  }
};

}  // namespace lenet
