// Convolution of a tile with fewer multiplications: Winograd's minimal filtering F(m, k) along the
// rows (Winograd 1980; Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks").
//
// m neighbouring outputs of a filter with k taps need m + k - 1 products instead of m k. Everything
// that takes part is brought to as many "points": filters U = G w, the gradients of a block of m
// outputs Z = A g, and the inputs under a block V = B d, where B, G and A are small fixed matrices.
// There the products are summed over channels and kernel rows, and what comes out is brought back:
//
//   outputs            A' (sum of U V)
//   input's gradient   B' (sum of U Z)
//   filters' gradient  G' (sum of Z V)
//
// In memory V is [point][channel][row][block] vectors; so are Z and sums, for a strip of rows. What
// lies under the filter's next row is the same step away for all rows and blocks, which are together
// called positions.
#pragma once

#include "network.h"

namespace lenet::winograd {

// The points are 0, pairs of these and their negatives, and infinity where their number is even.
// Among numbers of few bits, these let the transforms round least.
template <int kPairs>
constexpr float kPointsOfPairs[kPairs] = {};
template <>
inline constexpr float kPointsOfPairs<1>[] = {1.0f};
template <>
inline constexpr float kPointsOfPairs<2>[] = {0.75f, 1.5f};
template <>
inline constexpr float kPointsOfPairs<3>[] = {0.5f, 1.0f, 2.0f};
template <>
inline constexpr float kPointsOfPairs<4>[] = {0.5f, 1.0f, 1.5f, 4.0f};

// Polynomials of `kTaps` and `kOutputs` coefficients are multiplied by way of their values at
// points, and the filtering is the transpose of that (Toom and Cook). In an array of points comes 0
// first, then a and -a of each pair, last infinity, where the value is the highest coefficient.
template <int kTaps, int kOutputs>
struct Transform {
  static constexpr int kOutputsAtOnce = kOutputs;
  static constexpr int kPoints = kTaps + kOutputs - 1;

  static void inputs(const Vector* d, Vector* v) {
    v[0] = combine<kPairs + 1>(kTables.all, d);
    for (int pair = 0; pair < kPairs; ++pair) {
      const Vector even = combine<kPairs>(kTables.others[pair], d + 2);
      const Vector odd = kTables.powers[pair][1] * combine<kPairs>(kTables.others[pair], d + 1);
      v[2 * pair + 1] = even + odd;
      v[2 * pair + 2] = even - odd;
    }
    if (kHasInfinity) v[kPoints - 1] = combine<kPairs + 1>(kTables.all, d + 1);
  }

  static void input_gradients(const Vector* n, Vector* d) {
    for (int i = 0; i < kPoints; ++i) d[i] = Vector{};
    add<kPairs + 1>(kTables.all, n[0], d);
    for (int pair = 0; pair < kPairs; ++pair) {
      const Vector plus = n[2 * pair + 1], minus = n[2 * pair + 2];
      add<kPairs>(kTables.others[pair], plus + minus, d + 2);
      add<kPairs>(kTables.others[pair], kTables.powers[pair][1] * (plus - minus), d + 1);
    }
    if (kHasInfinity) add<kPairs + 1>(kTables.all, n[kPoints - 1], d + 1);
  }

  static void outputs(const Vector* m, Vector* y) { transposed_values<kOutputs>(m, y); }
  static void output_gradients(const Vector* g, Vector* z) { values<kOutputs>(g, z); }

  static void filters(const float* w, float* u) {
    values<kTaps>(w, u);
    for (int p = 0; p < kPoints; ++p) u[p] *= kTables.scale[p];
  }
  static void filter_gradients(const float* s, float* w) {
    float scaled[kPoints];
    for (int p = 0; p < kPoints; ++p) scaled[p] = s[p] * kTables.scale[p];
    transposed_values<kTaps>(scaled, w);
  }

 private:
  static constexpr int kPairs = (kPoints - 1) / 2;
  static constexpr bool kHasInfinity = kPoints % 2 == 0;

  struct Tables {
    float powers[kPairs][kTaps > kOutputs ? kTaps : kOutputs] = {};
    // Coefficients, lowest first, of the product of (x - a^2) over all pairs, and over all but one.
    float all[kPairs + 1] = {}, others[kPairs][kPairs + 1] = {};
    float scale[kPoints] = {};  // 1 / product of the differences from other points

    constexpr Tables() {
      multiply_pairs(-1, all);
      scale[0] = 1 / all[0];
      scale[kPoints - 1] = 1;
      for (int pair = 0; pair < kPairs; ++pair) {
        const float a = kPointsOfPairs<kPairs>[pair];
        float power = 1, value = 0, power_of_square = 1;
        for (float& one : powers[pair]) one = power, power *= a;
        multiply_pairs(pair, others[pair]);
        for (int i = 0; i < kPairs; ++i, power_of_square *= a * a) {
          value += others[pair][i] * power_of_square;
        }
        scale[2 * pair + 1] = scale[2 * pair + 2] = 1 / (2 * a * a * value);
      }
    }

    static constexpr void multiply_pairs(int without, float* product) {
      product[0] = 1;
      for (int pair = 0, degree = 1; pair < kPairs; ++pair) {
        if (pair == without) continue;
        const float a = kPointsOfPairs<kPairs>[pair];
        for (int i = degree; i > 0; --i) product[i] = product[i - 1] - a * a * product[i];
        product[0] *= -a * a;
        ++degree;
      }
    }
  };
  static constexpr Tables kTables{};

  // The sum of every second x times a coefficient.
  template <int kCount>
  static Vector combine(const float* coefficients, const Vector* x) {
    Vector sum = coefficients[0] * x[0];
    for (int i = 1; i < kCount; ++i) sum += coefficients[i] * x[2 * i];
    return sum;
  }
  template <int kCount>
  static void add(const float* coefficients, Vector value, Vector* x) {
    for (int i = 0; i < kCount; ++i) x[2 * i] += coefficients[i] * value;
  }

  // A polynomial's values at the points.
  template <int kCount, typename T>
  static void values(const T* polynomial, T* at_points) {
    at_points[0] = polynomial[0];
    for (int pair = 0; pair < kPairs; ++pair) {
      const float* const powers = kTables.powers[pair];
      T even = polynomial[0], odd = powers[1] * polynomial[1];
      for (int i = 2; i < kCount; ++i) (i % 2 ? odd : even) += powers[i] * polynomial[i];
      at_points[2 * pair + 1] = even + odd;
      at_points[2 * pair + 2] = even - odd;
    }
    if (kHasInfinity) at_points[kPoints - 1] = polynomial[kCount - 1];
  }
  template <int kCount, typename T>
  static void transposed_values(const T* at_points, T* polynomial) {
    polynomial[0] = at_points[0];
    for (int i = 1; i < kCount; ++i) polynomial[i] = T{};
    for (int pair = 0; pair < kPairs; ++pair) {
      const T sum = at_points[2 * pair + 1] + at_points[2 * pair + 2];
      const T difference = at_points[2 * pair + 1] - at_points[2 * pair + 2];
      for (int i = 0; i < kCount; ++i) {
        polynomial[i] += kTables.powers[pair][i] * (i % 2 ? difference : sum);
      }
    }
    if (kHasInfinity) polynomial[kCount - 1] += at_points[kPoints - 1];
  }
};

// How many neighbouring outputs of a row are computed together; 0 for a layer that would not gain
// by it, as the transforms must be shared by enough products.
inline int outputs_at_once(const Layer& layer) {
  if (!layer.is_convolution || layer.outputs < 4) return 0;
  const int terms = layer.inputs * layer.kernel;
  if (layer.kernel != 3 && layer.kernel != 5) return 0;
  if (layer.columns % 4 == 0 && terms >= 5) return 4;
  if (layer.columns % 5 == 0 && layer.kernel == 5) return 5;
  return layer.columns % 2 == 0 && terms >= 12 ? 2 : 0;
}

inline bool serves(const Layer& layer) { return outputs_at_once(layer) > 0; }

// Calls `function` with the transform of a layer that is served.
template <typename Function>
inline void with_transform(const Layer& layer, Function function) {
  const int outputs = outputs_at_once(layer);
  if (layer.kernel == 3) {
    outputs == 4 ? function(Transform<3, 4>{}) : function(Transform<3, 2>{});
  } else if (outputs == 5) {
    function(Transform<5, 5>{});
  } else {
    outputs == 4 ? function(Transform<5, 4>{}) : function(Transform<5, 2>{});
  }
}

constexpr int kMostChannels = kIsInPage ? 4 : kRegisters == 32 ? 6 : 3;
constexpr int kMostPositions = kIsInPage ? 1 : 4;
constexpr int kMostOutputs = kIsInPage ? 1 : kRegisters == 32 ? 4 : 2;
constexpr int kMostTaps = 5;
constexpr size_t kStripBytes = 192 * 1024;
constexpr size_t kMostSumsNear = 256;  // vectors

// A layer's sizes among the points; sizes of memory are in vectors.
struct Shape {
  int taps, points, blocks, inputs, outputs, input_rows, output_rows;

  explicit Shape(const Layer& layer)
      : taps(layer.kernel),
        points(layer.kernel + outputs_at_once(layer) - 1),
        blocks(layer.columns / std::max(1, outputs_at_once(layer))),
        inputs(layer.inputs),
        outputs(layer.outputs),
        input_rows(layer.rows + layer.kernel - 1),
        output_rows(layer.rows) {}

  int pairs_of_rows() const { return output_rows / 2; }
  // Pairs of rows in a strip whose Z or sums stay in the second of the caches.
  int pairs_in_strip() const {
    const size_t pair_bytes = kVectorBytes * 2 * points * outputs * blocks;
    return std::min(std::max(1, static_cast<int>(kStripBytes / pair_bytes)), pairs_of_rows());
  }
  // Z or sums of a strip.
  size_t strip_count() const {
    return size_t(points) * outputs * (2 * pairs_in_strip() + 1) * blocks;
  }
  // At one point.
  size_t filter_count() const { return size_t(outputs) * inputs * taps; }
  size_t input_count() const { return inputs * input_channel(); }
  // At one point and in one channel.
  size_t input_channel() const { return size_t(input_rows) * blocks; }
};

// Some rows of a layer's output: two for each of `pairs` from `first_pair` on, and with the last
// pair of all the row that stands alone.
struct Strip {
  int first_pair, pairs, rows;
  int first_row() const { return 2 * first_pair; }
};

template <typename Function>
inline void for_each_strip(const Shape& shape, int pairs, Function function) {
  const int all = shape.pairs_of_rows();
  for_each_block(all, pairs, [&](int first, int count) {
    const bool is_last = first + count == all;
    function(Strip{first, count, is_last ? shape.output_rows - 2 * first : 2 * count});
  });
}

// U of every layer that is served; the same for all tiles of a step. Each is in the order in which
// sums walk over it, the channels of a block side by side: [point][block][in][kernel row][out] for
// outputs, and [point][kernel row][block][out][in] for the input's gradient.
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
      with_transform(layer, [&](auto transform) {
        transform_layer<decltype(transform)>(Shape(layer), network_.weights(index, parameters),
                                             layers_[index]);
      });
    }
  }

  const OfLayer& layer(int index) const { return layers_[index]; }

 private:
  template <typename Transform>
  static void transform_layer(const Shape& shape, const float* weights, OfLayer& target) {
    const auto write = [&](int out, int in, int k, float* first) {
      float points[Transform::kPoints];
      const ptrdiff_t row = (ptrdiff_t{out} * shape.inputs + in) * shape.taps + k;
      Transform::filters(weights + row * shape.taps, points);
      for (float point : points) *first = point, first += shape.filter_count();
    };
    float* next = target.for_outputs.get();
    for_each_block(shape.outputs, kMostChannels, [&](int first, int count) {
      for (int in = 0; in < shape.inputs; ++in) {
        for (int k = 0; k < shape.taps; ++k) {
          for (int out = first; out < first + count; ++out) write(out, in, k, next++);
        }
      }
    });
    next = target.for_input_gradient.get();
    for (int k = 0; k < shape.taps; ++k) {
      for_each_block(shape.inputs, kMostChannels, [&](int first, int count) {
        for (int out = 0; out < shape.outputs; ++out) {
          for (int in = first; in < first + count; ++in) write(out, in, k, next++);
        }
      });
    }
  }

  Network network_;
  std::vector<OfLayer> layers_;
};

// What a thread needs besides: V of every layer that is served, and for the one that it is at, sums at
// the points or Z, and sums for gradients.
struct Workspace {
  std::vector<Memory<Vector>> inputs;
  Memory<Vector> strip, filter_sums, input_sums;

  explicit Workspace(const Network& network) {
    size_t most_of_strip = 0, most_filters = 0, most_inputs = 0;
    for (const Layer& layer : network.layers) {
      if (!serves(layer)) {
        inputs.emplace_back();
        continue;
      }
      const Shape shape(layer);
      inputs.emplace_back(shape.points * shape.input_count());
      most_of_strip = std::max(most_of_strip, shape.strip_count());
      most_filters = std::max(most_filters, shape.points * shape.filter_count());
      most_inputs = std::max(most_inputs, shape.points * shape.input_count());
    }
    strip = Memory<Vector>(most_of_strip);
    filter_sums = Memory<Vector>(most_filters);
    input_sums = Memory<Vector>(most_inputs);
  }
};

// V of all of a layer's input.
template <typename Transform>
inline void transform_inputs(const Shape& shape, const Maps& input, Vector* target) {
  const int rows = shape.input_rows, blocks = shape.blocks;
  const size_t point_count = shape.input_count();
  for (int channel = 0; channel < shape.inputs; ++channel) {
    for (int row = 0; row < rows; ++row) {
      const Vector* in = input.at(channel, row);
      for (int block = 0; block < blocks; ++block, ++target, in += Transform::kOutputsAtOnce) {
        Vector points[Transform::kPoints];
        Transform::inputs(in, points);
        for (int p = 0; p < Transform::kPoints; ++p) target[p * point_count] = points[p];
      }
    }
  }
}

// Z of some rows of one channel of a layer's gradient before activation; a point's are
// `point_count` vectors.
template <typename Transform>
inline void transform_output_gradients(const Shape& shape, const Maps& gradient, int channel,
                                       const Strip& strip, Vector* target, size_t point_count) {
  const int blocks = shape.blocks;
  for (int row = strip.first_row(); row < strip.first_row() + strip.rows; ++row) {
    const Vector* in = gradient.at(channel, row);
    for (int block = 0; block < blocks; ++block, ++target, in += Transform::kOutputsAtOnce) {
      Vector points[Transform::kPoints];
      Transform::output_gradients(in, points);
      for (int p = 0; p < Transform::kPoints; ++p) target[p * point_count] = points[p];
    }
  }
}

// Vectors of several channels, and under each those of several kernel rows: how many there are, and
// how far apart.
struct Terms {
  int channels;
  ptrdiff_t channel;
  int taps;
  ptrdiff_t tap;
};

// target[o][x] = sum over terms of weights[term][o] * source[term][x], for a few channels and
// positions at one point, or adds that to what is there.
template <int kChannels, int kPositions, bool kAdds>
inline void multiply_block(const float* weights, const Vector* source, const Terms& terms,
                           Vector* target, ptrdiff_t target_channel) {
  Vector sums[kChannels][kPositions];
  if constexpr (kAdds) {
    for (int o = 0; o < kChannels; ++o) {
      for (int x = 0; x < kPositions; ++x) sums[o][x] = target[o * target_channel + x];
    }
  } else {
    clear(sums);
  }
  int channel = terms.channels;
  do {
    const Vector* in = source;
    int tap = terms.taps;
    do {
      for (int x = 0; x < kPositions; ++x) {
        const Vector value = in[x];
        for (int o = 0; o < kChannels; ++o) sums[o][x] += weights[o] * value;
      }
      in += terms.tap, weights += kChannels;
    } while (--tap);
    source += terms.channel;
  } while (--channel);
  for (int o = 0; o < kChannels; ++o) {
    for (int x = 0; x < kPositions; ++x) target[o * target_channel + x] = sums[o][x];
  }
}

// The same for all channels and positions.
template <bool kAdds>
inline void multiply(const float* weights, const Vector* source, const Terms& terms, int channels,
                     int positions, Vector* target, ptrdiff_t target_channel) {
  for_each_block(channels, kMostChannels, [&](int channel, int count) {
    const float* const of_block = weights + ptrdiff_t{channel} * terms.channels * terms.taps;
    with_constant<kMostChannels>(count, [&](auto channel_count) {
      for_each_block(positions, kMostPositions, [&](int position, int size) {
        with_constant<kMostPositions>(size, [&](auto position_count) {
          multiply_block<channel_count(), position_count(), kAdds>(
              of_block, source + position, terms, target + channel * target_channel + position,
              target_channel);
        });
      });
    });
  });
}

// Some rows of one channel of a convolution's output, back from the points.
template <typename Transform>
inline void finish_outputs(const Shape& shape, const Vector* sums, size_t point_count, float bias,
                           int channel, const Strip& strip, const Maps& output) {
  const int blocks = shape.blocks;
  const Vector biases = broadcast(bias);
  for (int row = strip.first_row(); row < strip.first_row() + strip.rows; ++row) {
    Vector* out = output.at(channel, row);
    for (int block = 0; block < blocks; ++block, ++sums, out += Transform::kOutputsAtOnce) {
      Vector points[Transform::kPoints], columns[Transform::kOutputsAtOnce];
      for (int p = 0; p < Transform::kPoints; ++p) points[p] = sums[p * point_count];
      Transform::outputs(points, columns);
      for (int x = 0; x < Transform::kOutputsAtOnce; ++x) out[x] = columns[x] + biases;
    }
  }
}

// The convolution's output before activation, from V of all its input. Calls
// `finish(channel, strip)` when a strip of a channel's rows is complete.
template <typename Transform, typename Finish>
inline void forward(const Shape& shape, const float* filters, const float* biases,
                    const Vector* inputs, Vector* sums, const Maps& output, Finish finish) {
  const Terms terms{shape.inputs, ptrdiff_t(shape.input_channel()), shape.taps, shape.blocks};
  for_each_strip(shape, shape.pairs_in_strip(), [&](const Strip& strip) {
    const int positions = strip.rows * shape.blocks;
    const size_t point_count = size_t(shape.outputs) * positions;
    for (int p = 0; p < Transform::kPoints; ++p) {
      multiply<false>(filters + p * shape.filter_count(),
                      inputs + p * shape.input_count() + strip.first_row() * shape.blocks, terms,
                      shape.outputs, positions, sums + p * point_count, positions);
    }
    for (int channel = 0; channel < shape.outputs; ++channel) {
      finish_outputs<Transform>(shape, sums + channel * positions, point_count, biases[channel],
                                channel, strip, output);
      finish(channel, strip);
    }
  });
}

// Adds to the input's gradient at the points what Z of a strip has to say.
inline void input_gradient_of_strip(const Shape& shape, const float* filters, const Strip& strip,
                                    const Vector* gradients, Vector* sums) {
  const int positions = strip.rows * shape.blocks;
  const Terms terms{shape.outputs, positions, 1, 0};
  for (int p = 0; p < shape.points; ++p, gradients += ptrdiff_t{shape.outputs} * positions) {
    for (int k = 0; k < shape.taps; ++k, filters += shape.outputs * ptrdiff_t{shape.inputs}) {
      multiply<true>(filters, gradients, terms, shape.inputs, positions,
                     sums + p * shape.input_count() + (strip.first_row() + k) * shape.blocks,
                     shape.input_channel());
    }
  }
}

// The gradient with respect to the input, back from the points; over zeros.
template <typename Transform>
inline void finish_input_gradient(const Shape& shape, const Vector* sums, const Maps& target) {
  constexpr int kBeyond = Transform::kPoints - Transform::kOutputsAtOnce;  // of the next block
  const int rows = shape.input_rows, blocks = shape.blocks;
  const size_t point_count = shape.input_count();
  for (int channel = 0; channel < shape.inputs; ++channel) {
    for (int row = 0; row < rows; ++row) {
      Vector* out = target.at(channel, row);
      Vector ahead[kBeyond] = {};  // what the blocks so far add to the columns of the next one
      for (int block = 0; block < blocks; ++block, ++sums, out += Transform::kOutputsAtOnce) {
        Vector points[Transform::kPoints], columns[Transform::kPoints];
        for (int p = 0; p < Transform::kPoints; ++p) points[p] = sums[p * point_count];
        Transform::input_gradients(points, columns);
        for (int x = 0; x < kBeyond; ++x) columns[x] += ahead[x];
        for (int x = 0; x < Transform::kOutputsAtOnce; ++x) out[x] = columns[x];
        for (int x = 0; x < kBeyond; ++x) ahead[x] = columns[x + Transform::kOutputsAtOnce];
      }
      for (int x = 0; x < kBeyond; ++x) out[x] = ahead[x];
    }
  }
}

template <int kOutputs, int kTaps, bool kAdds>
inline void filter_gradient_block(const Vector* gradients, ptrdiff_t channel, const Vector* inputs,
                                  ptrdiff_t input_row, int positions, Vector* target,
                                  ptrdiff_t target_out) {
  Vector sums[kOutputs][kTaps];
  if constexpr (kAdds) {
    for (int o = 0; o < kOutputs; ++o) {
      for (int tap = 0; tap < kTaps; ++tap) sums[o][tap] = target[o * target_out + tap];
    }
  } else {
    clear(sums);
  }
  for (int position = 0; position < positions; ++position, ++gradients, ++inputs) {
    for (int tap = 0; tap < kTaps; ++tap) {
      const Vector value = inputs[tap * input_row];
      for (int o = 0; o < kOutputs; ++o) sums[o][tap] += gradients[o * channel] * value;
    }
  }
  for (int o = 0; o < kOutputs; ++o) {
    for (int tap = 0; tap < kTaps; ++tap) target[o * target_out + tap] = sums[o][tap];
  }
}

// Adds what Z of some positions of a few channels has to say about their filters' gradient at one
// point, or begins with it.
template <bool kAdds>
inline void filter_gradient(const Shape& shape, int channels, int positions,
                            const Vector* gradients, const Vector* inputs, Vector* sums) {
  with_constant<kMostOutputs>(channels, [&](auto channel_count) {
    with_constant<kMostTaps>(shape.taps, [&](auto taps) {
      for (int input = 0; input < shape.inputs; ++input) {
        filter_gradient_block<channel_count(), taps(), kAdds>(
            gradients, positions, inputs + input * shape.input_channel(), shape.blocks, positions,
            sums + input * shape.taps, ptrdiff_t{shape.inputs} * shape.taps);
      }
    });
  });
}

// The filters' gradient of some channels, still at the points, from Z of a strip. With the last
// strip the sums come to `target`: [point][out][in][kernel row].
inline void filter_gradient_of_strip(const Shape& shape, const Strip& strip, int first,
                                     int channels, const Vector* gradients, size_t point_count,
                                     const Vector* inputs, Vector* sums, float* target) {
  const ptrdiff_t filter = ptrdiff_t{shape.inputs} * shape.taps;
  const int positions = strip.rows * shape.blocks;
  const bool is_first = strip.first_pair == 0;
  const bool is_last = strip.first_pair + strip.pairs == shape.pairs_of_rows();
  inputs += strip.first_row() * shape.blocks;
  for (int p = 0; p < shape.points; ++p) {
    for_each_block(channels, kMostOutputs, [&](int channel, int count) {
      const ptrdiff_t place = p * shape.filter_count() + (first + channel) * filter;
      Vector* const block = sums + (is_first && is_last ? 0 : place);
      const Vector* const of_block = gradients + channel * ptrdiff_t{positions};
      is_first ? filter_gradient<false>(shape, count, positions, of_block, inputs, block)
               : filter_gradient<true>(shape, count, positions, of_block, inputs, block);
      if (is_last) sum_lanes(block, count * filter, target + place);
    });
    gradients += point_count;
    inputs += shape.input_count();
  }
}

// A filters' gradient back from the points.
inline void finish_filter_gradient(const Layer& layer, const float* points, float* gradient) {
  with_transform(layer, [&](auto transform) {
    using Transform = decltype(transform);
    const size_t count = Shape(layer).filter_count();
    for (size_t row = 0; row < count; ++row) {
      float at_points[Transform::kPoints];
      for (int p = 0; p < Transform::kPoints; ++p) at_points[p] = points[p * count + row];
      Transform::filter_gradients(at_points, gradient + row * layer.kernel);
    }
  });
}

}  // namespace lenet::winograd
