// Convolution of a tile: as many images as a vector has lanes, side by side.
//
// Feature maps are [channel][row][column] vectors, filters PyTorch's [out][in][row][column]
// numbers. Every kernel keeps a block of sums in registers and walks over all that is added to
// them, so each of its loads serves several multiplications.
#pragma once

#include "blocks.h"
#include "vector.h"

namespace lenet {

// Feature maps in memory: where the next row and the next channel begin, in vectors.
struct Maps {
  Vector* data;
  int row;
  int channel;

  Vector* at(int channel_index, int row_index, int column = 0) const {
    return data + channel_index * ptrdiff_t{channel} + row_index * ptrdiff_t{row} + column;
  }
};

struct Filters {
  const float* weights;
  const float* biases;
  int in_channels;
  int kernel;

  int size() const { return in_channels * kernel * kernel; }
};

namespace convolution {

constexpr int kMostChannels = kRegisters == 32 ? 4 : 2;
constexpr int kMostColumns = kIsInPage ? 1 : kRegisters == 32 ? 6 : 5;
constexpr int kMostTaps = 5;
constexpr int kMostGradientColumns = kRegisters == 32 ? 10 : 8;
constexpr int kMostGradientChannels = 1;
constexpr int kMostFilterChannels = kRegisters == 32 ? 4 : 2;

template <int kChannels, int kColumns>
inline void forward_block(const Maps& input, const Filters& filters, int out_channel, int row,
                          int column, const Maps& output) {
  const int kernel = filters.kernel, filter_size = filters.size();
  const float* weight = filters.weights + ptrdiff_t{out_channel} * filter_size;
  Vector sums[kChannels][kColumns];
  for (int o = 0; o < kChannels; ++o) {
    for (int x = 0; x < kColumns; ++x) sums[o][x] = broadcast(filters.biases[out_channel + o]);
  }
  for (int channel = 0; channel < filters.in_channels; ++channel) {
    for (int kernel_row = 0; kernel_row < kernel; ++kernel_row) {
      const Vector* in = input.at(channel, row + kernel_row, column);
      for (int tap = 0; tap < kernel; ++tap, ++in, ++weight) {
        for (int x = 0; x < kColumns; ++x) {
          const Vector value = in[x];
          for (int o = 0; o < kChannels; ++o) sums[o][x] += weight[o * filter_size] * value;
        }
      }
    }
  }
  for (int o = 0; o < kChannels; ++o) {
    for (int x = 0; x < kColumns; ++x) *output.at(o, 0, column + x) = sums[o][x];
  }
}

// One row of several channels of the output; `output` begins at that row and channel.
inline void forward_row(const Maps& input, const Filters& filters, int out_channel, int channels,
                        int row, int columns, const Maps& output) {
  with_constant<kMostChannels>(channels, [&](auto channel_count) {
    for_each_block(columns, kMostColumns, [&](int column, int size) {
      with_constant<kMostColumns>(size, [&](auto column_count) {
        forward_block<channel_count(), column_count()>(input, filters, out_channel, row, column,
                                                       output);
      });
    });
  });
}

template <int kChannels, int kTaps>
inline void filter_gradient_block(const Maps& gradient, const Vector* input, int input_row,
                                  int rows, int columns, Vector* sums_in_memory, int filter_size) {
  Vector sums[kChannels][kTaps];
  for (int o = 0; o < kChannels; ++o) {
    for (int tap = 0; tap < kTaps; ++tap) sums[o][tap] = sums_in_memory[o * filter_size + tap];
  }
  for (int y = 0; y < rows; ++y) {
    const Vector* in = input + y * ptrdiff_t{input_row};
    const Vector* out = gradient.at(0, y);
    for (int x = 0; x < columns; ++x, ++in, ++out) {
      for (int tap = 0; tap < kTaps; ++tap) {
        const Vector value = in[tap];
        for (int o = 0; o < kChannels; ++o) sums[o][tap] += out[o * ptrdiff_t{gradient.channel}] * value;
      }
    }
  }
  for (int o = 0; o < kChannels; ++o) {
    for (int tap = 0; tap < kTaps; ++tap) sums_in_memory[o * filter_size + tap] = sums[o][tap];
  }
}

// Adds to `sums`, [channel][in][row][column] vectors, what some rows of several output channels
// contribute to the filters' gradient. `gradient` begins at the first of these rows and channels.
inline void filter_gradient(const Maps& gradient, int channels, int first_row, int rows,
                            int columns, const Maps& input, int in_channels, int kernel,
                            Vector* sums) {
  const int filter_size = in_channels * kernel * kernel;
  with_constant<kMostFilterChannels>(channels, [&](auto channel_count) {
    for (int channel = 0; channel < in_channels; ++channel) {
      for (int kernel_row = 0; kernel_row < kernel; ++kernel_row) {
        for_each_block(kernel, kMostTaps, [&](int tap, int taps) {
          with_constant<kMostTaps>(taps, [&](auto tap_count) {
            filter_gradient_block<channel_count(), tap_count()>(
                gradient, input.at(channel, first_row + kernel_row, tap), input.row, rows, columns,
                sums + (channel * kernel + kernel_row) * kernel + tap, filter_size);
          });
        });
      }
    }
  });
}

template <int kChannels, int kColumns, int kTaps>
inline void input_gradient_block(const Maps& gradient, int out_channels, const Filters& filters,
                                 int first_gradient_row, int first_kernel_row, int kernel_rows,
                                 int in_channel, int tap, int column, const Maps& input_gradient) {
  const int kernel = filters.kernel, filter_size = filters.size();
  constexpr int kWidth = kColumns + kTaps - 1;
  Vector sums[kChannels][kWidth];
  for (int c = 0; c < kChannels; ++c) {
    for (int x = 0; x < kWidth; ++x) sums[c][x] = *input_gradient.at(c, 0, column + tap + x);
  }
  for (int k = 0; k < kernel_rows; ++k) {
    const float* weight = filters.weights + (ptrdiff_t{in_channel} * kernel + first_kernel_row + k) * kernel + tap;
    const Vector* out = gradient.at(0, first_gradient_row - k, column);
    for (int o = 0; o < out_channels; ++o, weight += filter_size, out += gradient.channel) {
      for (int t = 0; t < kTaps; ++t) {
        for (int x = 0; x < kColumns; ++x) {
          for (int c = 0; c < kChannels; ++c) {
            sums[c][x + t] += weight[c * kernel * kernel + t] * out[x];
          }
        }
      }
    }
  }
  for (int c = 0; c < kChannels; ++c) {
    for (int x = 0; x < kWidth; ++x) *input_gradient.at(c, 0, column + tap + x) = sums[c][x];
  }
}

// The gradient with respect to the input, all rows and channels, over zeros in `input_gradient`.
inline void input_gradient(const Maps& gradient, int out_channels, int rows, int columns,
                           const Filters& filters, const Maps& input_gradient) {
  const int kernel = filters.kernel;
  for (int row = 0; row < rows + kernel - 1; ++row) {
    // Kernel row k carries gradient row `row - k`, which must be one of `rows`.
    const int first = row < rows ? 0 : row - rows + 1;
    const int last = row < kernel ? row : kernel - 1;
    for_each_block(filters.in_channels, kMostGradientChannels, [&](int channel, int channels) {
      with_constant<kMostGradientChannels>(channels, [&](auto channel_count) {
        for_each_block(kernel, kMostTaps, [&](int tap, int taps) {
          with_constant<kMostTaps>(taps, [&](auto tap_count) {
            for_each_block(columns, kMostGradientColumns, [&](int column, int size) {
              with_constant<kMostGradientColumns>(size, [&](auto column_count) {
                const Maps target{input_gradient.at(channel, row), input_gradient.row,
                                  input_gradient.channel};
                input_gradient_block<channel_count(), column_count(), tap_count()>(
                    gradient, out_channels, filters, row - first, first, last - first + 1, channel,
                    tap, column, target);
              });
            });
          });
        });
      });
    });
  }
}

}  // namespace convolution
}  // namespace lenet
