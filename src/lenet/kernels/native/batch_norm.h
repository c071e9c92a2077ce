// Batch normalisation: each channel of a convolution, or unit of a dense layer, is brought to mean 0
// and variance 1 over the whole batch, then scaled and shifted by learned numbers (Ioffe and Szegedy
// 2015).
//
// Both ways it needs two sums a channel over all tiles, so there a tile waits for the others: forward
// for the mean and the variance, backward for the gradients of scale and shift. Every tile leaves its
// part of a sum at a place of its own; the parts are added up in the tiles' order, in double.
#pragma once

#include <algorithm>
#include <cmath>

#include "network.h"

namespace lenet {

// What a layer's batch normalisation has besides its weights;
// `lenet.kernels._library.BatchNormState` has the same fields.
struct BatchNormState {
  double epsilon;
  double momentum;  // the share of the new batch in the running statistics
  float* running_mean;
  float* running_variance;
  int64_t* batches;
};

// 1 in the first `count` lanes, where there are images, and 0 in the others.
inline Vector lanes_with_images(int count) {
  float lanes[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = lane < count ? 1.0f : 0.0f;
  return load(lanes);
}

// Lanes without an image are 0 afterwards, whatever they were.
inline Vector only(Vector present, Vector x) { return present > Vector{} ? x : Vector{}; }

// What a tile's numbers x of one channel are multiplied with and added to. All is 0 in lanes without
// an image, so that these are nothing to the rest of the network.
struct NormFactors {
  Vector scale, shift;  // x * scale + shift is the output, before activation
  Vector mean;
  // With that output's gradient g, the gradient of x is g * scale + x * slope + offset.
  Vector slope, offset;

  Vector forward(Vector x) const { return x * scale + shift; }
  Vector backward(Vector x, Vector gradient) const {
    return gradient * scale + (x * slope + offset);
  }
};

// The batch normalisation of one layer in one batch after the other.
class BatchNorm {
 public:
  BatchNorm() = default;
  BatchNorm(const Layer& layer, int tiles)
      : BatchNorm(layer.has_batch_norm ? layer.outputs : 0, layer.rows * layer.columns, tiles) {}
  BatchNorm(int channels, int size, int tiles)
      : channels_(channels),
        size_(size),
        tile_means_(size_t(channels_) * tiles),
        tile_sums_(size_t(channels_) * tiles),
        tile_squares_(size_t(channels_) * tiles),
        scale_(channels_),
        shift_(channels_),
        slope_(channels_),
        offset_(channels_),
        mean_(channels_),
        inverse_deviation_(channels_) {}

  // Looks at a tile's numbers, `size` vectors a channel one after the other, of which the first
  // `count` lanes are images. Twice: the variance is not lost where the mean is far from 0.
  void look_at(const Vector* values, int tile, int count) {
    const Vector present = lanes_with_images(count);
    const float share = 1.0f / (static_cast<float>(count) * static_cast<float>(size_));
    for_each_place(tile, [&](int channel, int channels, size_t place) {
      Vector sums[kLanes] = {}, squares[kLanes] = {};
      float* const means = tile_means_.get() + place;
      const Vector* const first = values + size_t(channel) * size_;
      for (int c = 0; c < channels; ++c) sums[c] = only(present, sum_of(first + size_t(c) * size_));
      sum_lanes(sums, channels, means);
      for (int c = 0; c < channels; ++c) {
        means[c] *= share;
        sum_around(first + size_t(c) * size_, broadcast(means[c]), sums[c], squares[c]);
        sums[c] = only(present, sums[c]);
        squares[c] = only(present, squares[c]);
      }
      sum_lanes(sums, channels, tile_sums_.get() + place);
      sum_lanes(squares, channels, tile_squares_.get() + place);
    });
  }

  // Mean and variance of a batch of `count` images whose tiles have all been looked at.
  void finish_forward(int count, const float* scale, const float* shift,
                      const BatchNormState& state) {
    const double values = double(count) * size_;
    for (int channel = 0; channel < channels_; ++channel) {
      double mean = 0, squares = 0;
      for_each_tile(count, channel, [&](size_t place, double in_tile) {
        mean += in_tile * tile_means_.get()[place] + tile_sums_.get()[place];
      });
      mean /= values;
      for_each_tile(count, channel, [&](size_t place, double in_tile) {
        const double apart = tile_means_.get()[place] - mean, sum = tile_sums_.get()[place];
        squares += tile_squares_.get()[place] + apart * (in_tile * apart + 2 * sum);
      });
      mean_[channel] = mean;
      inverse_deviation_[channel] = 1 / std::sqrt(squares / values + state.epsilon);
      const double factor = scale[channel] * inverse_deviation_[channel];
      scale_[channel] = static_cast<float>(factor);
      shift_[channel] = static_cast<float>(shift[channel] - mean * factor);
      update(state.running_mean[channel], mean, state.momentum);
      update(state.running_variance[channel], squares / std::max(values - 1, 1.0), state.momentum);
    }
    ++*state.batches;
  }

  // Keeps a tile's sums over the gradient g of what was normalised: of g, and of g times how far the
  // number was from the mean. `sum_up(channel, factors, sum, product)` forms them.
  template <typename SumUp>
  void look_at_gradients(int tile, int count, SumUp sum_up) {
    const Vector present = lanes_with_images(count);
    for_each_place(tile, [&](int channel, int channels, size_t place) {
      Vector sums[kLanes] = {}, products[kLanes] = {};
      for (int c = 0; c < channels; ++c) {
        sum_up(channel + c, factors(channel + c, present), sums[c], products[c]);
      }
      sum_lanes(sums, channels, tile_sums_.get() + place);
      sum_lanes(products, channels, tile_squares_.get() + place);
    });
  }

  // The gradients of scale and shift, once all tiles have left their sums.
  void finish_backward(int count, float* scale_gradient, float* shift_gradient) {
    const double values = double(count) * size_;
    for (int channel = 0; channel < channels_; ++channel) {
      double sum = 0, product = 0;
      for_each_tile(count, channel, [&](size_t place, double) {
        sum += tile_sums_.get()[place];
        product += tile_squares_.get()[place];
      });
      const double mean = mean_[channel], factor = scale_[channel];
      product -= (mean - static_cast<float>(mean)) * sum;  // the tiles knew the mean as a float
      product *= inverse_deviation_[channel];
      scale_gradient[channel] = static_cast<float>(product);
      shift_gradient[channel] = static_cast<float>(sum);
      const double slope = -factor * inverse_deviation_[channel] * product / values;
      slope_[channel] = static_cast<float>(slope);
      offset_[channel] = static_cast<float>(-factor * sum / values - mean * slope);
    }
  }

  NormFactors factors(int channel, Vector present) const {
    const auto spread = [&](double value) {
      return only(present, broadcast(static_cast<float>(value)));
    };
    return {spread(scale_[channel]), spread(shift_[channel]), spread(mean_[channel]),
            spread(slope_[channel]), spread(offset_[channel])};
  }

 private:
  static constexpr int kSums = 4;  // side by side, as an addition waits for the one before

  // Calls `function(first channel, how many, where their sums are)` for a few channels at a time.
  template <typename Function>
  void for_each_place(int tile, Function function) const {
    for (int channel = 0; channel < channels_; channel += kLanes) {
      function(channel, std::min(kLanes, channels_ - channel), size_t(tile) * channels_ + channel);
    }
  }

  // Calls `function(where its sums are, how many numbers it has)` for each tile of a batch.
  template <typename Function>
  void for_each_tile(int count, int channel, Function function) const {
    for (int tile = 0; tile * kLanes < count; ++tile) {
      const double images = std::min(kLanes, count - tile * kLanes);
      function(size_t(tile) * channels_ + channel, images * size_);
    }
  }

  Vector sum_of(const Vector* values) const {
    Vector sums[kSums] = {};
    int i = 0;
    for (; i + kSums <= size_; i += kSums) {
      for (int k = 0; k < kSums; ++k) sums[k] += values[i + k];
    }
    for (; i < size_; ++i) sums[0] += values[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  // The sum of the distances from `center`, and of their squares.
  void sum_around(const Vector* values, Vector center, Vector& sum, Vector& square) const {
    Vector sums[kSums] = {}, squares[kSums] = {};
    const auto add = [&](int k, Vector distance) {
      sums[k] += distance;
      squares[k] += distance * distance;
    };
    int i = 0;
    for (; i + kSums <= size_; i += kSums) {
      for (int k = 0; k < kSums; ++k) add(k, values[i + k] - center);
    }
    for (; i < size_; ++i) add(0, values[i] - center);
    sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    square = (squares[0] + squares[1]) + (squares[2] + squares[3]);
  }

  static void update(float& running, double value, double momentum) {
    running = static_cast<float>(momentum * value + (1 - momentum) * running);
  }

  int channels_ = 0, size_ = 0;
  // [tile][channel]: forward the tile's mean, and around it the sums of distances and their squares;
  // backward the two sums over gradients.
  Memory<float> tile_means_, tile_sums_, tile_squares_;
  std::vector<float> scale_, shift_, slope_, offset_;
  std::vector<double> mean_, inverse_deviation_;
};

}  // namespace lenet
