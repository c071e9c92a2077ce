// A tile's way through a network, forward and backward.
#pragma once

#include <algorithm>

#include "dense.h"
#include "network.h"
#include "normalise.h"
#include "winograd.h"

namespace lenet {

// Rows of `width` numbers, one an image, `stride` apart, side by side into `width` vectors; lanes
// without an image are 0.
inline void read_row(const float* source, size_t stride, int width, int count, Vector* target) {
  if (count == kLanes && width >= kLanes) {
    for_each_overlapping_block(width, kLanes, [&](int first) {
      Vector block[kLanes];
      for (int lane = 0; lane < kLanes; ++lane) block[lane] = load(source + lane * stride + first);
      transpose(block);
      for (int i = 0; i < kLanes; ++i) target[first + i] = block[i];
    });
    return;
  }
  for (int x = 0; x < width; ++x) {
    float lanes[kLanes] = {};
    for (int lane = 0; lane < count; ++lane) lanes[lane] = source[lane * stride + x];
    target[x] = load(lanes);
  }
}

// The way back.
inline void write_row(const Vector* source, int width, int count, float* target, size_t stride) {
  if (width >= kLanes) {
    for_each_overlapping_block(width, kLanes, [&](int first) {
      Vector block[kLanes];
      for (int i = 0; i < kLanes; ++i) block[i] = source[first + i];
      transpose(block);
      for (int lane = 0; lane < count; ++lane) store(target + lane * stride + first, block[lane]);
    });
    return;
  }
  for (int x = 0; x < width; ++x) {
    for (int lane = 0; lane < count; ++lane) target[lane * stride + x] = source[x][lane];
  }
}

// Rows of numbers, one an image, from feature maps, and back.
inline void write_rows(const Maps& maps, int channels, int height, int width, int count,
                       float* target, size_t stride) {
  for (int channel = 0; channel < channels; ++channel) {
    for (int y = 0; y < height; ++y, target += width) {
      write_row(maps.at(channel, y), width, count, target, stride);
    }
  }
}

inline void read_rows(const float* source, size_t stride, int channels, int height, int width,
                      int count, const Maps& maps) {
  for (int channel = 0; channel < channels; ++channel) {
    for (int y = 0; y < height; ++y, source += width) {
      read_row(source, stride, width, count, maps.at(channel, y));
    }
  }
}

constexpr int kChunk = 32;  // bytes of an image that are turned into numbers at once

// Puts `count` images side by side, feature maps of some size; lanes without an image are 0.
inline void read_images(const Images& images, size_t first, int count, int channels, int height,
                        int width, const Maps& maps) {
  const size_t size = size_t(channels) * height * width;
  if (images.numbers) {
    return read_rows(images.numbers + first * size, size, channels, height, width, count, maps);
  }
  const uint8_t* source = images.bytes + first * size;
  for (int channel = 0; channel < channels; ++channel) {
    for (int y = 0; y < height; ++y, source += width) {
      for (int x = 0; x < width; x += kChunk) {
        const int chunk = std::min(kChunk, width - x);
        float numbers[kLanes][kChunk];
        for (int lane = 0; lane < count; ++lane) {
          const uint8_t* in = source + lane * size + x;
          for (int i = 0; i < chunk; ++i) numbers[lane][i] = images.byte_values[in[i]];
        }
        read_row(numbers[0], kChunk, chunk, count, maps.at(channel, y, x));
      }
    }
  }
}

// The same where a network begins.
inline void read_images(const Network& network, const Images& images, size_t first, int count,
                        Vector* target) {
  const Layer& layer = network.layers.front();
  if (!layer.is_convolution) {
    return read_images(images, first, count, 1, 1, layer.inputs,
                       {target, layer.inputs, layer.inputs});
  }
  read_images(images, first, count, layer.inputs, layer.height, layer.width, layer.input(target));
}

// The two rows of a few channels that a convolution without memory of its activations works on.
struct Scratch {
  Memory<Vector> rows;

  Scratch() = default;
  explicit Scratch(const Network& network) {
    int columns = 0;
    for (const Layer& layer : network.layers) columns = std::max(columns, layer.columns);
    rows = Memory<Vector>(size_t(2) * convolution::kMostChannels * columns);
  }
};

// Activates rows `2 * row` and `2 * row + 1` of a few channels, which `pair` begins at, in place, and
// writes the row that they are pooled to.
inline void activate_and_pool(const Layer& layer, const Maps& pair, int channel, int channels,
                              int row, const Maps& output) {
  with_activation(layer.activation, [&](auto activation) {
    with_pooling(layer.pooling, [&](auto pooling) {
      for (int c = 0; c < channels; ++c) {
        pooling::activate_and_pool_rows<activation(), pooling()>(
            pair.at(c, 0), pair.at(c, 1), layer.pooled_columns, output.at(channel + c, row));
      }
    });
  });
}

inline void convolve_forward(const Layer& layer, const Filters& filters, const Maps& input,
                             Vector* inner, Vector* scratch, const Maps& output) {
  for_each_block(layer.outputs, convolution::kMostChannels, [&](int channel, int channels) {
    for (int row = 0; row < layer.pooled_rows; ++row) {
      Maps pair{scratch, layer.columns, 2 * layer.columns};
      if (inner) {
        const Maps all = layer.inner(inner);
        pair = {all.at(channel, 2 * row), all.row, all.channel};
      }
      for (int half = 0; half < 2; ++half) {
        const Maps target{pair.at(0, half), pair.row, pair.channel};
        convolution::forward_row(input, filters, channel, channels, 2 * row + half, layer.columns,
                                 target);
      }
      activate_and_pool(layer, pair, channel, channels, row, output);
    }
  });
}

// The same by fewer multiplications. Calls `finish(channel, strip)` when these rows of `all` are
// complete.
template <typename Finish>
inline void convolve_fast(const Layer& layer, const float* filters, const float* biases,
                          const Maps& input, Vector* transformed_input, Vector* sums,
                          const Maps& all, Finish finish) {
  const winograd::Shape shape(layer);
  winograd::with_transform(layer, [&](auto transform) {
    using Transform = decltype(transform);
    winograd::transform_inputs<Transform>(shape, input, transformed_input);
    winograd::forward<Transform>(shape, filters, biases, transformed_input, sums, all, finish);
  });
}

inline void activate_all(Activation kind, Vector* values, int count) {
  with_activation(kind, [&](auto activation) {
    for (int i = 0; i < count; ++i) values[i] = activate<activation()>(values[i]);
  });
}

// What a network's fast convolutions need: their filters, and a thread's room to work in.
struct FastConvolutions {
  const winograd::Filters& filters;
  winograd::Workspace& workspace;
};

// A layer without batch norm: from its input in `values` to the next one's. Training takes the fast
// convolutions. Prediction has none, so that an image gets the bits that `single_image.h` gives it.
inline void forward_layer(const Network& network, int index, const float* const* parameters,
                          TileValues& values, Scratch& scratch, const FastConvolutions* fast) {
  const Layer& layer = network.layers[index];
  const float* biases = network.biases(index, parameters);
  Vector* input = values.inputs[index];
  Vector* output = values.inputs[index + 1];
  if (!layer.is_convolution) {
    const float* weights = network.weights(index, parameters);
    dense::forward(input, layer.inputs, weights, biases, layer.outputs, output);
    return activate_all(layer.activation, output, layer.outputs);
  }
  const Maps in = layer.padded_input(input), out = network.output(index, output);
  if (!fast || !winograd::serves(layer)) {
    return convolve_forward(layer, network.filters(index, parameters), in, values.inner[index],
                            scratch.rows.get(), out);
  }
  const Maps all = layer.inner(values.inner[index]);
  convolve_fast(layer, fast->filters.layer(index).for_outputs.get(), biases, in,
                fast->workspace.inputs[index].get(), fast->workspace.strip.get(), all,
                [&](int channel, const winograd::Strip& strip) {
                  for (int row = strip.first_pair; row < strip.first_pair + strip.pairs; ++row) {
                    const Maps pair{all.at(channel, 2 * row), all.row, all.channel};
                    activate_and_pool(layer, pair, channel, 1, row, out);
                  }
                });
}

// A layer with batch norm as far as that: from its input to what is to be normalised.
inline void forward_to_norm(const Network& network, int index, const float* const* parameters,
                            TileValues& values, const FastConvolutions& fast) {
  const Layer& layer = network.layers[index];
  const float* biases = network.biases(index, parameters);
  Vector* input = values.inputs[index];
  if (!layer.is_convolution) {
    return dense::forward(input, layer.inputs, network.weights(index, parameters), biases,
                          layer.outputs, values.inner[index]);
  }
  const Maps in = layer.padded_input(input), all = layer.inner(values.inner[index]);
  if (winograd::serves(layer)) {
    return convolve_fast(layer, fast.filters.layer(index).for_outputs.get(), biases, in,
                         fast.workspace.inputs[index].get(), fast.workspace.strip.get(), all,
                         [](int, const winograd::Strip&) {});
  }
  const Filters filters = network.filters(index, parameters);
  for_each_block(layer.outputs, convolution::kMostChannels, [&](int channel, int channels) {
    for (int row = 0; row < layer.rows; ++row) {
      convolution::forward_row(in, filters, channel, channels, row, layer.columns,
                               {all.at(channel, row), all.row, all.channel});
    }
  });
}

// From the network's input in `values` to its output; for networks without batch norm.
inline void forward(const Network& network, const float* const* parameters, TileValues& values,
                    Scratch& scratch, const FastConvolutions* fast) {
  for (int index = 0; index < network.depth(); ++index) {
    forward_layer(network, index, parameters, values, scratch, fast);
  }
}

// How many rows of activations are worked on at once when gradients of filters are summed: as many
// as stay in the nearest cache.
constexpr size_t kStripBytes = 26 * 1024;

// Turns some pairs of rows of a channel, activations, in place into the gradient before activation.
// Returns its sum.
inline Vector unpool(const Layer& layer, const Maps& all, const Maps& output_gradient, int channel,
                     int first, int count) {
  Vector sum{};
  with_activation(layer.activation, [&](auto activation) {
    with_pooling(layer.pooling, [&](auto pooling) {
      for (int row = first; row < first + count; ++row) {
        sum += pooling::gradient_of_rows<activation(), pooling()>(
            all.at(channel, 2 * row), all.at(channel, 2 * row + 1), layer.pooled_columns,
            output_gradient.at(channel, row));
      }
    });
  });
  return sum;
}

// The gradients of a convolution's filters and biases from one tile, into `gradient`, and of its
// input if `input_gradient` has data. `unpool(channel, first, count)` turns some pairs of rows of
// `all` into the gradient of the convolution's output, the last of them with a row that stands alone,
// and returns their sum.
template <typename Unpool>
inline void convolve_backward(const Layer& layer, const Filters& filters, const Maps& all,
                              const Maps& input, Vector* sums, float* gradient,
                              const Maps& input_gradient, Unpool unpool) {
  const int filter_size = layer.filter_size();
  float* bias_gradient = gradient + layer.weight_count();
  for_each_block(layer.outputs, convolution::kMostFilterChannels, [&](int channel, int channels) {
    const size_t pair_bytes = size_t(2) * channels * layer.columns * kVectorBytes;
    const int strip = static_cast<int>(std::max<size_t>(1, kStripBytes / pair_bytes));
    std::fill_n(sums, channels * filter_size, Vector{});
    Vector bias_sums[convolution::kMostFilterChannels] = {};
    for_each_block(layer.pooled_rows, strip, [&](int first, int count) {
      for (int c = 0; c < channels; ++c) bias_sums[c] += unpool(channel + c, first, count);
      const Maps rows{all.at(channel, 2 * first), all.row, all.channel};
      const bool is_last = first + count == layer.pooled_rows;
      const int row_count = is_last ? layer.rows - 2 * first : 2 * count;
      convolution::filter_gradient(rows, channels, 2 * first, row_count, layer.columns, input,
                                   layer.inputs, layer.kernel, sums);
    });
    sum_lanes(sums, channels * filter_size, gradient + channel * filter_size);
    for (int c = 0; c < channels; ++c) bias_gradient[channel + c] = sum_of_lanes(bias_sums[c]);
  });
  if (input_gradient.data) {
    convolution::input_gradient(all, layer.outputs, layer.rows, layer.columns, filters,
                                input_gradient);
  }
}

// The same by fewer multiplications; the filters' gradient stays at the points.
template <typename Unpool>
inline void convolve_backward_fast(const Layer& layer, const float* filters, const Maps& all,
                                   const Vector* transformed_input, winograd::Workspace& workspace,
                                   float* gradient, const Maps& input_gradient, Unpool unpool) {
  const winograd::Shape shape(layer);
  float* bias_gradient = gradient + shape.points * shape.filter_count();
  Vector* const gradients = workspace.strip.get();
  Vector* const filter_sums = workspace.filter_sums.get();
  Vector* const input_sums = workspace.input_sums.get();
  const bool to_input = input_gradient.data;
  std::fill_n(bias_gradient, shape.outputs, 0.0f);
  if (to_input) std::fill_n(input_sums, shape.points * shape.input_count(), Vector{});
  winograd::with_transform(layer, [&](auto transform) {
    using Transform = decltype(transform);
    // Where sums for the filters stay near, so does Z of two rows and a few channels. Otherwise sums
    // are walked over the less often, the more Z there is. The way to the input wants Z of all channels.
    const bool is_small = shape.points * shape.filter_count() <= winograd::kMostSumsNear;
    const int pairs = is_small ? 1 : shape.pairs_in_strip();
    const int most = is_small ? winograd::kMostOutputs : layer.outputs;
    winograd::for_each_strip(shape, pairs, [&](const winograd::Strip& strip) {
      const size_t positions = size_t(strip.rows) * shape.blocks;
      for_each_block(layer.outputs, most, [&](int first, int channels) {
        const size_t point_count = (to_input ? layer.outputs : channels) * positions;
        Vector* const block = gradients + (to_input ? first * positions : 0);
        for (int c = 0; c < channels; ++c) {
          const Vector sum = unpool(first + c, strip.first_pair, strip.pairs);
          bias_gradient[first + c] += sum_of_lanes(sum);
          winograd::transform_output_gradients<Transform>(shape, all, first + c, strip,
                                                          block + c * positions, point_count);
        }
        winograd::filter_gradient_of_strip(shape, strip, first, channels, block, point_count,
                                           transformed_input, filter_sums, gradient);
      });
      if (to_input) {
        winograd::input_gradient_of_strip(shape, filters, strip, gradients, input_sums);
      }
    });
    if (to_input) winograd::finish_input_gradient<Transform>(shape, input_sums, input_gradient);
  });
}

// Numbers that a tile leaves behind for the gradient of a convolution's filters.
inline size_t filter_gradient_count(const Layer& layer) {
  const winograd::Shape shape(layer);
  return winograd::serves(layer) ? shape.points * shape.filter_count() : layer.weight_count();
}

// What a batch leaves behind for the sums over all its images.
struct BatchSums {
  // For each convolution, the gradients of each tile: [tile][weights, maybe at Winograd's points,
  // then biases].
  // For each dense layer, its inputs [image][unit] and the gradients of its outputs [tile][unit].
  struct OfLayer {
    Memory<float> tile_gradients;
    Memory<float> inputs;
    Memory<Vector> output_gradients;
  };
  std::vector<OfLayer> layers;
  int tiles;

  BatchSums(const Network& network, int tiles) : tiles(tiles) {
    for (const Layer& layer : network.layers) {
      OfLayer sums;
      if (layer.is_convolution) {
        sums.tile_gradients = Memory<float>((filter_gradient_count(layer) + layer.outputs) * tiles);
      } else {
        sums.inputs = Memory<float>(size_t(layer.input_stride()) * tiles * kLanes);
        sums.output_gradients = Memory<Vector>(size_t(layer.outputs) * tiles);
      }
      layers.push_back(std::move(sums));
    }
  }
};

// The gradients that a tile's way back works with.
struct TileGradients {
  std::vector<Vector*> inputs;  // as in TileValues
  Memory<Vector> memory;
  Memory<Vector> filter_sums;

  explicit TileGradients(const Network& network) {
    size_t count = network.output_count(), most_sums = 0;
    for (const Layer& layer : network.layers) {
      count += layer.input_size();
      if (layer.is_convolution) {
        most_sums = std::max<size_t>(most_sums, layer.filter_size());
      }
    }
    memory = Memory<Vector>(count);
    filter_sums = Memory<Vector>(most_sums * convolution::kMostFilterChannels);
    Vector* next = memory.get();
    for (const Layer& layer : network.layers) {
      inputs.push_back(next);
      next += layer.input_size();
    }
    inputs.push_back(next);
  }
};

// What `forward` leaves in a workspace of a tile's way through a layer, for a tile that took it with
// another one.
inline void restore_workspace(const Network& network, int index, const TileValues& values,
                              winograd::Workspace& workspace) {
  const Layer& layer = network.layers[index];
  if (!winograd::serves(layer)) return;
  winograd::with_transform(layer, [&](auto transform) {
    winograd::transform_inputs<decltype(transform)>(winograd::Shape(layer),
                                                    layer.padded_input(values.inputs[index]),
                                                    workspace.inputs[index].get());
  });
}

// What the way back needs of a layer's batch norm, and how many images the tile holds.
struct NormOfTile {
  const BatchNorm& norm;
  int count;
};

// From the gradient of a layer's output, in `gradients`, back to its parameters, and to its input if
// that is wanted. Overwrites what is within the layer in `values`. The workspace is as the way forward
// has left it.
inline void backward_layer(const Network& network, int index, const float* const* parameters,
                           TileValues& values, TileGradients& gradients,
                           const FastConvolutions& fast, bool to_input, int tile, BatchSums& batch,
                           const NormOfTile* norm = nullptr) {
  const Layer& layer = network.layers[index];
  BatchSums::OfLayer& sums = batch.layers[index];
  Vector* input = values.inputs[index];
  Vector* input_gradient = to_input ? gradients.inputs[index] : nullptr;
  Vector* output_gradient = gradients.inputs[index + 1];
  if (layer.is_convolution) {
    float* sum = sums.tile_gradients.get() + tile * (filter_gradient_count(layer) + layer.outputs);
    const Maps out_gradient = network.output(index, output_gradient);
    const Maps in = layer.padded_input(input), in_gradient = layer.padded_input(input_gradient);
    const Maps all = layer.inner(values.inner[index]);
    if (input_gradient) std::fill_n(input_gradient, layer.input_size(), Vector{});
    const auto go = [&](auto unpool_rows) {
      if (winograd::serves(layer)) {
        convolve_backward_fast(layer, fast.filters.layer(index).for_input_gradient.get(), all,
                               fast.workspace.inputs[index].get(), fast.workspace, sum,
                               in_gradient, unpool_rows);
      } else {
        convolve_backward(layer, network.filters(index, parameters), all, in,
                          gradients.filter_sums.get(), sum, in_gradient, unpool_rows);
      }
    };
    if (norm) {
      const Vector present = lanes_with_images(norm->count);
      go([&](int channel, int first, int count) {
        gradient_before_norm(layer, norm->norm.factors(channel, present), all, out_gradient,
                             channel, first, count);
        return Vector{};  // there are no biases
      });
    } else {
      go([&](int channel, int first, int count) {
        return unpool(layer, all, out_gradient, channel, first, count);
      });
    }
    return;
  }
  Vector* kept = sums.output_gradients.get() + size_t(tile) * layer.outputs;
  if (norm) {
    gradient_before_norm(layer, norm->norm, norm->count, values.inner[index], output_gradient,
                         kept);
  } else {
    const Vector* output = values.inputs[index + 1];
    with_activation(layer.activation, [&](auto activation) {
      for (int o = 0; o < layer.outputs; ++o) {
        kept[o] = output_gradient[o] * slope<activation()>(output[o]);
      }
    });
  }
  const size_t stride = layer.input_stride();
  write_rows({input, layer.inputs, layer.inputs}, 1, 1, layer.inputs, kLanes,
             sums.inputs.get() + size_t(tile) * kLanes * stride, stride);
  if (input_gradient) {
    dense::input_gradient(kept, layer.outputs, network.weights(index, parameters), layer.inputs,
                          input_gradient);
  }
}

// The same through all layers of a network without batch norm.
inline void backward(const Network& network, const float* const* parameters, TileValues& values,
                     TileGradients& gradients, const FastConvolutions& fast, bool to_input,
                     int tile, BatchSums& batch) {
  for (int index = network.depth() - 1; index >= 0; --index) {
    backward_layer(network, index, parameters, values, gradients, fast, index > 0 || to_input, tile,
                   batch);
  }
}

}  // namespace lenet
