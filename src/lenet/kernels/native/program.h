// A network as a list of operations: any that `lenet.models` can describe as a list of layers.
//
// Blocks that are fused (`network.h`) are faster and serve few networks. An operation is one layer, or
// the sum of two, made for every setting that it may have. It takes a tile from a value, [channel]
// [row][column] vectors in one piece, to the next: value 0 is the image, value i + 1 what operation i
// makes. What comes in comes from before, so the list is in an order in which it can be computed, and
// its reverse is one for the way back.
#pragma once

#include <algorithm>
#include <vector>

#include "functions.h"
#include "network.h"

namespace lenet {

enum class OperationKind : int32_t {
  kConvolution,
  kDense,
  kActivation,
  kPooling,
  kBatchNorm,  // over a batch, so for training only
  kScale,      // each channel times a number, plus one
  kDropout,    // for training only
  kPadding,
  kDistances,
  kSum
};

enum class PoolingMethod : int32_t { kAverage, kMax, kSum };

// All 32 bits wide, and no pointers, so that a list is the same bytes wherever it is made;
// `lenet.kernels._program.Operation` has the same fields.
struct Operation {
  OperationKind kind;
  int32_t input;  // the value that comes in
  int32_t other;  // the value that a sum adds to it
  int32_t channels, height, width;  // of what comes in; a row of units has height and width 1
  int32_t outputs, rows, columns;   // of what comes out
  int32_t kernel_height, kernel_width;
  int32_t down, right;   // from each place of the window to the next
  int32_t above, left;   // padding
  int32_t spread_down, spread_right;  // from each number of the window to the next
  int32_t groups;
  int32_t choice;      // the function of an activation, or the method of a pooling
  int32_t is_adaptive;  // a pooling's windows share the input out
  int32_t counts_padding;  // in an average
  int32_t draws_maps;      // a dropout, of whole maps
  int32_t weights, biases;  // their places among the parameters, or -1
  int32_t first_connection, connections;  // of a convolution that sees only some pairs of maps
  float number;  // a function's parameter, what a padding holds, the probability of a dropout

  size_t input_size() const { return size_t(channels) * height * width; }
  size_t map_size() const { return size_t(rows) * columns; }
  size_t output_size() const { return outputs * map_size(); }
  bool has_parameters() const { return weights >= 0 && kind != OperationKind::kDistances; }
  // Of a convolution:
  int group_channels() const { return channels / groups; }
  int group_filters() const { return outputs / groups; }
  size_t filter_size() const { return size_t(group_channels()) * kernel_height * kernel_width; }
  int padded_height() const { return height + 2 * above; }
  int padded_width() const { return width + 2 * left; }
  bool is_padded() const { return above > 0 || left > 0; }
  size_t padded_size() const { return size_t(channels) * padded_height() * padded_width(); }

  // Numbers of the whole filters or weights; of a convolution with connections, zeros among them.
  size_t weight_count() const {
    switch (kind) {
      case OperationKind::kConvolution: return outputs * filter_size();
      case OperationKind::kDense:
      case OperationKind::kDistances: return size_t(outputs) * channels;
      default: return outputs;
    }
  }
};

// The places where memory of some sizes begins, each wanted from one time to another, so that what is
// not wanted at the same time may share it.
struct Layout {
  struct Wanted {
    size_t size;
    int from, until;
  };
  std::vector<size_t> places;
  size_t size = 0;

  explicit Layout(const std::vector<Wanted>& wanted) {
    std::vector<size_t> taken;  // those that are wanted at the same time, by their places
    for (size_t i = 0; i < wanted.size(); ++i) {
      taken.clear();
      for (size_t j = 0; j < i; ++j) {
        if (wanted[j].from <= wanted[i].until && wanted[i].from <= wanted[j].until) {
          taken.push_back(j);
        }
      }
      std::sort(taken.begin(), taken.end(),
                [&](size_t a, size_t b) { return places[a] < places[b]; });
      size_t place = 0;
      for (size_t j : taken) {
        if (place + wanted[i].size <= places[j]) break;
        place = std::max(place, places[j] + wanted[j].size);
      }
      places.push_back(place);
      size = std::max(size, place + wanted[i].size);
    }
  }
};

struct Program {
  std::vector<Operation> operations;
  std::vector<int32_t> connections;      // pairs: a map of the output and one of the input
  std::vector<size_t> value_sizes;       // in numbers an image
  std::vector<int> last_uses;            // of each value: the last operation that takes it
  std::vector<char> needs_gradient;      // of each value: whether weights come before it
  std::vector<char> adds, other_adds;    // whether a later operation has left a gradient there
  std::vector<char> is_in_place;         // whether an activation may write over what comes in
  std::vector<size_t> parameter_counts;  // numbers of each parameter that is learnt
  std::vector<float> no_biases;          // zeros, as many as an operation may want
  size_t scratch_size = 0;               // vectors that an operation may want to work with

  Program(const Operation* first, int count, const int32_t* pairs, int pair_count)
      : operations(first, first + count), connections(pairs, pairs + 2 * size_t(pair_count)) {
    value_sizes.assign(1, operations.front().input_size());
    needs_gradient.assign(1, 0);
    for (Operation& operation : operations) flatten(operation);
    last_uses.assign(count + 1, count);
    std::vector<int> uses(count + 1);
    for (int i = 0; i < count; ++i) {
      const Operation& operation = operations[i];
      const bool is_sum = operation.kind == OperationKind::kSum;
      value_sizes.push_back(operation.output_size());
      needs_gradient.push_back(operation.has_parameters() || needs_gradient[operation.input] ||
                               (is_sum && needs_gradient[operation.other]));
      last_uses[operation.input] = i;
      ++uses[operation.input];
      if (is_sum) {
        last_uses[operation.other] = i;
        ++uses[operation.other];
      }
      count_parameters(operation);
    }
    last_uses[count] = count;
    adds.resize(count);
    other_adds.resize(count);
    is_in_place.resize(count);
    std::vector<char> is_left(count + 1);
    for (int i = count - 1; i >= 0; --i) {
      const Operation& operation = operations[i];
      adds[i] = is_left[operation.input];
      is_left[operation.input] = 1;
      if (operation.kind == OperationKind::kSum) {
        other_adds[i] = is_left[operation.other];
        is_left[operation.other] = 1;
      }
      is_in_place[i] = operation.kind == OperationKind::kActivation && operation.input > 0 &&
                       is_told_by_output(static_cast<Function>(operation.choice)) &&
                       uses[operation.input] == 1 && !looks_back(operations[operation.input - 1]);
    }
  }

  int depth() const { return static_cast<int>(operations.size()); }
  size_t output_size() const { return value_sizes.back(); }
  bool has_batch_norm() const {
    return std::any_of(operations.begin(), operations.end(), [](const Operation& one) {
      return one.kind == OperationKind::kBatchNorm;
    });
  }

  // Values that are all kept, for the way back.
  Layout all_values() const {
    std::vector<Layout::Wanted> wanted;
    for (size_t size : value_sizes) wanted.push_back({size, 0, 0});
    wanted.back().size += kRubbish;
    for (int i = 0; i < depth(); ++i) {
      if (is_in_place[i]) wanted[operations[i].input].size = 0;
    }
    Layout layout(wanted);
    for (int i = depth() - 1; i >= 0; --i) {  // a place comes before what is written over it
      if (is_in_place[i]) layout.places[operations[i].input] = layout.places[i + 1];
    }
    return layout;
  }

  // Values that make room for others when they are used up.
  Layout passing_values() const {
    std::vector<Layout::Wanted> wanted;
    for (int value = 0; value <= depth(); ++value) {
      wanted.push_back({value_sizes[value], value - 1, last_uses[value]});
    }
    return Layout(wanted);
  }

  // Gradients of values, in the time of the way back.
  Layout gradients() const {
    std::vector<Layout::Wanted> wanted;
    for (int value = depth(); value >= 0; --value) {
      const size_t size = needs_gradient[value] || value == depth() ? value_sizes[value] : 0;
      wanted.push_back({size, depth() - last_uses[value], depth() - value + 1});
    }
    wanted.front().size += kRubbish;
    Layout layout(wanted);
    std::reverse(layout.places.begin(), layout.places.end());
    return layout;
  }

 private:
  static constexpr int kRubbish = 1;  // the class that the loss `map` adds

  // A window of one number may go over a map as over one row, which leaves longer blocks.
  static void flatten(Operation& operation) {
    const bool is_one = operation.kind == OperationKind::kConvolution && !operation.is_padded() &&
                        operation.kernel_height == 1 && operation.kernel_width == 1 &&
                        operation.down == 1 && operation.right == 1;
    if (!is_one) return;
    operation.width *= operation.height;
    operation.columns *= operation.rows;
    operation.height = operation.rows = 1;
  }

  // Whether the way back through an operation wants what it has made.
  static bool looks_back(const Operation& operation) {
    return operation.kind == OperationKind::kActivation ||
           (operation.kind == OperationKind::kPooling &&
            static_cast<PoolingMethod>(operation.choice) == PoolingMethod::kMax);
  }

  void count_parameters(const Operation& operation) {
    size_t scratch = operation.input_size();  // of a gradient that is to be added
    if (operation.kind == OperationKind::kConvolution) {
      scratch += operation.padded_size();
      no_biases.resize(std::max<size_t>(no_biases.size(), operation.outputs));
      scratch += operation.filter_size() * convolution::kMostFilterChannels;
    } else if (operation.kind == OperationKind::kDense) {
      no_biases.resize(std::max<size_t>(no_biases.size(), operation.outputs));
    }
    scratch_size = std::max(scratch_size, scratch);
    if (!operation.has_parameters()) return;
    const auto set = [&](int place, size_t count) {
      if (place < 0) return;
      parameter_counts.resize(std::max<size_t>(parameter_counts.size(), place + 1));
      parameter_counts[place] = count;
    };
    const size_t kernel = size_t(operation.kernel_height) * operation.kernel_width;
    set(operation.weights,
        operation.connections ? operation.connections * kernel : operation.weight_count());
    set(operation.biases, operation.outputs);
  }
};

}  // namespace lenet
