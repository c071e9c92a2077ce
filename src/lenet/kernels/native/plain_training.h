// A training step of a program; see `training.h`, which does the same for fused blocks.
#pragma once

#include "plain.h"
#include "training.h"

namespace lenet {

enum class LossKind : int32_t { kCrossEntropy = 0, kMap = 1 };

// What a step needs besides the batch; `lenet.kernels._program.StepInputs` has the same fields.
struct LossSettings {
  LossKind kind;
  float label_smoothing;
  uint64_t seed;  // of what dropout draws
};

// LeNet-5's loss: cross-entropy with one more class, rubbish, whose penalty is 1 (LeCun et al. 1998,
// equation 9). There is room for it behind logits and gradient.
inline Loss map_loss(Vector* logits, int classes, const int64_t* labels, int count,
                     float batch_size, Vector* gradient) {
  logits[classes] = broadcast(-1.0f);
  Loss loss = softmax_cross_entropy(logits, classes + 1, labels, count, 0, batch_size, gradient);
  loss.correct = 0;  // rubbish is no answer
  for (int lane = 0; lane < count; ++lane) {
    int best = 0;
    for (int c = 1; c < classes; ++c) {
      if (logits[c][lane] > logits[best][lane]) best = c;
    }
    loss.correct += best == labels[lane];
  }
  return loss;
}

// Steps of a program on batches of up to `batch_size` images; one caller at a time. As in `Trainer`, a
// batch norm ends a stretch of the way, which all tiles go before any goes on.
class PlainTrainer {
 public:
  PlainTrainer(const Program& program, int batch_size)
      : program_(program),
        value_layout_(program_.all_values()),
        gradient_layout_(program_.gradients()),
        weights_(program_),
        losses_(tiles_of(batch_size)),
        sums_(program_.depth()) {
    const int tiles = tiles_of(batch_size);
    for (int i = 0; i < program_.depth(); ++i) {
      const Operation& op = program_.operations[i];
      const bool is_norm = op.kind == OperationKind::kBatchNorm;
      norms_.emplace_back(is_norm ? op.outputs : 0, static_cast<int>(op.map_size()),
                          is_norm ? tiles : 0);
      if (is_norm) {
        norm_places_.push_back(i);
      } else if (op.kind == OperationKind::kDense) {
        sums_[i].numbers = Memory<float>(dense_stride(op) * kLanes * tiles);
        sums_[i].output_gradients = Memory<Vector>(size_t(op.outputs) * tiles);
      } else if (op.has_parameters()) {
        sums_[i].numbers = Memory<float>((op.weight_count() + op.outputs) * tiles);
      }
    }
  }
  PlainTrainer(const PlainTrainer&) = delete;

  // The first half of a step: gradients of a batch's mean loss. `parameters` has what is learnt, then
  // what distances are measured to; `norms` the state of each batch norm.
  Loss compute_gradients(const Examples& examples, const Selection& selection,
                         const LossSettings& settings, int threads,
                         const float* const* parameters, float* const* gradients,
                         const BatchNormState* norms) {
    const Batch batch{parameters, gradients, examples, selection, settings, norms};
    const int tiles = tiles_of(selection.count), stretches = static_cast<int>(norm_places_.size());
    threads = std::max(1, std::min(threads, tiles));
    while (static_cast<int>(workers_.size()) < threads) {
      workers_.push_back(std::make_unique<Worker>(program_));
    }
    while (static_cast<int>(places_.size()) < (stretches ? tiles : threads)) {
      places_.push_back(std::make_unique<Place>(value_layout_, gradient_layout_));
    }
    weights_.use(parameters);
    for (int stretch = 0; stretch <= stretches; ++stretch) {
      for_each_tile(batch, threads, stretch % 2, [&](const Tile& tile) {
        go_forward(batch, stretch, tile);
        if (stretch == stretches) start_backward(batch, tile);
      });
      if (stretch < stretches) finish_norm_forward(batch, stretch);
    }
    for (int stretch = stretches - 1; stretch >= 0; --stretch) {
      const int norm = norm_places_[stretch];
      const Operation& op = program_.operations[norm];
      norms_[norm].finish_backward(selection.count, gradients[op.weights], gradients[op.biases]);
      for_each_tile(batch, threads, stretch % 2,
                    [&](const Tile& tile) { go_backward(batch, norm, stretch - 1, tile); });
    }
    sum_gradients(tiles, threads, gradients);
    Loss total;
    for (int tile = 0; tile < tiles; ++tile) {
      total.sum += losses_[tile].sum;
      total.correct += losses_[tile].correct;
    }
    return total;
  }

  // The second half: the update of what is learnt and of the optimiser's state.
  void update(const StepSettings& settings, int threads, float* const* parameters,
              const float* const* gradients, float* const* state) const {
    lenet::update(program_.parameter_counts, settings, gradients, parameters, state, threads);
  }

 private:
  struct Worker {
    Memory<Vector> scratch;
    Memory<uint8_t> pixels;  // those of a tile, and a row
    explicit Worker(const Program& program)
        : scratch(program.scratch_size), pixels((kLanes + 1) * program.value_sizes.front()) {}
  };

  struct Place {
    TileMemory values, gradients;
    int64_t labels[kLanes] = {};
    Place(const Layout& of_values, const Layout& of_gradients)
        : values(of_values), gradients(of_gradients) {}
  };

  struct Batch {
    const float* const* parameters;
    float* const* gradients;
    const Examples& examples;
    const Selection& selection;
    const LossSettings& settings;
    const BatchNormState* norms;
  };

  struct Tile {
    int number;
    int count;  // of images
    Place& place;
    Worker& worker;
  };

  struct Sums {
    Memory<float> numbers;  // [tile][weights, then biases], or [image][unit] of a dense layer
    Memory<Vector> output_gradients;
  };

  template <typename Work>
  void for_each_tile(const Batch& batch, int threads, bool from_last, Work work) {
    const int tiles = tiles_of(batch.selection.count);
    ThreadPool::instance().run(threads, tiles, [&](int task, int worker) {
      const int number = from_last ? tiles - 1 - task : task;
      Place& place = *places_[norm_places_.empty() ? worker : number];
      const int count = std::min(kLanes, batch.selection.count - number * kLanes);
      work(Tile{number, count, place, *workers_[worker]});
    });
  }

  // Calls `work(draws)` with what dropout multiplies a tile by; null for other operations.
  template <typename Work>
  void with_draws(const Batch& batch, int i, const Tile& tile, Work work) const {
    const Operation& op = program_.operations[i];
    if (op.kind != OperationKind::kDropout) return work(nullptr);
    const dropout::Factors draws(op, i, batch.settings.seed, tile.number * kLanes);
    work(&draws);
  }

  // From where the last stretch ended, or from the images, to the next batch norm or the end.
  void go_forward(const Batch& batch, int stretch, const Tile& tile) {
    const TileMemory& values = tile.place.values;
    int i = 0;
    if (stretch == 0) {
      read_examples(batch, tile);
    } else {
      i = norm_places_[stretch - 1];
      normalise(i, tile);
      ++i;
    }
    for (; i < program_.depth(); ++i) {
      const Operation& op = program_.operations[i];
      if (op.kind == OperationKind::kBatchNorm) {
        return norms_[i].look_at(values.at(op.input), tile.number, tile.count);
      }
      with_draws(batch, i, tile, [&](const dropout::Factors* draws) {
        forward_operation(program_, i, weights_, values, tile.worker.scratch.get(), draws);
      });
    }
  }

  // The loss, then back to the last batch norm or the beginning.
  void start_backward(const Batch& batch, const Tile& tile) {
    Vector* const logits = tile.place.values.at(program_.depth());
    Vector* const gradient = tile.place.gradients.at(program_.depth());
    const int classes = static_cast<int>(program_.output_size());
    const float size = static_cast<float>(batch.selection.count);
    losses_[tile.number] =
        batch.settings.kind == LossKind::kMap
            ? map_loss(logits, classes, tile.place.labels, tile.count, size, gradient)
            : softmax_cross_entropy(logits, classes, tile.place.labels, tile.count,
                                    batch.settings.label_smoothing, size, gradient);
    go_backward(batch, program_.depth() - 1, static_cast<int>(norm_places_.size()) - 1, tile);
  }

  // From operation `first` back to the batch norm of number `norm`, or to the beginning if that is -1.
  void go_backward(const Batch& batch, int first, int norm, const Tile& tile) {
    const int last = norm < 0 ? -1 : norm_places_[norm];
    for (int i = first; i > last; --i) take_back(batch, i, tile);
    if (last >= 0) look_at_gradients(last, tile);
  }

  void take_back(const Batch& batch, int i, const Tile& tile) {
    const Operation& op = program_.operations[i];
    if (!program_.needs_gradient[i + 1]) return;
    const TileMemory &values = tile.place.values, &gradients = tile.place.gradients;
    const Vector* const gradient = gradients.at(i + 1);
    Vector* scratch = tile.worker.scratch.get();
    if (op.kind == OperationKind::kSum) {
      pass_on(op.input, program_.adds[i], gradient, gradients);
      pass_on(op.other, program_.other_adds[i], gradient, gradients);
      return;
    }
    Vector* target = program_.needs_gradient[op.input] ? gradients.at(op.input) : nullptr;
    const bool adds = target && program_.adds[i];
    if (adds) {
      target = scratch;
      scratch += op.input_size();
    }
    if (op.kind == OperationKind::kBatchNorm) {
      if (target) gradient_before_norm(i, tile, gradient, target);
    } else {
      with_draws(batch, i, tile, [&](const dropout::Factors* draws) {
        backward_operation(program_, i, weights_, values, gradient, scratch,
                           sums_of(i, tile.number), draws, target);
      });
    }
    if (adds) pass_on(op.input, true, target, gradients);
  }

  void pass_on(int value, bool adds, const Vector* gradient, const TileMemory& gradients) const {
    if (!program_.needs_gradient[value]) return;
    Vector* const target = gradients.at(value);
    const size_t size = program_.value_sizes[value];
    for (size_t k = 0; k < size; ++k) target[k] = adds ? target[k] + gradient[k] : gradient[k];
  }

  TileSums sums_of(int i, int tile) const {
    const Operation& op = program_.operations[i];
    if (op.kind == OperationKind::kDense) {
      return {nullptr, sums_[i].numbers.get() + size_t(tile) * kLanes * dense_stride(op),
              sums_[i].output_gradients.get() + size_t(tile) * op.outputs};
    }
    const size_t size = op.weight_count() + op.outputs;
    return {sums_[i].numbers.get() + (op.has_parameters() ? tile * size : 0), nullptr, nullptr};
  }

  void normalise(int i, const Tile& tile) const {
    const Operation& op = program_.operations[i];
    const Vector present = lanes_with_images(tile.count);
    const Vector* const input = tile.place.values.at(op.input);
    Vector* const output = tile.place.values.at(i + 1);
    for (int channel = 0; channel < op.outputs; ++channel) {
      const NormFactors factors = norms_[i].factors(channel, present);
      const size_t first = channel * op.map_size();
      for (size_t k = first; k < first + op.map_size(); ++k) output[k] = factors.forward(input[k]);
    }
  }

  void look_at_gradients(int i, const Tile& tile) {
    const Operation& op = program_.operations[i];
    const Vector present = lanes_with_images(tile.count);
    const Vector* const input = tile.place.values.at(op.input);
    const Vector* const gradient = tile.place.gradients.at(i + 1);
    norms_[i].look_at_gradients(
        tile.number, tile.count,
        [&](int channel, const NormFactors& factors, Vector& sum, Vector& product) {
          const size_t first = channel * op.map_size();
          for (size_t k = first; k < first + op.map_size(); ++k) {
            sum += gradient[k];
            product += gradient[k] * (input[k] - factors.mean);
          }
          sum = only(present, sum);
          product = only(present, product);
        });
  }

  void gradient_before_norm(int i, const Tile& tile, const Vector* gradient,
                            Vector* target) const {
    const Operation& op = program_.operations[i];
    const Vector present = lanes_with_images(tile.count);
    const Vector* const input = tile.place.values.at(op.input);
    for (int channel = 0; channel < op.outputs; ++channel) {
      const NormFactors factors = norms_[i].factors(channel, present);
      const size_t first = channel * op.map_size();
      for (size_t k = first; k < first + op.map_size(); ++k) {
        target[k] = factors.backward(input[k], gradient[k]);
      }
    }
  }

  void finish_norm_forward(const Batch& batch, int stretch) {
    const int i = norm_places_[stretch];
    BatchNormState state = batch.norms[stretch];
    if (state.momentum < 0) state.momentum = 1.0 / double(*state.batches + 1);  // of all alike
    norms_[i].finish_forward(batch.selection.count, weights_.of(i), weights_.biases(i), state);
  }

  // Adds up what the tiles have left behind.
  void sum_gradients(int tiles, int threads, float* const* gradients) {
    struct Task {
      int operation;
      size_t first, count;  // numbers; units of a dense layer
    };
    constexpr size_t kNumbers = 4096;
    std::vector<Task> tasks;
    for (int i = 0; i < program_.depth(); ++i) {
      const Operation& op = program_.operations[i];
      if (op.kind == OperationKind::kBatchNorm || !op.has_parameters()) continue;
      const bool is_dense = op.kind == OperationKind::kDense;
      const size_t size = is_dense ? op.outputs : op.weight_count() + op.outputs;
      const size_t most = is_dense ? dense::kMostGradientUnits : kNumbers;
      for (size_t first = 0; first < size; first += most) {
        tasks.push_back({i, first, std::min(most, size - first)});
      }
    }
    ThreadPool::instance().run(threads, static_cast<int>(tasks.size()), [&](int number, int) {
      const auto [i, first, count] = tasks[number];
      const Operation& op = program_.operations[i];
      float* const biases = op.biases < 0 ? nullptr : gradients[op.biases];
      if (op.kind == OperationKind::kDense) {
        return sum_of_dense(i, static_cast<int>(first), static_cast<int>(count), tiles,
                            gradients[op.weights], biases);
      }
      const size_t weight_count = op.weight_count(), size = weight_count + op.outputs;
      float* const total = sums_[i].numbers.get();  // the first tile's becomes the sum
      for (int tile = 1; tile < tiles; ++tile) {
        const float* const part = total + tile * size;
        for (size_t k = first; k < first + count; ++k) total[k] += part[k];
      }
      for (size_t k = first; k < first + count; ++k) {
        if (k < weight_count && op.connections == 0) gradients[op.weights][k] = total[k];
        if (k >= weight_count && biases) biases[k - weight_count] = total[k];
      }
    });
    for (int i = 0; i < program_.depth(); ++i) {
      const Operation& op = program_.operations[i];
      weights_.for_connections(op, [&](size_t kept, size_t place, size_t count) {
        std::copy_n(sums_[i].numbers.get() + place, count, gradients[op.weights] + kept);
      });
    }
  }

  void sum_of_dense(int i, int first, int count, int tiles, float* weights, float* biases) const {
    const Operation& op = program_.operations[i];
    const dense::Batch whole{sums_[i].numbers.get(), static_cast<int>(dense_stride(op)),
                             sums_[i].output_gradients.get(), op.outputs, tiles};
    dense::weight_gradient(whole, first, count, weights, op.channels);
    if (!biases) return;
    for (int o = first; o < first + count; ++o) {
      Vector sum{};
      for (int tile = 0; tile < tiles; ++tile) {
        sum += whole.gradients[ptrdiff_t{tile} * op.outputs + o];
      }
      biases[o] = sum_of_lanes(sum);
    }
  }

  // Puts a tile's images where the program begins.
  void read_examples(const Batch& batch, const Tile& tile) const {
    const size_t size = program_.value_sizes.front();
    uint8_t* const pixels = tile.worker.pixels.get();
    for (int lane = 0; lane < tile.count; ++lane) {
      const int image = tile.number * kLanes + lane;
      tile.place.labels[lane] = batch.examples.labels[batch.selection.indices[image]];
      copy_pixels(batch.examples, batch.selection, image, pixels + kLanes * size,
                  pixels + lane * size);
    }
    const int numbers = static_cast<int>(size);
    read_images({nullptr, pixels, batch.examples.byte_values}, 0, tile.count, 1, 1, numbers,
                {tile.place.values.at(0), numbers, numbers});
  }

  Program program_;
  Layout value_layout_, gradient_layout_;
  Weights weights_;
  std::vector<Loss> losses_;
  std::vector<Sums> sums_;        // one an operation
  std::vector<BatchNorm> norms_;  // one an operation; empty where there is none
  std::vector<int> norm_places_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Place>> places_;
};

}  // namespace lenet
