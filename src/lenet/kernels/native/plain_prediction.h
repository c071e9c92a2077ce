// What a program makes of images, and how: every value of one image, and what one number is made of.
// Such a program has no batch norm and no dropout: `kScale` stands for the one, nothing for the other.
#pragma once

#include "plain.h"
#include "prediction.h"

namespace lenet {

// A program with weights of its own, ready for any number of callers at once.
class PlainPredictor {
 public:
  PlainPredictor(const Program& program, const float* const* parameters, const int64_t* counts,
                 int parameter_count)
      : program_(program), layout_(program_.passing_values()), weights_(program_) {
    for (int i = 0; i < parameter_count; ++i) {
      kept_.emplace_back(parameters[i], parameters[i] + counts[i]);
    }
    for (const auto& kept : kept_) parameters_.push_back(kept.data());
    weights_.use(parameters_.data());
  }
  PlainPredictor(const PlainPredictor&) = delete;

  void predict(const Images& images, size_t count, int threads, float* outputs) {
    ThreadPool::instance().run(threads, tiles_of(count), [&](int tile, int) {
      std::unique_ptr<Worker> own =
          workers_.borrow([&] { return std::make_unique<Worker>(program_, layout_); });
      const size_t first = size_t(tile) * kLanes, size = program_.output_size();
      const int lanes = static_cast<int>(std::min<size_t>(kLanes, count - first));
      const int numbers = static_cast<int>(program_.value_sizes.front());
      read_images(images, first, lanes, 1, 1, numbers, {own->values.at(0), numbers, numbers});
      for (int i = 0; i < program_.depth(); ++i) {
        forward_operation(program_, i, weights_, own->values, own->scratch.get());
      }
      write_row(own->values.at(program_.depth()), static_cast<int>(size), lanes,
                outputs + first * size, size);
      workers_.give_back(std::move(own));
    });
  }

 private:
  struct Worker {
    TileMemory values;
    Memory<Vector> scratch;
    Worker(const Program& program, const Layout& layout)
        : values(layout), scratch(program.scratch_size) {}
  };

  Program program_;
  Layout layout_;
  Weights weights_;
  std::vector<std::vector<float>> kept_;
  std::vector<const float*> parameters_;
  Lender<Worker> workers_;
};

// Where each value of `compute_values` begins, and behind the last one where it ends.
inline void value_offsets(const Program& program, int32_t* offsets) {
  int32_t offset = 0;
  for (size_t value = 0; value < program.value_sizes.size(); ++value) {
    offsets[value] = offset;
    offset += static_cast<int32_t>(program.value_sizes[value]);
  }
  offsets[program.value_sizes.size()] = offset;
}

// All values of one image, one after the other in one array; the image is the first.
inline void compute_values(const Program& program, const float* const* parameters,
                           const float* image, float* numbers) {
  std::vector<Layout::Wanted> wanted;
  for (size_t size : program.value_sizes) wanted.push_back({size, 0, 0});
  const Layout layout(wanted);
  const TileMemory values(layout);
  const Memory<Vector> scratch(program.scratch_size);
  Weights weights(program);
  weights.use(parameters);
  const int size = static_cast<int>(program.value_sizes.front());
  read_row(image, size, size, 1, values.at(0));
  for (int i = 0; i < program.depth(); ++i) {
    forward_operation(program, i, weights, values, scratch.get());
  }
  for (int value = 0; value <= program.depth(); ++value) {
    for (size_t k = 0; k < program.value_sizes[value]; ++k) {
      *numbers++ = values.at(value)[k][0];
    }
  }
}

// What one number of an operation's output is made of.
struct Contributions {
  int most;        // so many are written, though there may be more
  int32_t* inputs;  // their places among all values
  float* weights;  // what each is multiplied by
  int count = 0;

  void add(int64_t input, float weight) {
    if (count < most) {
      inputs[count] = static_cast<int32_t>(input);
      weights[count] = weight;
    }
    ++count;
  }
};

// The numbers that `place` of the output of operation `i` is made of, and their weights. The output is
// their weighted sum plus a bias, but for a function of one number, whose weight is how steep it is
// there, and for distances, whose weights are what the numbers are compared with.
inline void find_contributions(const Program& program, const float* const* parameters,
                               const float* values, int i, int place, Contributions& found) {
  const Operation& op = program.operations[i];
  std::vector<int32_t> offsets(program.value_sizes.size() + 1);
  value_offsets(program, offsets.data());
  const int64_t input = offsets[op.input];
  const int map = static_cast<int>(op.map_size()), channel = place / map, within = place % map;
  Weights weights(program);
  weights.use(parameters);
  switch (op.kind) {
    case OperationKind::kConvolution: {
      const float* weight = weights.of(i) + channel * op.filter_size();
      const int first = channel / op.group_filters() * op.group_channels();
      const int top = within / op.columns * op.down - op.above;
      const int start = within % op.columns * op.right - op.left;
      for (int c = first; c < first + op.group_channels(); ++c) {
        for (int k = 0; k < op.kernel_height * op.kernel_width; ++k, ++weight) {
          const int y = top + k / op.kernel_width * op.spread_down;
          const int x = start + k % op.kernel_width * op.spread_right;
          if (y < 0 || y >= op.height || x < 0 || x >= op.width) continue;
          found.add(input + (int64_t{c} * op.height + y) * op.width + x, *weight);
        }
      }
      return;
    }
    case OperationKind::kDense:
    case OperationKind::kDistances:
      for (int k = 0; k < op.channels; ++k) {
        found.add(input + k, weights.of(i)[size_t(place) * op.channels + k]);
      }
      return;
    case OperationKind::kPooling: {
      const float output = values[offsets[i + 1] + place];
      const int64_t of_map = input + int64_t{channel} * op.height * op.width;
      bool is_found = false;
      pooling::for_windows(op, [&](int at, const pooling::Window& rows,
                                   const pooling::Window& columns) {
        if (at != within) return;
        pooling::for_places(op, rows, columns, [&](int k) {
          if (!pooling::is_max(op)) {
            return found.add(of_map + k, pooling::share_of(op, rows, columns));
          }
          const bool is_it = !is_found && values[of_map + k] == output;
          is_found = is_found || is_it;
          found.add(of_map + k, is_it ? 1.0f : 0.0f);
        });
      });
      return;
    }
    case OperationKind::kActivation:
      with_function(static_cast<Function>(op.choice), [&](auto function) {
        const Vector x = broadcast(values[input + place]);
        const Vector y = broadcast(values[offsets[i + 1] + place]);
        found.add(input + place, slope_at<function()>(x, y, op.number)[0]);
      });
      return;
    case OperationKind::kScale: return found.add(input + place, weights.of(i)[channel]);
    case OperationKind::kPadding: {
      const int y = within / op.columns - op.above, x = within % op.columns - op.left;
      if (y < 0 || y >= op.height || x < 0 || x >= op.width) return;
      return found.add(input + (int64_t{channel} * op.height + y) * op.width + x, 1.0f);
    }
    case OperationKind::kSum:
      found.add(input + place, 1.0f);
      return found.add(int64_t{offsets[op.other]} + place, 1.0f);
    case OperationKind::kBatchNorm:
    case OperationKind::kDropout: return;
  }
}

}  // namespace lenet
