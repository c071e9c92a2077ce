// Forward and backward of every kind of layer but convolution and what works on a whole batch.
//
// `forward` takes a tile from `input` to `output`, and `backward` its gradient from there to
// `input_gradient`, which it overwrites. `input` and `output` may be the same memory.
#pragma once

#include "dense.h"
#include "general_convolution.h"

namespace lenet {

namespace pooling {

// The places that a window sees along a side: `count` from `start` on, `step` apart; `padded_count`
// with those in the padding.
struct Window {
  int start, count, padded_count;
};

inline Window window_at(int place, int size, int stride, int margin, int kernel, int spread) {
  const int first = place * stride - margin, end = first + spread * (kernel - 1) + 1;
  const int skipped = first < 0 ? (-first + spread - 1) / spread : 0;
  const int start = first + skipped * spread;
  const int last = std::min(end, size);  // beyond what it sees of the input
  const int count = start < last ? (last - start + spread - 1) / spread : 0;
  return {start, count, std::min(end, size + margin) - first};
}

// That of a window which shares the input out, as in PyTorch.
inline Window share_at(int place, int size, int places) {
  const auto edge = [&](int64_t number, int more) {
    return static_cast<int>((number * size + more) / places);
  };
  const int start = edge(place, 0), count = edge(place + 1, places - 1) - start;
  return {start, count, count};
}

// Calls `work(place of the output, rows, columns)` with the windows of all places of a map.
template <typename Work>
inline void for_windows(const Operation& op, Work work) {
  for (int y = 0; y < op.rows; ++y) {
    const Window rows =
        op.is_adaptive
            ? share_at(y, op.height, op.rows)
            : window_at(y, op.height, op.down, op.above, op.kernel_height, op.spread_down);
    for (int x = 0; x < op.columns; ++x) {
      const Window columns =
          op.is_adaptive
              ? share_at(x, op.width, op.columns)
              : window_at(x, op.width, op.right, op.left, op.kernel_width, op.spread_right);
      work(y * op.columns + x, rows, columns);
    }
  }
}

// Calls `work(place of the input)` for all that a window sees, row by row.
template <typename Work>
inline void for_places(const Operation& op, const Window& rows, const Window& columns, Work work) {
  const int down = op.is_adaptive ? 1 : op.spread_down, right = op.is_adaptive ? 1 : op.spread_right;
  for (int y = 0; y < rows.count; ++y) {
    const int first = (rows.start + y * down) * op.width + columns.start;
    for (int x = 0; x < columns.count; ++x) work(first + x * right);
  }
}

// What each number of a window counts.
inline float share_of(const Operation& op, const Window& rows, const Window& columns) {
  if (static_cast<PoolingMethod>(op.choice) == PoolingMethod::kSum) return 1.0f;
  const float seen = op.counts_padding ? float(rows.padded_count) * columns.padded_count
                                       : float(rows.count) * columns.count;
  return 1.0f / seen;
}

inline bool is_max(const Operation& op) {
  return static_cast<PoolingMethod>(op.choice) == PoolingMethod::kMax;
}

inline void forward(const Operation& op, const Vector* input, Vector* output) {
  for (int channel = 0; channel < op.channels; ++channel) {
    for_windows(op, [&](int place, const Window& rows, const Window& columns) {
      if (is_max(op)) {
        Vector most = broadcast(-__builtin_inff());
        for_places(op, rows, columns, [&](int i) { most = larger(most, input[i]); });
        output[place] = most;
      } else {
        Vector sum{};
        for_places(op, rows, columns, [&](int i) { sum += input[i]; });
        output[place] = sum * share_of(op, rows, columns);
      }
    });
    input += size_t(op.height) * op.width;
    output += op.map_size();
  }
}

// The gradient of a maximum goes to the first that is it.
inline void backward(const Operation& op, const Vector* input, const Vector* output,
                     const Vector* gradient, Vector* input_gradient) {
  std::fill_n(input_gradient, op.input_size(), Vector{});
  for (int channel = 0; channel < op.channels; ++channel) {
    for_windows(op, [&](int place, const Window& rows, const Window& columns) {
      if (is_max(op)) {
        Vector rest = gradient[place];
        for_places(op, rows, columns, [&](int i) {
          const auto is_it = input[i] == output[place] || input[i] != input[i];
          input_gradient[i] += is_it ? rest : Vector{};
          rest = is_it ? Vector{} : rest;
        });
      } else {
        const Vector share = gradient[place] * share_of(op, rows, columns);
        for_places(op, rows, columns, [&](int i) { input_gradient[i] += share; });
      }
    });
    input += size_t(op.height) * op.width;
    input_gradient += size_t(op.height) * op.width;
    output += op.map_size();
    gradient += op.map_size();
  }
}

}  // namespace pooling

namespace activation {

inline void forward(const Operation& op, const Vector* input, Vector* output) {
  with_function(static_cast<Function>(op.choice), [&](auto function) {
    for (size_t i = 0; i < op.output_size(); ++i) {
      output[i] = value_at<function()>(input[i], op.number);
    }
  });
}

inline void backward(const Operation& op, const Vector* input, const Vector* output,
                     const Vector* gradient, Vector* input_gradient) {
  with_function(static_cast<Function>(op.choice), [&](auto function) {
    for (size_t i = 0; i < op.output_size(); ++i) {
      input_gradient[i] = gradient[i] * slope_at<function()>(input[i], output[i], op.number);
    }
  });
}

}  // namespace activation

namespace scaling {

inline void forward(const Operation& op, const float* scale, const float* shift,
                    const Vector* input, Vector* output) {
  for (int channel = 0; channel < op.channels; ++channel) {
    for (size_t i = 0; i < op.map_size(); ++i) {
      output[i] = input[i] * scale[channel] + shift[channel];
    }
    input += op.map_size();
    output += op.map_size();
  }
}

// The gradients of all scales, and after these of the shifts, into `target`; then the input's, unless
// that is null.
inline void backward(const Operation& op, const float* scale, const Vector* input,
                     const Vector* gradient, float* target, Vector* input_gradient) {
  for (int channel = 0; channel < op.channels; ++channel) {
    const size_t first = channel * op.map_size();
    Vector sum{}, product{};
    for (size_t i = first; i < first + op.map_size(); ++i) {
      sum += gradient[i];
      product += gradient[i] * input[i];
      if (input_gradient) input_gradient[i] = gradient[i] * scale[channel];
    }
    target[channel] = sum_of_lanes(product);
    target[op.channels + channel] = sum_of_lanes(sum);
  }
}

}  // namespace scaling

namespace padding {

// Calls `work(row of the input, where it lies in the output)` for all rows.
template <typename Work>
inline void for_rows(const Operation& op, Work work) {
  for (int channel = 0; channel < op.channels; ++channel) {
    for (int y = 0; y < op.height; ++y) {
      work((size_t(channel) * op.height + y) * op.width,
           (size_t(channel) * op.rows + y + op.above) * op.columns + op.left);
    }
  }
}

inline void forward(const Operation& op, const Vector* input, Vector* output) {
  std::fill_n(output, op.output_size(), broadcast(op.number));
  for_rows(op, [&](size_t from, size_t to) { std::copy_n(input + from, op.width, output + to); });
}

inline void backward(const Operation& op, const Vector* gradient, Vector* input_gradient) {
  for_rows(op, [&](size_t from, size_t to) {
    std::copy_n(gradient + to, op.width, input_gradient + from);
  });
}

}  // namespace padding

namespace distances {

inline void forward(const Operation& op, const float* targets, const Vector* input,
                    Vector* output) {
  for (int o = 0; o < op.outputs; ++o, targets += op.channels) {
    Vector sum{};
    for (int i = 0; i < op.channels; ++i) sum -= (input[i] - targets[i]) * (input[i] - targets[i]);
    output[o] = sum;
  }
}

inline void backward(const Operation& op, const float* targets, const Vector* input,
                     const Vector* gradient, Vector* input_gradient) {
  for (int i = 0; i < op.channels; ++i) {
    Vector sum{};
    for (int o = 0; o < op.outputs; ++o) {
      sum -= 2.0f * gradient[o] * (input[i] - targets[size_t(o) * op.channels + i]);
    }
    input_gradient[i] = sum;
  }
}

}  // namespace distances

namespace dropout {

inline uint64_t mix(uint64_t x) {  // splitmix64 (Steele, Lea and Flood 2014)
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// What numbers are multiplied by: 0, or what makes up for those that become 0. It is drawn from a seed,
// the operation, the image and the number's place, so both ways draw the same, in any order.
class Factors {
 public:
  Factors(const Operation& op, int number, uint64_t seed, int first_image)
      : kept_(op.number < 1 ? 1 / (1 - op.number) : 0.0f) {
    least_ = BitVector{} + static_cast<uint32_t>(std::min(op.number * 4294967296.0, 4294967295.0));
    for (int lane = 0; lane < kLanes; ++lane) {
      start_[lane] = static_cast<uint32_t>(mix(mix(seed + number) + first_image + lane));
    }
  }

  Vector at(uint32_t place) const {
    BitVector bits = start_ + place * 0x9e3779b9u;  // then "lowbias32" (Wellons 2018)
    bits = (bits ^ (bits >> 16)) * 0x7feb352du;
    bits = (bits ^ (bits >> 15)) * 0x846ca68bu;
    bits ^= bits >> 16;
    return bits >= least_ ? broadcast(kept_) : Vector{};
  }

 private:
  float kept_;
  BitVector start_, least_;
};

// Forward and backward alike.
inline void apply(const Operation& op, const Factors& factors, const Vector* from, Vector* to) {
  const size_t map = op.map_size();
  for (size_t i = 0; i < op.output_size(); ++i) {
    to[i] = from[i] * factors.at(static_cast<uint32_t>(op.draws_maps ? i / map : i));
  }
}

}  // namespace dropout

}  // namespace lenet
