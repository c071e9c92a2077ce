// Forward and backward as two calls, for PyTorch's autograd.
#pragma once

#include "prediction.h"
#include "training.h"

namespace lenet {

// What a batch's forward pass keeps for its backward pass.
class KeptBatch {
 public:
  KeptBatch(const Network& network, const float* const* parameters, const Images& images,
            size_t count, int threads, float* outputs)
      : network_(network), filters_(network), count_(count), tiles_(tiles_of(count)) {
    filters_.transform(parameters);
    threads = std::max(1, std::min(threads, static_cast<int>(tiles_.size())));
    std::vector<std::unique_ptr<winograd::Workspace>> workspaces(threads);
    ThreadPool::instance().run(threads, static_cast<int>(tiles_.size()), [&](int tile, int worker) {
      tiles_[tile] = std::make_unique<TileValues>(network_, true);
      if (!workspaces[worker]) {
        workspaces[worker] = std::make_unique<winograd::Workspace>(network_);
      }
      Scratch unused;  // activations are kept, so no convolution needs it
      const FastConvolutions fast{filters_, *workspaces[worker]};
      predict_tile(network_, parameters, images, size_t(tile) * kLanes, lanes(tile), *tiles_[tile],
                   unused, outputs, &fast);
    });
  }

  // From the outputs' gradient, rows of numbers, to all parameters' and, if `image_gradient` is not
  // null, to the images'. May be called again: nothing that was kept changes.
  void backward(const float* const* parameters, const float* output_gradient, int threads,
                float* const* gradients, float* image_gradient) const {
    const int count = static_cast<int>(tiles_.size());
    BatchSums batch(network_, count);
    threads = std::max(1, std::min(threads, count));
    struct Worker {
      TilePlace place;
      winograd::Workspace workspace;
      explicit Worker(const Network& network) : place(network), workspace(network) {}
    };
    std::vector<std::unique_ptr<Worker>> workers(threads);
    const Layer &first_layer = network_.layers.front(), &last_layer = network_.layers.back();
    const size_t output_size = network_.output_count(), image_size = network_.image_size();
    ThreadPool::instance().run(threads, count, [&](int tile, int worker) {
      if (!workers[worker]) workers[worker] = std::make_unique<Worker>(network_);
      TileValues& values = workers[worker]->place.values;
      TileGradients& tile_gradients = workers[worker]->place.gradients;
      winograd::Workspace& workspace = workers[worker]->workspace;
      const size_t first = size_t(tile) * kLanes;
      values.copy_from(*tiles_[tile]);
      read_rows(output_gradient + first * output_size, output_size, last_layer.outputs,
                last_layer.pooled_rows, last_layer.pooled_columns, lanes(tile),
                network_.output(network_.depth() - 1, tile_gradients.inputs.back()));
      for (int index = 0; index < network_.depth(); ++index) {
        restore_workspace(network_, index, values, workspace);
      }
      lenet::backward(network_, parameters, values, tile_gradients, {filters_, workspace},
                      image_gradient != nullptr, tile, batch);
      if (!image_gradient) return;
      Vector* const data = tile_gradients.inputs.front();
      const bool convolves = first_layer.is_convolution;
      write_rows(convolves ? first_layer.input(data) : Maps{data, 1, 1}, first_layer.inputs,
                 convolves ? first_layer.height : 1, convolves ? first_layer.width : 1,
                 lanes(tile), image_gradient + first * image_size, image_size);
    });
    sum_gradients(network_, batch, threads, gradients);
  }

 private:
  int lanes(int tile) const {
    return static_cast<int>(std::min<size_t>(kLanes, count_ - size_t(tile) * kLanes));
  }

  Network network_;
  winograd::Filters filters_;
  size_t count_;
  std::vector<std::unique_ptr<TileValues>> tiles_;
};

}  // namespace lenet
