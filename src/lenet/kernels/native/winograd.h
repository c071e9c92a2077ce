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
// In memory V and Z are [point][row][channel][pair] vectors. U is there twice, each in the order in
// which a sum walks over V or Z: [point][out][kernel row][in] for outputs, and [point][in][kernel row,
// last first][out] for the input's gradient. Two points at a time, or one, are taken through all rows, so that the rows under a filter
// stay in the nearest cache; the points are in such an order that two neighbours come back to the
// outputs together.
#pragma once

#include "network.h"

namespace lenet::winograd {

template <int kTaps>
struct Transform;

// Points 0, infinity, 1 and -1.
template <>
struct Transform<3> {
  static void inputs(const Vector* d, Vector* v) {
    v[0] = d[0] - d[2];
    v[1] = d[3] - d[1];
    v[2] = d[2] + d[1];
    v[3] = d[2] - d[1];
  }
  static void input_gradients(const Vector* n, Vector* d) {
    d[0] = n[0];
    d[1] = n[2] - n[3] - n[1];
    d[2] = n[2] + n[3] - n[0];
    d[3] = n[1];
  }
  // What two points, from `2 * kTwo` on, add to a pair of outputs.
  template <int kTwo>
  static void add_outputs(Vector a, Vector b, Vector* y) {
    y[0] += kTwo == 0 ? a : a + b;
    y[1] += kTwo == 0 ? b : a - b;
  }
  static void output_gradients(const Vector* g, Vector* z) {
    z[0] = g[0];
    z[1] = g[1];
    z[2] = g[0] + g[1];
    z[3] = g[0] - g[1];
  }
  static void filters(const float* w, float* u) {
    const float even = (w[0] + w[2]) * 0.5f, odd = w[1] * 0.5f;
    u[0] = w[0];
    u[1] = w[2];
    u[2] = even + odd;
    u[3] = even - odd;
  }
  static void filter_gradients(const float* s, float* w) {
    const float sum = (s[2] + s[3]) * 0.5f;
    w[0] = s[0] + sum;
    w[1] = (s[2] - s[3]) * 0.5f;
    w[2] = s[1] + sum;
  }
};

// Points 0, infinity, 1, -1, 2 and -2.
template <>
struct Transform<5> {
  static void inputs(const Vector* d, Vector* v) {
    const Vector even1 = d[4] - 4.0f * d[2], odd1 = d[3] - 4.0f * d[1];
    const Vector even2 = d[4] - d[2], odd2 = 2.0f * (d[3] - d[1]);
    v[0] = (4.0f * d[0] + d[4]) - 5.0f * d[2];
    v[1] = (4.0f * d[1] + d[5]) - 5.0f * d[3];
    v[2] = even1 + odd1;
    v[3] = even1 - odd1;
    v[4] = even2 + odd2;
    v[5] = even2 - odd2;
  }
  static void input_gradients(const Vector* n, Vector* d) {
    const Vector sum1 = n[2] + n[3], difference1 = n[2] - n[3];
    const Vector sum2 = n[4] + n[5], difference2 = 2.0f * (n[4] - n[5]);
    d[0] = 4.0f * n[0];
    d[1] = 4.0f * (n[1] - difference1) - difference2;
    d[2] = -5.0f * n[0] - 4.0f * sum1 - sum2;
    d[3] = difference1 + difference2 - 5.0f * n[1];
    d[4] = n[0] + (sum1 + sum2);
    d[5] = n[1];
  }
  // What two points, from `2 * kTwo` on, add to a pair of outputs.
  template <int kTwo>
  static void add_outputs(Vector a, Vector b, Vector* y) {
    y[0] += kTwo == 0 ? a : a + b;
    y[1] += kTwo == 0 ? b : kTwo == 1 ? a - b : 2.0f * (a - b);
  }
  static void output_gradients(const Vector* g, Vector* z) {
    z[0] = g[0];
    z[1] = g[1];
    z[2] = g[0] + g[1];
    z[3] = g[0] - g[1];
    z[4] = g[0] + 2.0f * g[1];
    z[5] = g[0] - 2.0f * g[1];
  }
  static void filters(const float* w, float* u) {
    const float even1 = (w[0] + w[2] + w[4]) * (-1.0f / 6), odd1 = (w[1] + w[3]) * (-1.0f / 6);
    const float even2 = (w[0] + 4 * w[2] + 16 * w[4]) * (1.0f / 24);
    const float odd2 = (w[1] + 4 * w[3]) * (1.0f / 12);
    u[0] = w[0] * 0.25f;
    u[1] = w[4];
    u[2] = even1 + odd1;
    u[3] = even1 - odd1;
    u[4] = even2 + odd2;
    u[5] = even2 - odd2;
  }
  static void filter_gradients(const float* s, float* w) {
    const float sum1 = (s[2] + s[3]) * (-1.0f / 6), difference1 = (s[2] - s[3]) * (-1.0f / 6);
    const float sum2 = (s[4] + s[5]) * (1.0f / 24), difference2 = (s[4] - s[5]) * (1.0f / 12);
    w[0] = s[0] * 0.25f + (sum1 + sum2);
    w[1] = difference1 + difference2;
    w[2] = sum1 + 4 * sum2;
    w[3] = difference1 + 4 * difference2;
    w[4] = s[1] + (sum1 + 16 * sum2);
  }
};

// Whether a layer is a convolution that gains by it: the transforms must be shared by enough
// products, and columns come in pairs.
inline bool serves(const Layer& layer) {
  return layer.is_convolution && (layer.kernel == 3 || layer.kernel == 5) &&
         layer.inputs * layer.kernel >= 12 && layer.outputs >= 4 && layer.columns % 2 == 0;
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

constexpr int kMostChannels = kIsInPage ? 8 : kRegisters == 32 ? 6 : 2;
constexpr int kMostPairs = kRegisters == 32 ? 4 : 5;
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

  // At one point.
  size_t filter_count() const { return size_t(outputs) * inputs * kernel; }
  size_t input_count() const { return size_t(input_rows) * input_row(); }
  size_t output_count() const { return size_t(output_rows) * output_row(); }
  // At one point and row.
  size_t input_row() const { return size_t(inputs) * pairs; }
  size_t output_row() const { return size_t(outputs) * pairs; }
};

// U of every layer that is served; the same for all tiles of a step.
class Filters {
 public:
  struct OfLayer {
    Memory<float> for_outputs, for_input_gradient;
  };

  explicit Filters(const Network& network) : network_(network) {
    for (const Layer& layer : network.layers) {
      const Shape shape(layer);
      const size_t count = serves(layer) ? shape.points * shape.filter_count() : 0;
      layers_.push_back({Memory<float>(count), Memory<float>(count)});
    }
  }

  void transform(const float* const* parameters) {
    for (int index = 0; index < network_.depth(); ++index) {
      const Layer& layer = network_.layers[index];
      if (!serves(layer)) continue;
      with_taps(layer, [&](auto taps) {
        transform_layer<taps()>(Shape(layer), network_.weights(index, parameters), layers_[index]);
      });
    }
  }

  const OfLayer& layer(int index) const { return layers_[index]; }

 private:
  template <int kTaps>
  static void transform_layer(const Shape& shape, const float* weights, OfLayer& target) {
    float* const for_outputs = target.for_outputs.get();
    float* const for_input_gradient = target.for_input_gradient.get();
    for (int out = 0; out < shape.outputs; ++out) {
      for (int in = 0; in < shape.inputs; ++in) {
        for (int k = 0; k < kTaps; ++k, weights += kTaps) {
          float points[kTaps + 1];
          Transform<kTaps>::filters(weights, points);
          const size_t one = (size_t(out) * kTaps + k) * shape.inputs + in;
          const size_t other = (size_t(in) * kTaps + kTaps - 1 - k) * shape.outputs + out;
          for (int p = 0; p <= kTaps; ++p) {
            for_outputs[p * shape.filter_count() + one] = points[p];
            for_input_gradient[p * shape.filter_count() + other] = points[p];
          }
        }
      }
    }
  }

  Network network_;
  std::vector<OfLayer> layers_;
};

// What a thread needs besides: V of every layer that is served, and Z and sums of the one it is at.
struct Workspace {
  std::vector<Memory<Vector>> inputs;
  Memory<Vector> output_gradients, sums;

  explicit Workspace(const Network& network) {
    size_t most_outputs = 0, most_sums = 0;
    for (const Layer& layer : network.layers) {
      if (!serves(layer)) {
        inputs.emplace_back();
        continue;
      }
      const Shape shape(layer);
      const size_t input_count = shape.points * shape.input_count();
      const size_t filters = size_t(kMostOutputs) * shape.inputs * shape.kernel;
      inputs.emplace_back(input_count);
      most_outputs = std::max(most_outputs, shape.points * shape.output_count());
      most_sums = std::max({most_sums, input_count, 2 * shape.output_row(), filters});
    }
    output_gradients = Memory<Vector>(most_outputs);
    sums = Memory<Vector>(most_sums);
  }
};

// V of all of a layer's input.
template <int kTaps>
inline void transform_inputs(const Shape& shape, const Maps& input, Vector* target) {
  const size_t point = shape.input_count();
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
  const size_t point = shape.output_count();
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

// target[o][pair] = sum over `terms` of weights[o][term] * source[term][pair], for a few channels and
// pairs at one point. A row of weights has `row_length` numbers.
template <int kChannels, int kPairs>
inline void multiply_block(const float* weights, ptrdiff_t row_length, const Vector* source,
                           int terms, ptrdiff_t pairs, Vector* target) {
  Vector sums[kChannels][kPairs];
  clear(sums);
  for (int term = 0; term < terms; ++term, source += pairs) {
    for (int x = 0; x < kPairs; ++x) {
      const Vector value = source[x];
      for (int o = 0; o < kChannels; ++o) sums[o][x] += weights[o * row_length + term] * value;
    }
  }
  for (int o = 0; o < kChannels; ++o) {
    for (int x = 0; x < kPairs; ++x) target[o * pairs + x] = sums[o][x];
  }
}

// The same for all channels and pairs.
inline void multiply(const float* weights, int row_length, const Vector* source, int terms,
                     int channels, int pairs, Vector* target) {
  for_each_block(channels, kMostChannels, [&](int channel, int count) {
    with_constant<kMostChannels>(count, [&](auto channel_count) {
      for_each_block(pairs, kMostPairs, [&](int pair, int size) {
        with_constant<kMostPairs>(size, [&](auto pair_count) {
          multiply_block<channel_count(), pair_count()>(
              weights + ptrdiff_t{channel} * row_length, row_length, source + pair, terms, pairs,
              target + ptrdiff_t{channel} * pairs + pair);
        });
      });
    });
  });
}

// The part of two points, from `2 * kTwo` on, in one row of all channels of a convolution's output,
// from V of all its input. The first part begins with the biases.
template <int kTaps, int kTwo>
inline void forward_row(const Shape& shape, const float* filters, const float* biases,
                        const Vector* inputs, int row, Vector* sums, const Maps& output) {
  const int terms = kTaps * shape.inputs;
  for (int half = 0; half < 2; ++half) {
    const int point = 2 * kTwo + half;
    multiply(filters + point * shape.filter_count(), terms,
             inputs + point * shape.input_count() + row * shape.input_row(), terms, shape.outputs,
             shape.pairs, sums + half * shape.output_row());
  }
  const Vector* in = sums;
  for (int channel = 0; channel < shape.outputs; ++channel) {
    Vector* out = output.at(channel, row);
    for (int pair = 0; pair < shape.pairs; ++pair, ++in, out += 2) {
      if (kTwo == 0) out[0] = out[1] = broadcast(biases[channel]);
      Transform<kTaps>::template add_outputs<kTwo>(in[0], in[shape.output_row()], out);
    }
  }
}

// The convolution's output before activation, from V of all its input. Calls `finish(row)` for every
// second row when it and the one after it are complete.
template <int kTaps, int kTwo = 0, typename Finish>
inline void forward(const Shape& shape, const float* filters, const float* biases,
                    const Vector* inputs, Vector* sums, const Maps& output, Finish finish) {
  constexpr bool kLast = 2 * kTwo + 1 == kTaps;
  for (int row = 0; row < shape.output_rows; ++row) {
    forward_row<kTaps, kTwo>(shape, filters, biases, inputs, row, sums, output);
    if (kLast && row % 2) finish(row - 1);
  }
  if constexpr (!kLast) {
    forward<kTaps, kTwo + 1>(shape, filters, biases, inputs, sums, output, finish);
  }
}

// The gradient with respect to the input, from Z of all the output's gradient; over zeros.
template <int kTaps>
inline void input_gradient(const Shape& shape, const float* filters, const Vector* gradients,
                           Vector* sums, const Maps& target) {
  for (int p = 0; p <= kTaps; ++p) {
    for (int row = 0; row < shape.input_rows; ++row) {
      // Kernel row k carries gradient row `row - k`; the last kernel row comes first.
      const int first = std::max(0, row - kTaps + 1), last = std::min(row, shape.output_rows - 1);
      const int left_out = first - (row - kTaps + 1);
      multiply(filters + p * shape.filter_count() + left_out * shape.outputs,
               kTaps * shape.outputs, gradients + p * shape.output_count() + first * shape.output_row(),
               (last - first + 1) * shape.outputs, shape.inputs, shape.pairs,
               sums + p * shape.input_count() + row * shape.input_row());
    }
  }
  const Vector* in = sums;
  for (int row = 0; row < shape.input_rows; ++row) {
    for (int channel = 0; channel < shape.inputs; ++channel) {
      Vector* out = target.at(channel, row);
      Vector ahead[kTaps - 1] = {};  // what the pairs so far add to the columns of the next one
      for (int pair = 0; pair < shape.pairs; ++pair, ++in, out += 2) {
        Vector points[kTaps + 1], columns[kTaps + 1];
        for (int p = 0; p <= kTaps; ++p) points[p] = in[p * shape.input_count()];
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
  Vector sums[kOutputs][kInputs];
  clear(sums);
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
    const Vector* in_point = inputs + p * shape.input_count();
    const Vector* out_point = gradients + p * shape.output_count();
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
