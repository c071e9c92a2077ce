// A whole training step: forward, loss, backward, update.
#pragma once

#include <algorithm>

#include "examples.h"
#include "loss.h"
#include "optimisers.h"
#include "threads.h"
#include "tile.h"

namespace lenet {

// Adds up what the tiles of a batch left behind: the gradients of all parameters.
inline void sum_gradients(const Network& network, BatchSums& batch, int threads,
                          float* const* gradients) {
  struct Task {
    int layer, first, count;  // outputs of a dense layer; a convolution is one task
  };
  std::vector<Task> tasks;
  for (int index = 0; index < network.depth(); ++index) {
    const Layer& layer = network.layers[index];
    const int most = layer.is_convolution ? layer.outputs : dense::kMostGradientUnits;
    for_each_block(layer.outputs, most, [&](int first, int count) {
      tasks.push_back({index, first, count});
    });
  }
  ThreadPool::instance().run(threads, static_cast<int>(tasks.size()), [&](int number, int) {
    const Task& task = tasks[number];
    const Layer& layer = network.layers[task.layer];
    const BatchSums::OfLayer& sums = batch.layers[task.layer];
    float* weights = gradients[2 * task.layer];
    float* biases = gradients[2 * task.layer + 1];
    if (layer.is_convolution) {
      const size_t weight_count = filter_gradient_count(layer), size = weight_count + layer.outputs;
      float* const total = sums.tile_gradients.get();  // the first tile's becomes the sum
      for (int tile = 1; tile < batch.tiles; ++tile) {
        for (size_t i = 0; i < size; ++i) total[i] += total[tile * size + i];
      }
      std::copy_n(total + weight_count, layer.outputs, biases);
      if (winograd::serves(layer)) {
        winograd::finish_filter_gradient(layer, total, weights);
      } else {
        std::copy_n(total, weight_count, weights);
      }
      return;
    }
    const dense::Batch whole{sums.inputs.get(), layer.input_stride(), sums.output_gradients.get(),
                             layer.outputs, batch.tiles};
    dense::weight_gradient(whole, task.first, task.count, weights, layer.inputs);
    for (int o = task.first; o < task.first + task.count; ++o) {
      Vector sum{};
      for (int tile = 0; tile < batch.tiles; ++tile) {
        sum += whole.gradients[ptrdiff_t{tile} * layer.outputs + o];
      }
      biases[o] = sum_of_lanes(sum);
    }
  });
}

// Changes the parameters by their gradients. `state` has two arrays a parameter: SGD's momentum
// buffer and null, or Adam's two means.
inline void update(const Network& network, const StepSettings& settings,
                   const float* const* gradients, float* const* parameters, float* const* state,
                   int threads) {
  constexpr size_t kTaskSize = 8192;
  struct Task {
    int parameter;
    size_t first, count;
  };
  std::vector<Task> tasks;
  double squares = 0;
  for (int parameter = 0; parameter < 2 * network.depth(); ++parameter) {
    const Layer& layer = network.layers[parameter / 2];
    const size_t count = parameter % 2 ? layer.outputs : layer.weight_count();
    for (size_t first = 0; first < count; first += kTaskSize) {
      tasks.push_back({parameter, first, std::min(kTaskSize, count - first)});
    }
    if (settings.largest_norm > 0) squares += optimisers::sum_of_squares(gradients[parameter], count);
  }
  float scale = 1.0f;  // as torch.nn.utils.clip_grad_norm_ has it
  if (settings.largest_norm > 0) {
    scale = static_cast<float>(std::min(settings.largest_norm / (std::sqrt(squares) + 1e-6), 1.0));
  }
  ThreadPool::instance().run(threads, static_cast<int>(tasks.size()), [&](int number, int) {
    const auto [parameter, first, count] = tasks[number];
    const float* gradient = gradients[parameter] + first;
    float* weight = parameters[parameter] + first;
    float* one = state[2 * parameter];
    float* two = state[2 * parameter + 1];
    if (settings.kind == OptimiserKind::kSgd) {
      optimisers::sgd(settings, scale, count, gradient, weight, one ? one + first : nullptr);
    } else {
      optimisers::adam(settings, scale, count, gradient, weight, one + first, two + first);
    }
  });
}

// What one thread needs to take tiles forward and backward.
struct TileWorker {
  TileValues values;
  TileGradients gradients;
  Scratch scratch;
  winograd::Workspace workspace;
  Memory<uint8_t> pixels;  // those of a tile, and a row
  explicit TileWorker(const Network& network)
      : values(network, true),
        gradients(network),
        scratch(network),
        workspace(network),
        pixels((kLanes + 1) * network.image_size()) {}
};

// Training steps of a network on batches of up to `batch_size` images; one caller at a time.
class Trainer {
 public:
  Trainer(const Network& network, int batch_size)
      : network_(network),
        filters_(network),
        batch_(network, tiles_of(batch_size)),
        losses_(batch_.tiles) {}

  // Gradients of a batch's mean loss, then the update of parameters and optimiser state.
  Loss step(const Examples& examples, const Selection& selection, const StepSettings& settings,
            int threads, float* const* parameters, float* const* gradients, float* const* state) {
    const Loss loss =
        compute_gradients(parameters, examples, selection,
                          static_cast<float>(settings.label_smoothing), threads, gradients);
    update(network_, settings, gradients, parameters, state, threads);
    return loss;
  }

 private:
  Loss compute_gradients(const float* const* parameters, const Examples& examples,
                         const Selection& selection, float label_smoothing, int threads,
                         float* const* gradients) {
    batch_.tiles = tiles_of(selection.count);
    threads = std::max(1, std::min(threads, batch_.tiles));
    while (static_cast<int>(workers_.size()) < threads) {
      workers_.push_back(std::make_unique<TileWorker>(network_));
    }
    filters_.transform(parameters);
    ThreadPool::instance().run(threads, batch_.tiles, [&](int tile, int worker) {
      TileWorker& own = *workers_[worker];
      const int first = tile * kLanes, count = std::min(kLanes, selection.count - first);
      int64_t labels[kLanes];
      read_examples(examples, selection, first, count, own, labels);
      const FastConvolutions fast{filters_, own.workspace};
      forward(network_, parameters, own.values, own.scratch, &fast);
      losses_[tile] = softmax_cross_entropy(
          own.values.inputs.back(), static_cast<int>(network_.output_count()), labels, count,
          label_smoothing, static_cast<float>(selection.count), own.gradients.inputs.back());
      backward(network_, parameters, own.values, own.gradients, fast, false, tile,
               batch_);
    });
    sum_gradients(network_, batch_, threads, gradients);
    Loss total;
    for (int tile = 0; tile < batch_.tiles; ++tile) {
      total.sum += losses_[tile].sum;
      total.correct += losses_[tile].correct;
    }
    return total;
  }

  // Puts a tile's images where the network begins.
  void read_examples(const Examples& examples, const Selection& selection, int first, int count,
                     TileWorker& worker, int64_t* labels) const {
    const size_t size = network_.image_size();
    uint8_t* const pixels = worker.pixels.get();
    for (int lane = 0; lane < count; ++lane) {
      labels[lane] = examples.labels[selection.indices[first + lane]];
      copy_pixels(examples, selection, first + lane, pixels + kLanes * size, pixels + lane * size);
    }
    const Images images{nullptr, pixels, examples.byte_values};
    read_images(network_, images, 0, count, worker.values.inputs.front());
  }

  Network network_;
  winograd::Filters filters_;
  BatchSums batch_;
  std::vector<Loss> losses_;
  std::vector<std::unique_ptr<TileWorker>> workers_;
};

}  // namespace lenet
