// The forward pass of one image at a time, with channels and units side by side instead of images.
//
// Every sum is formed in the order of `tile.h`, so an image gets the same bits either way.
#pragma once

#include "network.h"

namespace lenet {

// A network's weights with the outputs side by side: for each layer, blocks of kLanes outputs, each
// [input][kernel row][kernel column] vectors after one of biases.
class PackedWeights {
 public:
  PackedWeights(const Network& network, const float* const* parameters) {
    size_t count = 0;
    for (const Layer& layer : network.layers) count += blocks(layer) * block_size(layer);
    memory_ = Memory<Vector>(count);
    float* next = reinterpret_cast<float*>(memory_.get());
    for (const Layer& layer : network.layers) {
      layers_.push_back(reinterpret_cast<const Vector*>(next));
      const size_t fan_in = block_size(layer) - 1;
      for (int o = 0; o < layer.outputs; ++o) {
        float* block = next + (o / kLanes) * block_size(layer) * kLanes + o % kLanes;
        block[0] = parameters[1][o];
        for (size_t i = 0; i < fan_in; ++i) block[(i + 1) * kLanes] = parameters[0][o * fan_in + i];
      }
      next += blocks(layer) * block_size(layer) * kLanes;
      parameters += 2;
    }
  }

  const Vector* layer(int index) const { return layers_[index]; }
  static size_t blocks(const Layer& layer) { return (layer.outputs + kLanes - 1) / kLanes; }
  static size_t block_size(const Layer& layer) {
    return 1 + (layer.is_convolution ? layer.filter_size() : layer.inputs);
  }

 private:
  Memory<Vector> memory_;
  std::vector<const Vector*> layers_;
};

namespace single_image {

constexpr int kMostColumns = kRegisters == 32 ? 14 : 10;
constexpr int kMostVectors = 8;

// `input` is numbers, [channel][row][column] with the layer's padding.
template <int kColumns>
inline void convolve_block(const Layer& layer, const float* input, const Vector* weights,
                           Vector* output) {
  Vector sums[kColumns];
  for (int x = 0; x < kColumns; ++x) sums[x] = weights[0];
  const Vector* weight = weights + 1;
  const int row = layer.padded_width;
  for (int channel = 0; channel < layer.inputs; ++channel) {
    const float* in_channel = input + ptrdiff_t{channel} * layer.padded_height * row;
    for (int kernel_row = 0; kernel_row < layer.kernel; ++kernel_row) {
      const float* in = in_channel + ptrdiff_t{kernel_row} * row;
      for (int tap = 0; tap < layer.kernel; ++tap, ++weight, ++in) {
        for (int x = 0; x < kColumns; ++x) sums[x] += *weight * in[x];
      }
    }
  }
  for (int x = 0; x < kColumns; ++x) output[x] = sums[x];
}

// Writes [channel][row][column] numbers; `scratch` holds two rows of vectors and a pooled one.
inline void convolve(const Layer& layer, const float* input, const Vector* packed, Vector* scratch,
                     float* output, int output_row, int output_channel) {
  Vector* const upper = scratch;
  Vector* const lower = scratch + layer.columns;
  Vector* const pooled = lower + layer.columns;
  const size_t block_size = PackedWeights::block_size(layer);
  for (int first = 0; first < layer.outputs; first += kLanes, packed += block_size) {
    const int channels = layer.outputs - first < kLanes ? layer.outputs - first : kLanes;
    for (int row = 0; row < layer.pooled_rows; ++row) {
      for (int half = 0; half < 2; ++half) {
        const float* in = input + (2 * row + half) * ptrdiff_t{layer.padded_width};
        for_each_block(layer.columns, kMostColumns, [&](int column, int size) {
          with_constant<kMostColumns>(size, [&](auto column_count) {
            convolve_block<column_count()>(layer, in + column, packed,
                                           (half ? lower : upper) + column);
          });
        });
      }
      with_activation(layer.activation, [&](auto activation) {
        with_pooling(layer.pooling, [&](auto pooling) {
          pooling::activate_and_pool_rows<activation(), pooling()>(upper, lower,
                                                                   layer.pooled_columns, pooled);
        });
      });
      const float* from = reinterpret_cast<const float*>(pooled);
      float* to = output + first * ptrdiff_t{output_channel} + row * ptrdiff_t{output_row};
      for (int c = 0; c < channels; ++c) {
        for (int x = 0; x < layer.pooled_columns; ++x) {
          to[c * ptrdiff_t{output_channel} + x] = from[x * kLanes + c];
        }
      }
    }
  }
}

template <int kVectors>
inline void dense_block(const float* input, int inputs, const Vector* packed, size_t block_size,
                        Vector* output) {
  Vector sums[kVectors];
  for (int v = 0; v < kVectors; ++v) sums[v] = packed[v * block_size];
  for (int i = 0; i < inputs; ++i) {
    for (int v = 0; v < kVectors; ++v) sums[v] += packed[v * block_size + i + 1] * input[i];
  }
  for (int v = 0; v < kVectors; ++v) output[v] = sums[v];
}

// Writes whole vectors: `output` has room for the layer's outputs rounded up to them.
inline void dense(const Layer& layer, const float* input, const Vector* packed, Vector* output) {
  const size_t block_size = PackedWeights::block_size(layer);
  const int vectors = static_cast<int>(PackedWeights::blocks(layer));
  for_each_block(vectors, kMostVectors, [&](int first, int count) {
    with_constant<kMostVectors>(count, [&](auto vector_count) {
      dense_block<vector_count()>(input, layer.inputs, packed + first * block_size, block_size,
                                  output + first);
    });
  });
  with_activation(layer.activation, [&](auto activation) {
    for (int v = 0; v < vectors; ++v) output[v] = activate<activation()>(output[v]);
  });
}

// What one image becomes: the input of every layer, then the output, in numbers.
struct Values {
  std::vector<float*> inputs;
  Memory<Vector> memory;
  Memory<Vector> scratch;

  explicit Values(const Network& network) {
    const auto vectors = [](size_t numbers) { return (numbers + kLanes - 1) / kLanes; };
    size_t count = vectors(network.output_count()), columns = 0;
    for (const Layer& layer : network.layers) {
      count += vectors(layer.input_size());
      columns = std::max<size_t>(columns, layer.columns);
    }
    memory = Memory<Vector>(count);
    scratch = Memory<Vector>(3 * columns);
    Vector* next = memory.get();
    for (const Layer& layer : network.layers) {
      inputs.push_back(reinterpret_cast<float*>(next));
      next += vectors(layer.input_size());
    }
    inputs.push_back(reinterpret_cast<float*>(next));
  }
};

// From the image in `values` to the network's output there.
inline void forward(const Network& network, const PackedWeights& weights, Values& values) {
  for (int index = 0; index < network.depth(); ++index) {
    const Layer& layer = network.layers[index];
    float* output = values.inputs[index + 1];
    if (!layer.is_convolution) {
      dense(layer, values.inputs[index], weights.layer(index), reinterpret_cast<Vector*>(output));
      continue;
    }
    int row = layer.pooled_columns, channel = layer.pooled_rows * row;
    if (index + 1 < network.depth() && network.layers[index + 1].is_convolution) {
      const Layer& next = network.layers[index + 1];
      row = next.padded_width;
      channel = next.padded_height * row;
      output += next.padding * (row + 1);
    }
    convolve(layer, values.inputs[index], weights.layer(index), values.scratch.get(), output, row,
             channel);
  }
}

// Puts image `index` where the network begins.
inline void read_image(const Network& network, const Images& images, size_t index, Values& values) {
  const Layer& layer = network.layers.front();
  const size_t start = index * network.image_size();
  float* target = values.inputs.front();
  const auto copy = [&](size_t offset, int count, float* to) {
    for (int x = 0; x < count; ++x) to[x] = images.at(start + offset + x);
  };
  if (!layer.is_convolution) return copy(0, layer.inputs, target);
  for (int channel = 0; channel < layer.inputs; ++channel) {
    for (int y = 0; y < layer.height; ++y) {
      const size_t row = size_t(channel) * layer.padded_height + y + layer.padding;
      copy((size_t(channel) * layer.height + y) * layer.width, layer.width,
           target + row * layer.padded_width + layer.padding);
    }
  }
}

}  // namespace single_image
}  // namespace lenet
