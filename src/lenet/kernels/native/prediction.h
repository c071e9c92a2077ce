// Inference: whole tiles side by side, and what is left over image by image.
#pragma once

#include "single_image.h"
#include "threads.h"
#include "tile.h"

namespace lenet {

// Memory that calls borrow and give back, so that several may be under way at once.
template <typename T>
class Lender {
 public:
  template <typename Make>
  std::unique_ptr<T> borrow(Make make) {
    {
      std::lock_guard<Mutex> lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<T> lent = std::move(idle_.back());
        idle_.pop_back();
        return lent;
      }
    }
    return make();
  }

  void give_back(std::unique_ptr<T> lent) {
    std::lock_guard<Mutex> lock(mutex_);
    idle_.push_back(std::move(lent));
  }

 private:
  Mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;
};

// The outputs of `count` images from `first` on, into their rows of `outputs`.
inline void predict_tile(const Network& network, const float* const* parameters,
                         const Images& images, size_t first, int count, TileValues& values,
                         Scratch& scratch, float* outputs,
                         const FastConvolutions* fast = nullptr) {
  read_images(network, images, first, count, values.inputs.front());
  forward(network, parameters, values, scratch, fast);
  const Layer& last = network.layers.back();
  write_rows(network.output(network.depth() - 1, values.inputs.back()), last.outputs,
             last.pooled_rows, last.pooled_columns, count,
             outputs + first * network.output_count(), network.output_count());
}

// The outputs of a batch, with the caller's weights.
inline void predict_batch(const Network& network, const float* const* parameters,
                          const Images& images, size_t count, int threads, float* outputs) {
  struct Worker {
    TileValues values;
    Scratch scratch;
    explicit Worker(const Network& network) : values(network, false), scratch(network) {}
  };
  const int tiles = tiles_of(count);
  std::vector<std::unique_ptr<Worker>> workers(std::max(1, std::min(threads, tiles)));
  ThreadPool::instance().run(threads, tiles, [&](int tile, int worker) {
    if (!workers[worker]) workers[worker] = std::make_unique<Worker>(network);
    const size_t first = size_t(tile) * kLanes;
    const int lanes = static_cast<int>(std::min<size_t>(kLanes, count - first));
    predict_tile(network, parameters, images, first, lanes, workers[worker]->values,
                 workers[worker]->scratch, outputs);
  });
}

// A network with weights of its own, ready for any number of callers at once.
class Predictor {
 public:
  Predictor(const Network& network, const float* const* parameters)
      : network_(network), packed_(network_, parameters) {
    for (int parameter = 0; parameter < 2 * network_.depth(); ++parameter) {
      const Layer& layer = network_.layers[parameter / 2];
      const size_t count = parameter % 2 ? layer.outputs : layer.weight_count();
      weights_.emplace_back(parameters[parameter], parameters[parameter] + count);
    }
    for (const std::vector<float>& weights : weights_) parameters_.push_back(weights.data());
  }

  // Rows of outputs, one an image.
  void predict(const Images& images, size_t count, int threads, float* outputs) {
    // A tile costs as much as about `kWorthATile` images alone, however many it holds.
    const int left = count % kLanes > kWorthATile ? 0 : static_cast<int>(count % kLanes);
    const int tiles = static_cast<int>((count - left + kLanes - 1) / kLanes);
    const int tasks_of_images = left ? 1 : 0;
    ThreadPool::instance().run(threads, tiles + tasks_of_images, [&](int task, int) {
      std::unique_ptr<Worker> own =
          workers_.borrow([&] { return std::make_unique<Worker>(network_); });
      const size_t first = size_t(task) * kLanes, size = network_.output_count();
      if (task == tiles) {
        for (size_t image = first; image < count; ++image) {
          single_image::read_image(network_, images, image, own->single);
          single_image::forward(network_, packed_, own->single);
          std::copy_n(own->single.inputs.back(), size, outputs + image * size);
        }
      } else {
        const int lanes = static_cast<int>(std::min<size_t>(kLanes, count - first));
        predict_tile(network_, parameters_.data(), images, first, lanes, own->tile, own->scratch,
                     outputs);
      }
      workers_.give_back(std::move(own));
    });
  }

 private:
  static constexpr int kWorthATile = kLanes / 2;

  struct Worker {
    TileValues tile;
    Scratch scratch;
    single_image::Values single;
    explicit Worker(const Network& network)
        : tile(network, false), scratch(network), single(network) {}
  };

  Network network_;
  PackedWeights packed_;
  std::vector<std::vector<float>> weights_;
  std::vector<const float*> parameters_;
  Lender<Worker> workers_;
};

}  // namespace lenet
