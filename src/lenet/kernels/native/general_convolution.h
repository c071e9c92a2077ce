// Convolution of a tile with any kernel, stride, padding, dilation and groups.
//
// As in `convolution.h`, each kernel keeps a block of sums in registers. Padding is put round a copy
// of the input. On the way back, one number of the filters after the other carries the gradients of
// all outputs to the input, which serves any stride.
#pragma once

#include "program.h"

namespace lenet::general {

using convolution::kMostChannels;
using convolution::kMostColumns;
using convolution::kMostFilterChannels;
using convolution::kMostTaps;

// The input with its padding; a copy in `scratch` where there is any.
inline const Vector* pad(const Operation& op, const Vector* input, Vector* scratch) {
  if (!op.is_padded()) return input;
  const int width = op.padded_width(), margin_rows = op.above * width;
  Vector* target = scratch;
  for (int channel = 0; channel < op.channels; ++channel) {
    target = std::fill_n(target, margin_rows, Vector{});
    for (int y = 0; y < op.height; ++y, input += op.width) {
      target = std::fill_n(target, op.left, Vector{});
      target = std::copy_n(input, op.width, target);
      target = std::fill_n(target, op.left, Vector{});
    }
    target = std::fill_n(target, margin_rows, Vector{});
  }
  return scratch;
}

// What is left of padded maps without their padding.
inline void crop(const Operation& op, const Vector* padded, Vector* target) {
  const int width = op.padded_width();
  for (int channel = 0; channel < op.channels; ++channel) {
    const Vector* map = padded + size_t(channel) * op.padded_height() * width;
    for (int y = 0; y < op.height; ++y, target += op.width) {
      std::copy_n(map + size_t(y + op.above) * width + op.left, op.width, target);
    }
  }
}

// Sums of a few filters of one group at a few places of a row. `input` is where the first of them
// begins to look, `weights` the first filter, `output` its first place.
template <int kFilters, int kColumns, bool kByOnes>
inline void forward_block(const Operation& op, const Vector* input, const float* weights,
                          const float* biases, Vector* output) {
  const ptrdiff_t row = op.padded_width(), channel = row * op.padded_height();
  const ptrdiff_t filter_size = op.filter_size(), map_size = op.map_size();
  const int right = kByOnes ? 1 : op.right;
  Vector sums[kFilters][kColumns];
  for (int o = 0; o < kFilters; ++o) {
    for (int x = 0; x < kColumns; ++x) sums[o][x] = broadcast(biases[o]);
  }
  for (int c = 0; c < op.group_channels(); ++c) {
    for (int y = 0; y < op.kernel_height; ++y) {
      const Vector* in = input + c * channel + y * op.spread_down * row;
      for (int tap = 0; tap < op.kernel_width; ++tap, in += op.spread_right, ++weights) {
        for (int x = 0; x < kColumns; ++x) {
          const Vector value = in[x * right];
          for (int o = 0; o < kFilters; ++o) sums[o][x] += weights[o * filter_size] * value;
        }
      }
    }
  }
  for (int o = 0; o < kFilters; ++o) {
    for (int x = 0; x < kColumns; ++x) output[o * map_size + x] = sums[o][x];
  }
}

// Calls `work(first filter, how many, where the group's maps of the input begin)` for all filters.
template <typename Work>
inline void for_filters(const Operation& op, int most, Work work) {
  const size_t map = size_t(op.padded_height()) * op.padded_width();
  for (int group = 0; group < op.groups; ++group) {
    for_each_block(op.group_filters(), most, [&](int filter, int filters) {
      work(group * op.group_filters() + filter, filters, group * op.group_channels() * map);
    });
  }
}

inline void forward(const Operation& op, const float* weights, const float* biases,
                    const Vector* padded, Vector* output) {
  for_filters(op, kMostChannels, [&](int filter, int filters, size_t maps) {
    with_constant<kMostChannels>(filters, [&](auto filter_count) {
      for (int row = 0; row < op.rows; ++row) {
        const Vector* in = padded + maps + size_t(row) * op.down * op.padded_width();
        Vector* out = output + filter * op.map_size() + size_t(row) * op.columns;
        for_each_block(op.columns, kMostColumns, [&](int column, int size) {
          with_constant<kMostColumns>(size, [&](auto column_count) {
            const auto go = [&](auto by_ones) {
              forward_block<filter_count(), column_count(), by_ones()>(
                  op, in + column * op.right, weights + filter * op.filter_size(), biases + filter,
                  out + column);
            };
            op.right == 1 ? go(std::true_type{}) : go(std::false_type{});
          });
        });
      }
    });
  });
}

// Sums over all places, for a few filters and a few of their numbers, which look `tap_step` apart.
template <int kFilters, int kTaps>
inline void filter_gradient_block(const Operation& op, const Vector* gradient, const Vector* input,
                                  ptrdiff_t tap_step, Vector* target, ptrdiff_t target_step) {
  const ptrdiff_t map_size = op.map_size(), filter_size = op.filter_size();
  Vector sums[kFilters][kTaps];
  clear(sums);
  for (int row = 0; row < op.rows; ++row) {
    const Vector* in = input + ptrdiff_t{row} * op.down * op.padded_width();
    for (int x = 0; x < op.columns; ++x, in += op.right, ++gradient) {
      for (int t = 0; t < kTaps; ++t) {
        const Vector value = in[t * tap_step];
        for (int o = 0; o < kFilters; ++o) sums[o][t] += gradient[o * map_size] * value;
      }
    }
  }
  for (int o = 0; o < kFilters; ++o) {
    for (int t = 0; t < kTaps; ++t) target[o * filter_size + t * target_step] = sums[o][t];
  }
}

// The gradients of the filters, and after these of the biases, into `target`; `sums` is room for a few
// filters.
inline void filter_gradient(const Operation& op, const Vector* padded, const Vector* gradient,
                            Vector* sums, float* target) {
  const ptrdiff_t row = op.padded_width(), channel = row * op.padded_height();
  const int kernel = op.kernel_height * op.kernel_width;
  // Narrow filters are taken along the channels, for longer blocks.
  const bool along = op.kernel_width < 3 && op.group_channels() > op.kernel_width;
  for_filters(op, kMostFilterChannels, [&](int filter, int filters, size_t maps) {
    const Vector* out = gradient + filter * op.map_size();
    with_constant<kMostFilterChannels>(filters, [&](auto filter_count) {
      const auto take = [&](int c, int y, int tap, int taps, ptrdiff_t step, int target_step) {
        const Vector* in = padded + maps + c * channel + y * op.spread_down * row;
        Vector* to = sums + c * kernel + y * op.kernel_width + tap;
        with_constant<kMostTaps>(taps, [&](auto tap_count) {
          filter_gradient_block<filter_count(), tap_count()>(op, out, in + tap * op.spread_right,
                                                             step, to, target_step);
        });
      };
      for (int y = 0; y < op.kernel_height; ++y) {
        if (along) {
          for (int tap = 0; tap < op.kernel_width; ++tap) {
            for_each_block(op.group_channels(), kMostTaps,
                           [&](int c, int count) { take(c, y, tap, count, channel, kernel); });
          }
          continue;
        }
        for (int c = 0; c < op.group_channels(); ++c) {
          for_each_block(op.kernel_width, kMostTaps, [&](int tap, int count) {
            take(c, y, tap, count, op.spread_right, 1);
          });
        }
      }
    });
    sum_lanes(sums, filters * op.filter_size(), target + filter * op.filter_size());
  });
  for (int o = 0; o < op.outputs; ++o) {
    Vector sum{};
    const Vector* const map = gradient + o * op.map_size();
    for (size_t i = 0; i < op.map_size(); ++i) sum += map[i];
    target[op.weight_count() + o] = sum_of_lanes(sum);
  }
}

// What all filters of a group carry by one of their numbers from a few places of a row to a few maps
// of the input.
template <int kMaps, int kColumns, bool kByOnes>
inline void input_gradient_block(const Operation& op, const Vector* gradient, const float* weights,
                                 Vector* target) {
  const ptrdiff_t map_size = op.map_size(), filter_size = op.filter_size();
  const ptrdiff_t channel = ptrdiff_t{op.padded_height()} * op.padded_width();
  const ptrdiff_t kernel = op.kernel_height * op.kernel_width;
  const int right = kByOnes ? 1 : op.right;
  Vector sums[kMaps][kColumns];
  for (int c = 0; c < kMaps; ++c) {
    for (int x = 0; x < kColumns; ++x) sums[c][x] = target[c * channel + x * right];
  }
  for (int o = 0; o < op.group_filters(); ++o, gradient += map_size, weights += filter_size) {
    for (int x = 0; x < kColumns; ++x) {
      const Vector value = gradient[x];
      for (int c = 0; c < kMaps; ++c) sums[c][x] += weights[c * kernel] * value;
    }
  }
  for (int c = 0; c < kMaps; ++c) {
    for (int x = 0; x < kColumns; ++x) target[c * channel + x * right] = sums[c][x];
  }
}

// The gradient of the padded input, into `target`.
inline void input_gradient(const Operation& op, const float* weights, const Vector* gradient,
                           Vector* target) {
  const size_t row_size = op.padded_width(), map = row_size * op.padded_height();
  const int kernel = op.kernel_height * op.kernel_width;
  std::fill_n(target, op.padded_size(), Vector{});
  for (int group = 0; group < op.groups; ++group) {
    const float* const filters = weights + group * op.group_filters() * op.filter_size();
    const Vector* const from = gradient + group * op.group_filters() * op.map_size();
    for_each_block(op.group_channels(), kMostChannels, [&](int c, int count) {
      with_constant<kMostChannels>(count, [&](auto map_count) {
        for (int row = 0; row < op.rows; ++row) {
          for (int k = 0; k < kernel; ++k) {
            const int y = row * op.down + k / op.kernel_width * op.spread_down;
            const int x = k % op.kernel_width * op.spread_right;
            Vector* to = target + (group * op.group_channels() + c) * map + y * row_size + x;
            for_each_block(op.columns, kMostColumns, [&](int column, int size) {
              with_constant<kMostColumns>(size, [&](auto column_count) {
                const auto go = [&](auto by_ones) {
                  input_gradient_block<map_count(), column_count(), by_ones()>(
                      op, from + size_t(row) * op.columns + column, filters + c * kernel + k,
                      to + column * op.right);
                };
                op.right == 1 ? go(std::true_type{}) : go(std::false_type{});
              });
            });
          }
        }
      });
    });
  }
}

}  // namespace lenet::general
