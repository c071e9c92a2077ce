// Convolution of a tile with fewer multiplications: Winograd's minimal filtering F(2, k) along the
// rows (Winograd 1980; Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks").
//
// Two neighbouring outputs of a filter with k taps need k + 1 products instead of 2 k. Everything
// that takes part is brought to k + 1 "points": filters U = G w, pairs of outputs' gradients
// Z = A g, and the inputs under a pair V = B d, where B, G and A are small fixed matrices. There the
// products are summed over channels and kernel rows, and what comes out is brought back:
//
//   outputs            A' (sum of U V)
//   input's gradient   B' (sum of U Z)
//   filters' gradient  G' (sum of Z V)
//
// In memory U is [point][out][in][kernel row] numbers, V and Z are [row][point][channel][pair]
// vectors.
#pragma once

#include "network.h"

namespace lenet::winograd {

template <int kTaps>
struct Transform;

// Points 0, 1, -1 and infinity.
template <>
struct Transform<3> {
  static void inputs(const Vector* d, Vector* v) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
  }
  static void input_gradients(const Vector* n, Vector* d) {
    d[0] = n[0];
    d[1] = n[1] - n[2] - n[3];
    d[2] = n[1] + n[2] - n[0];
    d[3] = n[3];
  }
  static void outputs(const Vector* m, Vector* y) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = m[3] + (m[1] - m[2]);
  }
  static void output_gradients(const Vector* g, Vector* z) {
    z[0] = g[0];
    z[1] = g[0] + g[1];
    z[2] = g[0] - g[1];
    z[3] = g[1];
  }
  static void filters(const float* w, float* u) {
    const float even = (w[0] + w[2]) * 0.5f, odd = w[1] * 0.5f;
    u[0] = w[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = w[2];
  }
  static void filter_gradients(const float* s, float* w) {
    w[0] = s[0] + (s[1] + s[2]) * 0.5f;
    w[1] = (s[1] - s[2]) * 0.5f;
    w[2] = s[3] + (s[1] + s[2]) * 0.5f;
  }
};

// Points 0, 1, -1, 2, -2 and infinity.
template <>
struct Transform<5> {
  static void inputs(const Vector* d, Vector* v) {
    const Vector even1 = d[4] - 4.0f * d[2], odd1 = d[3] - 4.0f * d[1];
    const Vector even2 = d[4] - d[2], odd2 = 2.0f * (d[3] - d[1]);
    v[0] = (4.0f * d[0] + d[4]) - 5.0f * d[2];
    v[1] = even1 + odd1;
    v[2] = even1 - odd1;
    v[3] = even2 + odd2;
    v[4] = even2 - odd2;
    v[5] = (4.0f * d[1] + d[5]) - 5.0f * d[3];
  }
  static void input_gradients(const Vector* n, Vector* d) {
    const Vector sum1 = n[1] + n[2], difference1 = n[1] - n[2];
    const Vector sum2 = n[3] + n[4], difference2 = 2.0f * (n[3] - n[4]);
    d[0] = 4.0f * n[0];
    d[1] = 4.0f * (n[5] - difference1) - difference2;
    d[2] = -5.0f * n[0] - 4.0f * sum1 - sum2;
    d[3] = difference1 + difference2 - 5.0f * n[5];
    d[4] = n[0] + (sum1 + sum2);
    d[5] = n[5];
  }
  static void outputs(const Vector* m, Vector* y) {
    y[0] = m[0] + (m[1] + m[2]) + (m[3] + m[4]);
    y[1] = m[5] + (m[1] - m[2]) + 2.0f * (m[3] - m[4]);
  }
  static void output_gradients(const Vector* g, Vector* z) {
    z[0] = g[0];
    z[1] = g[0] + g[1];
    z[2] = g[0] - g[1];
    z[3] = g[0] + 2.0f * g[1];
    z[4] = g[0] - 2.0f * g[1];
    z[5] = g[1];
  }
  static void filters(const float* w, float* u) {
    const float even1 = (w[0] + w[2] + w[4]) * (-1.0f / 6), odd1 = (w[1] + w[3]) * (-1.0f / 6);
    const float even2 = (w[0] + 4 * w[2] + 16 * w[4]) * (1.0f / 24);
    const float odd2 = (w[1] + 4 * w[3]) * (1.0f / 12);
    u[0] = w[0] * 0.25f;
    u[1] = even1 + odd1;
    u[2] = even1 - odd1;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = w[4];
  }
  static void filter_gradients(const float* s, float* w) {
    const float sum1 = (s[1] + s[2]) * (-1.0f / 6), difference1 = (s[1] - s[2]) * (-1.0f / 6);
    const float sum2 = (s[3] + s[4]) * (1.0f / 24), difference2 = (s[3] - s[4]) * (1.0f / 12);
    w[0] = s[0] * 0.25f + (sum1 + sum2);
    w[1] = difference1 + difference2;
    w[2] = sum1 + 4 * sum2;
    w[3] = difference1 + 4 * difference2;
    w[4] = s[5] + (sum1 + 16 * sum2);
  }
};

// Whether a layer is a convolution that gains by it: the transforms must be shared by enough
// products.
inline bool serves(const Layer& layer) {
  return layer.is_convolution && (layer.kernel == 3 || layer.kernel == 5) &&
         layer.inputs * layer.kernel >= 12 && layer.outputs >= 4;
}

// Calls `function` with the layer's number of taps as a compile-time constant.
template <typename Function>
inline void with_taps(const Layer& layer, Function function) {
  if (layer.kernel == 3) {
    function(std::integral_constant<int, 3>{});
  } else {
    function(std::integral_constant<int, 5>{});
  }
}

constexpr int kMostChannels = kRegisters == 32 ? 4 : 2;
constexpr int kMostPairs = kRegisters == 32 ? 6 : 5;
constexpr int kMostOutputs = kRegisters == 32 ? 4 : 2;
constexpr int kMostInputs = kRegisters == 32 ? 6 : 5;

// A layer's sizes among the points; sizes of memory are in vectors.
struct Shape {
  int points, pairs, inputs, outputs, kernel, input_rows, output_rows;

  explicit Shape(const Layer& layer)
      : points(layer.kernel + 1),
        pairs(layer.pooled_columns),
        inputs(layer.inputs),
        outputs(layer.outputs),
        kernel(layer.kernel),
        input_rows(layer.rows + layer.kernel - 1),
        output_rows(layer.rows) {}

  size_t filter_count() const { return size_t(outputs) * inputs * kernel; }  // at one point
  size_t input_row() const { return size_t(points) * inputs * pairs; }
  size_t output_row() const { return size_t(points) * outputs * pairs; }
};

// U of every layer that is served; the same for all tiles of a step.
class Filters {
 public:
  explicit Filters(const Network& network) : network_(network) {
    for (const Layer& layer : network.layers) {
      const Shape shape(layer);
      layers_.emplace_back(serves(layer) ? shape.points * shape.filter_count() : 0);
    }
  }

  void transform(const float* const* parameters) {
    for (int index = 0; index < network_.depth(); ++index) {
      const Layer& layer = network_.layers[index];
      if (!serves(layer)) continue;
      with_taps(layer, [&](auto taps) {
        const size_t count = Shape(layer).filter_count();
        for (size_t row = 0; row < count; ++row) {
          float points[taps + 1];
          Transform<taps>::filters(parameters[2 * index] + row * taps, points);
          for (int p = 0; p <= taps; ++p) layers_[index].get()[p * count + row] = points[p];
        }
      });
    }
  }

  const float* layer(int index) const { return layers_[index].get(); }

 private:
  Network network_;
  std::vector<Memory<float>> layers_;
};

// What a thread needs besides: V, Z and sums of the layer it is at.
struct Workspace {
  Memory<Vector> inputs, output_gradients, sums;

  explicit Workspace(const Network& network) {
    size_t most_inputs = 0, most_outputs = 0, most_sums = 0;
    for (const Layer& layer : network.layers) {
      if (!serves(layer)) continue;
      const Shape shape(layer);
      most_inputs = std::max(most_inputs, shape.input_rows * shape.input_row());
      most_outputs = std::max(most_outputs, shape.output_rows * shape.output_row());
      const size_t filters = size_t(kMostOutputs) * shape.inputs * shape.kernel;
      most_sums = std::max({most_sums, shape.input_row(), shape.output_row(), filters});
    }
    inputs = Memory<Vector>(most_inputs);
    output_gradients = Memory<Vector>(most_outputs);
    sums = Memory<Vector>(most_sums);
  }
};

// V of all of a layer's input.
template <int kTaps>
inline void transform_inputs(const Shape& shape, const Maps& input, Vector* target) {
  const size_t point = size_t(shape.inputs) * shape.pairs;
  for (int row = 0; row < shape.input_rows; ++row) {
    for (int channel = 0; channel < shape.inputs; ++channel) {
      Vector* out = target + row * shape.input_row() + channel * shape.pairs;
      const Vector* in = input.at(channel, row);
      for (int pair = 0; pair < shape.pairs; ++pair, ++out, in += 2) {
        Vector points[kTaps + 1];
        Transform<kTaps>::inputs(in, points);
        for (int p = 0; p <= kTaps; ++p) out[p * point] = points[p];
      }
    }
  }
}

// Z of all of a layer's gradient before activation.
template <int kTaps>
inline void transform_output_gradients(const Shape& shape, const Maps& gradient, Vector* target) {
  const size_t point = size_t(shape.outputs) * shape.pairs;
  for (int row = 0; row < shape.output_rows; ++row) {
    for (int channel = 0; channel < shape.outputs; ++channel) {
      Vector* out = target + row * shape.output_row() + channel * shape.pairs;
      const Vector* in = gradient.at(channel, row);
      for (int pair = 0; pair < shape.pairs; ++pair, ++out, in += 2) {
        Vector points[kTaps + 1];
        Transform<kTaps>::output_gradients(in, points);
        for (int p = 0; p <= kTaps; ++p) out[p * point] = points[p];
      }
    }
  }
}

// Weights for a sum over channels and kernel rows: how far apart they lie in memory.
struct Steps {
  ptrdiff_t out, in, kernel_row;
};

// out[o][pair] = sum over `rows` kernel rows and `in_channels` of weights times `source`, for a few
// channels and pairs at one point. `source` and `weights` begin at the first of these.
template <int kChannels, int kPairs>
inline void multiply_block(const float* weights, const Steps& steps, const Vector* source,
                           ptrdiff_t source_row, int rows, int in_channels, int pairs,
                           Vector* target) {
  Vector sums[kChannels][kPairs] = {};
  for (int k = 0; k < rows; ++k) {
    const float* weight = weights + k * steps.kernel_row;
    const Vector* in = source + k * source_row;
    for (int c = 0; c < in_channels; ++c, weight += steps.in, in += pairs) {
      for (int x = 0; x < kPairs; ++x) {
        const Vector value = in[x];
        for (int o = 0; o < kChannels; ++o) sums[o][x] += weight[o * steps.out] * value;
      }
    }
  }
  for (int o = 0; o < kChannels; ++o) {
    for (int x = 0; x < kPairs; ++x) target[o * ptrdiff_t{pairs} + x] = sums[o][x];
  }
}

// The same for all channels and pairs.
inline void multiply(const float* weights, const Steps& steps, const Vector* source,
                     ptrdiff_t source_row, int rows, int in_channels, int out_channels, int pairs,
                     Vector* target) {
  for_each_block(out_channels, kMostChannels, [&](int channel, int channels) {
    with_constant<kMostChannels>(channels, [&](auto channel_count) {
      for_each_block(pairs, kMostPairs, [&](int pair, int size) {
        with_constant<kMostPairs>(size, [&](auto pair_count) {
          multiply_block<channel_count(), pair_count()>(
              weights + channel * steps.out, steps, source + pair, source_row, rows, in_channels,
              pairs, target + channel * ptrdiff_t{pairs} + pair);
        });
      });
    });
  });
}

// One row of all channels of a convolution's output, from V of all its input.
template <int kTaps>
inline void forward_row(const Shape& shape, const float* filters, const float* biases,
                        const Vector* inputs, int row, Vector* sums, const Maps& output) {
  const ptrdiff_t point = ptrdiff_t{shape.outputs} * shape.pairs;
  const Steps steps{ptrdiff_t{shape.inputs} * kTaps, kTaps, 1};
  for (int p = 0; p <= kTaps; ++p) {
    const Vector* source =
        inputs + row * shape.input_row() + p * ptrdiff_t{shape.inputs} * shape.pairs;
    multiply(filters + p * shape.filter_count(), steps, source, shape.input_row(), kTaps,
             shape.inputs, shape.outputs, shape.pairs, sums + p * point);
  }
  for (int channel = 0; channel < shape.outputs; ++channel) {
    const Vector bias = broadcast(biases[channel]);
    const Vector* in = sums + channel * ptrdiff_t{shape.pairs};
    Vector* out = output.at(channel, row);
    for (int pair = 0; pair < shape.pairs; ++pair, ++in, out += 2) {
      Vector points[kTaps + 1], both[2];
      for (int p = 0; p <= kTaps; ++p) points[p] = in[p * point];
      Transform<kTaps>::outputs(points, both);
      out[0] = both[0] + bias;
      out[1] = both[1] + bias;
    }
  }
}

// The gradient with respect to the input, from Z of all the output's gradient; over zeros.
template <int kTaps>
inline void input_gradient(const Shape& shape, const float* filters, const Vector* gradients,
                           Vector* sums, const Maps& target) {
  const ptrdiff_t point = ptrdiff_t{shape.inputs} * shape.pairs;
  const Steps steps{kTaps, ptrdiff_t{shape.inputs} * kTaps, 1};
  for (int row = 0; row < shape.input_rows; ++row) {
    // Kernel row k carries gradient row `row - k`, which must be one of the output's.
    const int first = std::max(0, row - shape.output_rows + 1);
    const int rows = std::min(row, kTaps - 1) - first + 1;
    for (int p = 0; p <= kTaps; ++p) {
      const Vector* source = gradients + (row - first) * shape.output_row() +
                             p * ptrdiff_t{shape.outputs} * shape.pairs;
      multiply(filters + p * shape.filter_count() + first, steps, source,
               -static_cast<ptrdiff_t>(shape.output_row()), rows, shape.outputs, shape.inputs,
               shape.pairs, sums + p * point);
    }
    for (int channel = 0; channel < shape.inputs; ++channel) {
      const Vector* in = sums + channel * ptrdiff_t{shape.pairs};
      Vector* out = target.at(channel, row);
      Vector ahead[kTaps - 1] = {};  // what the pairs so far add to the columns of the next one
      for (int pair = 0; pair < shape.pairs; ++pair, ++in, out += 2) {
        Vector points[kTaps + 1], columns[kTaps + 1];
        for (int p = 0; p <= kTaps; ++p) points[p] = in[p * point];
        Transform<kTaps>::input_gradients(points, columns);
        for (int x = 0; x < kTaps - 1; ++x) columns[x] += ahead[x];
        out[0] = columns[0];
        out[1] = columns[1];
        for (int x = 0; x < kTaps - 1; ++x) ahead[x] = columns[x + 2];
      }
      for (int x = 0; x < kTaps - 1; ++x) out[x] = ahead[x];
    }
  }
}

template <int kOutputs, int kInputs>
inline void filter_gradient_block(const Vector* gradients, ptrdiff_t gradient_row,
                                  const Vector* inputs, ptrdiff_t input_row, int rows, int pairs,
                                  Vector* target, ptrdiff_t target_out, ptrdiff_t target_in) {
  Vector sums[kOutputs][kInputs] = {};
  for (int y = 0; y < rows; ++y) {
    const Vector* out = gradients + y * gradient_row;
    const Vector* in = inputs + y * input_row;
    for (int x = 0; x < pairs; ++x, ++out, ++in) {
      for (int c = 0; c < kInputs; ++c) {
        const Vector value = in[c * ptrdiff_t{pairs}];
        for (int o = 0; o < kOutputs; ++o) sums[o][c] += out[o * ptrdiff_t{pairs}] * value;
      }
    }
  }
  for (int o = 0; o < kOutputs; ++o) {
    for (int c = 0; c < kInputs; ++c) target[o * target_out + c * target_in] = sums[o][c];
  }
}

// The tile's part of the filters' gradient, still at the points: [point][out][in][kernel row].
inline void filter_gradient(const Shape& shape, const Vector* gradients, const Vector* inputs,
                            Vector* sums, float* target) {
  const ptrdiff_t filter = ptrdiff_t{shape.inputs} * shape.kernel;
  for (int p = 0; p < shape.points; ++p) {
    const Vector* in_point = inputs + p * ptrdiff_t{shape.inputs} * shape.pairs;
    const Vector* out_point = gradients + p * ptrdiff_t{shape.outputs} * shape.pairs;
    for_each_block(shape.outputs, kMostOutputs, [&](int output, int outputs) {
      with_constant<kMostOutputs>(outputs, [&](auto output_count) {
        for (int k = 0; k < shape.kernel; ++k) {
          for_each_block(shape.inputs, kMostInputs, [&](int input, int size) {
            with_constant<kMostInputs>(size, [&](auto input_count) {
              filter_gradient_block<output_count(), input_count()>(
                  out_point + output * ptrdiff_t{shape.pairs}, shape.output_row(),
                  in_point + k * shape.input_row() + input * ptrdiff_t{shape.pairs},
                  shape.input_row(), shape.output_rows, shape.pairs,
                  sums + input * ptrdiff_t{shape.kernel} + k, filter, shape.kernel);
            });
          });
        }
      });
      sum_lanes(sums, outputs * filter, target + p * shape.filter_count() + output * filter);
    });
  }
}

// A filters' gradient back from the points.
inline void finish_filter_gradient(const Layer& layer, const float* points, float* gradient) {
  with_taps(layer, [&](auto taps) {
    const size_t count = Shape(layer).filter_count();
    for (size_t row = 0; row < count; ++row) {
      float at_points[taps + 1];
      for (int p = 0; p <= taps; ++p) at_points[p] = points[p * count + row];
      Transform<taps>::filter_gradients(at_points, gradient + row * taps);
    }
  });
}

}  // namespace lenet::winograd
