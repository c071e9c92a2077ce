// A whole training step: forward, loss, backward, update.
#pragma once

#include <algorithm>

#include "examples.h"
#include "loss.h"
#include "optimisers.h"
#include "threads.h"
#include "tile.h"

namespace lenet {

// Adds up what the tiles of a batch left behind: the gradients of all parameters but those of batch
// norms.
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
    float* weights = gradients[layer.first_parameter];
    float* biases = layer.has_batch_norm ? nullptr : gradients[layer.first_parameter + 1];
    if (layer.is_convolution) {
      const size_t weight_count = filter_gradient_count(layer), size = weight_count + layer.outputs;
      float* const total = sums.tile_gradients.get();  // the first tile's becomes the sum
      for (int tile = 1; tile < batch.tiles; ++tile) {
        for (size_t i = 0; i < size; ++i) total[i] += total[tile * size + i];
      }
      if (biases) std::copy_n(total + weight_count, layer.outputs, biases);
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
    if (!biases) return;
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
inline void update(const std::vector<size_t>& parameter_counts, const StepSettings& settings,
                   const float* const* gradients, float* const* parameters, float* const* state,
                   int threads) {
  constexpr size_t kTaskSize = 8192;
  struct Task {
    int parameter;
    size_t first, count;
  };
  std::vector<Task> tasks;
  double squares = 0;
  const int parameters_in_all = static_cast<int>(parameter_counts.size());
  for (int parameter = 0; parameter < parameters_in_all; ++parameter) {
    const size_t count = parameter_counts[parameter];
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

// What a tile takes along on its way forward and backward.
struct TilePlace {
  TileValues values;
  TileGradients gradients;
  int64_t labels[kLanes] = {};

  explicit TilePlace(const Network& network) : values(network, true), gradients(network) {}
};

// What one thread needs to take tiles there.
struct TileWorker {
  Scratch scratch;
  winograd::Workspace workspace;
  Memory<uint8_t> pixels;  // those of a tile, and a row

  explicit TileWorker(const Network& network)
      : scratch(network), workspace(network), pixels((kLanes + 1) * network.image_size()) {}
};

// Training steps of a network on batches of up to `batch_size` images; one caller at a time.
//
// Without batch norm a tile goes all the way forward and backward before the next one comes, and each
// thread has one place for its tile. A batch norm must know all tiles, so it ends a stretch of the
// way: all of them go that far, and each has a place of its own, where it waits for the others.
class Trainer {
 public:
  Trainer(const Network& network, int batch_size)
      : network_(network),
        filters_(network),
        batch_(network, tiles_of(batch_size)),
        losses_(batch_.tiles) {
    for (int index = 0; index < network_.depth(); ++index) {
      const Layer& layer = network_.layers[index];
      norms_.emplace_back(layer, batch_.tiles);
      if (layer.has_batch_norm) layers_with_norm_.push_back(index);
    }
  }

  // The first half of a step: gradients of a batch's mean loss. `norms` has the state of each batch
  // norm, one after the other. Between the halves the gradients may be changed, added up over several
  // processes for example.
  Loss compute_gradients(const Examples& examples, const Selection& selection, float label_smoothing,
                         int threads, const float* const* parameters, float* const* gradients,
                         const BatchNormState* norms) {
    return compute_gradients({parameters, gradients, examples, selection, label_smoothing, norms},
                             threads);
  }

  // The second half: the update of parameters and optimiser state.
  void update(const StepSettings& settings, int threads, float* const* parameters,
              const float* const* gradients, float* const* state) const {
    lenet::update(network_.parameter_counts, settings, gradients, parameters, state, threads);
  }

 private:
  struct Batch {
    const float* const* parameters;
    float* const* gradients;
    const Examples& examples;
    const Selection& selection;
    float label_smoothing;
    const BatchNormState* norms;

    int images_in(int tile) const { return std::min(kLanes, selection.count - tile * kLanes); }
  };

  // A tile on its way, and where it and the thread that takes it keep things.
  struct Tile {
    int number;
    int count;  // of images
    TilePlace& place;
    TileWorker& worker;
  };

  Loss compute_gradients(const Batch& batch, int threads) {
    batch_.tiles = tiles_of(batch.selection.count);
    threads = std::max(1, std::min(threads, batch_.tiles));
    grow(workers_, threads);
    grow(places_, network_.has_batch_norm() ? batch_.tiles : threads);
    filters_.transform(batch.parameters);

    const int norms = static_cast<int>(layers_with_norm_.size());
    for (int stretch = 0; stretch <= norms; ++stretch) {
      for_each_tile(batch, threads, stretch % 2, [&](const Tile& tile) {
        go_forward(batch, stretch, tile);
        if (stretch == norms) start_backward(batch, tile);
      });
      if (stretch < norms) finish_norm_forward(batch, stretch);
    }
    for (int stretch = norms - 1; stretch >= 0; --stretch) {
      finish_norm_backward(batch, stretch);
      for_each_tile(batch, threads, stretch % 2, [&](const Tile& tile) {
        go_backward(batch, layers_with_norm_[stretch], stretch - 1, tile);
      });
    }

    sum_gradients(network_, batch_, threads, batch.gradients);
    Loss total;
    for (int tile = 0; tile < batch_.tiles; ++tile) {
      total.sum += losses_[tile].sum;
      total.correct += losses_[tile].correct;
    }
    return total;
  }

  template <typename T>
  void grow(std::vector<std::unique_ptr<T>>& memory, int count) const {
    while (static_cast<int>(memory.size()) < count) {
      memory.push_back(std::make_unique<T>(network_));
    }
  }

  // Calls `function` for all tiles. Every other stretch begins where the last one ended, with tiles
  // that are still in the cache.
  template <typename Function>
  void for_each_tile(const Batch& batch, int threads, bool from_last, Function function) {
    ThreadPool::instance().run(threads, batch_.tiles, [&](int task, int worker) {
      const int number = from_last ? batch_.tiles - 1 - task : task;
      TilePlace& place = *places_[network_.has_batch_norm() ? number : worker];
      function(Tile{number, batch.images_in(number), place, *workers_[worker]});
    });
  }

  // From where the last stretch ended, or from the images, to the next batch norm or the end.
  void go_forward(const Batch& batch, int stretch, const Tile& tile) {
    TileValues& values = tile.place.values;
    const FastConvolutions fast{filters_, tile.worker.workspace};
    int index = 0;
    if (stretch == 0) {
      read_examples(batch, tile);
    } else {
      index = layers_with_norm_[stretch - 1];
      normalise(network_.layers[index], norms_[index], tile.count, values.inner[index],
                network_.output(index, values.inputs[index + 1]));
      ++index;
    }
    for (; index < network_.depth() && !network_.layers[index].has_batch_norm; ++index) {
      forward_layer(network_, index, batch.parameters, values, tile.worker.scratch, &fast);
    }
    if (index == network_.depth()) return;
    forward_to_norm(network_, index, batch.parameters, values, fast);
    norms_[index].look_at(values.inner[index], tile.number, tile.count);
  }

  // The loss, then back to the last batch norm or the beginning.
  void start_backward(const Batch& batch, const Tile& tile) {
    losses_[tile.number] = softmax_cross_entropy(
        tile.place.values.inputs.back(), static_cast<int>(network_.output_count()),
        tile.place.labels, tile.count, batch.label_smoothing,
        static_cast<float>(batch.selection.count), tile.place.gradients.inputs.back());
    go_backward(batch, network_.depth() - 1, static_cast<int>(layers_with_norm_.size()) - 1, tile);
  }

  // From layer `first` back to the batch norm of number `norm`, or to the beginning if that is -1.
  void go_backward(const Batch& batch, int first, int norm, const Tile& tile) {
    const int last = norm < 0 ? -1 : layers_with_norm_[norm];
    TilePlace& place = tile.place;
    const FastConvolutions fast{filters_, tile.worker.workspace};
    for (int index = first; index > last; --index) {
      if (network_.has_batch_norm()) {
        restore_workspace(network_, index, place.values, tile.worker.workspace);
      }
      const NormOfTile of_layer{norms_[index], tile.count};
      backward_layer(network_, index, batch.parameters, place.values, place.gradients, fast,
                     index > 0, tile.number, batch_,
                     network_.layers[index].has_batch_norm ? &of_layer : nullptr);
    }
    if (last < 0) return;
    look_at_gradients(network_.layers[last], norms_[last], tile.number, tile.count,
                      place.values.inner[last],
                      network_.output(last, place.gradients.inputs[last + 1]));
  }

  void finish_norm_forward(const Batch& batch, int norm) {
    const int index = layers_with_norm_[norm], first = network_.layers[index].first_parameter;
    norms_[index].finish_forward(batch.selection.count, batch.parameters[first + 1],
                                 batch.parameters[first + 2], batch.norms[norm]);
  }

  void finish_norm_backward(const Batch& batch, int norm) {
    const int index = layers_with_norm_[norm], first = network_.layers[index].first_parameter;
    norms_[index].finish_backward(batch.selection.count, batch.gradients[first + 1],
                                  batch.gradients[first + 2]);
  }

  // Puts a tile's images where the network begins.
  void read_examples(const Batch& batch, const Tile& tile) const {
    const Examples& examples = batch.examples;
    const Selection& selection = batch.selection;
    const size_t size = network_.image_size();
    uint8_t* const pixels = tile.worker.pixels.get();
    for (int lane = 0; lane < tile.count; ++lane) {
      const int image = tile.number * kLanes + lane;
      tile.place.labels[lane] = examples.labels[selection.indices[image]];
      copy_pixels(examples, selection, image, pixels + kLanes * size, pixels + lane * size);
    }
    const Images images{nullptr, pixels, examples.byte_values};
    read_images(network_, images, 0, tile.count, tile.place.values.inputs.front());
  }

  Network network_;
  winograd::Filters filters_;
  BatchSums batch_;
  std::vector<BatchNorm> norms_;  // one a layer; empty where there is none
  std::vector<int> layers_with_norm_;
  std::vector<Loss> losses_;
  std::vector<std::unique_ptr<TileWorker>> workers_;
  std::vector<std::unique_ptr<TilePlace>> places_;
};

}  // namespace lenet
