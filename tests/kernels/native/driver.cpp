// Random networks through the library's C interface, to be compiled with sanitizers.
//
//   driver networks SEED COUNT    everything that the interface offers, on COUNT networks
//   driver callers SEED COUNT     the same from two threads at once, and one predictor for both
//   driver scarce SEED COUNT      the same where no thread can be started
//
// Ends with a message and status 1 where results differ that should not.

#include <pthread.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>

#include "interface.cpp"
#include "programs.cpp"

namespace {

using lenet::kLanes;

#define REQUIRE(condition)                                                          \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                 \
    }                                                                               \
  } while (false)

// Numbers that end where their memory ends, and are aligned no better than they must be.
template <typename T>
class Array {
 public:
  explicit Array(size_t count, T value = T()) : values_(count + 1, value) {}
  T* data() { return values_.data() + 1; }
  const T* data() const { return values_.data() + 1; }
  size_t size() const { return values_.size() - 1; }
  T& operator[](size_t index) { return values_[index + 1]; }
  const T& operator[](size_t index) const { return values_[index + 1]; }

 private:
  std::vector<T> values_;
};

using Numbers = Array<float>;

// The same numbers, where any nan is as good as another.
bool same(const Numbers& a, const Numbers& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0) return false;
  }
  return true;
}

bool same(const std::vector<Numbers>& a, const std::vector<Numbers>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Numbers& one, const Numbers& other) { return same(one, other); });
}

std::vector<float*> pointers(std::vector<Numbers>& arrays) {
  std::vector<float*> result;
  for (Numbers& array : arrays) result.push_back(array.data());
  return result;
}

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  int whole(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(engine_);
  }
  bool once_in(int times) { return whole(1, times) == 1; }

  float number(bool wild) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kRare[] = {NAN,   kInfinity, -kInfinity, 3e38f, -3e38f,
                               1e30f, -1e30f,    1e-40f,     0.0f,  -0.0f};
    if (wild && once_in(20)) return kRare[whole(0, 9)];
    return std::uniform_real_distribution<float>(-1, 1)(engine_);
  }

  Numbers numbers(size_t count, bool wild) {
    Numbers result(count);
    for (size_t i = 0; i < count; ++i) result[i] = number(wild);
    return result;
  }

 private:
  std::mt19937 engine_;
};

// Images with their labels, and what a pixel's values stand for.
struct RandomExamples {
  Numbers values;
  Array<uint8_t> pixels;
  Array<int64_t> labels;

  RandomExamples(Random& random, bool wild, int images, size_t image_size, size_t classes)
      : values(random.numbers(256, wild)), pixels(images * image_size), labels(images) {
    for (size_t i = 0; i < pixels.size(); ++i) {
      pixels[i] = static_cast<uint8_t>(random.whole(0, 255));
    }
    for (int i = 0; i < images; ++i) labels[i] = random.whole(0, static_cast<int>(classes) - 1);
  }
};

struct RandomNetwork {
  std::vector<lenet::LayerDescription> layers;
  std::vector<Numbers> parameters;
  int channels = 1, height = 1, width = 1;  // of an image
  size_t outputs = 0;

  size_t image_size() const { return size_t(channels) * height * width; }

  // `with_norms` lets about every other layer have a batch norm.
  RandomNetwork(Random& random, bool wild, bool with_norms = false) {
    const int convolutions = random.whole(0, 3);
    const int dense = random.whole(convolutions ? 0 : 1, 3);
    channels = random.whole(1, 4);
    height = random.whole(1, convolutions > 1 ? 25 : 13);
    width = random.whole(1, convolutions > 1 ? 25 : 13);
    int maps = channels, rows = height, columns = width;
    for (int i = 0; i < convolutions; ++i) {
      // Half of them as Winograd's way takes them.
      const bool fast = random.once_in(2);
      const int kernel = fast ? 3 + 2 * random.whole(0, 1) : random.whole(1, 7);
      const int padding = random.whole(0, 3);
      const int out_rows = rows + 2 * padding - kernel + 1;
      const int out_columns = columns + 2 * padding - kernel + 1;
      if (out_rows < 2 || out_columns < 2) continue;
      const int filters = random.once_in(6) ? random.whole(1, 20) : random.whole(1, 7);
      add({1, maps, rows, columns, padding, kernel, filters, activation(random),
           static_cast<lenet::Pooling>(random.whole(0, 1)), with_norms && random.once_in(2)},
          size_t(filters) * maps * kernel * kernel, random, wild);
      maps = filters, rows = out_rows / 2, columns = out_columns / 2;
    }
    int units = maps * rows * columns;
    for (int i = 0; i < std::max<int>(dense, layers.empty()); ++i) {
      const int outputs_now = random.whole(1, 40);
      add({0, units, 0, 0, 0, 0, outputs_now, activation(random), lenet::Pooling::kAverage,
           with_norms && random.once_in(2)},
          size_t(units) * outputs_now, random, wild);
      units = outputs_now;
    }
    outputs = units;
  }

 private:
  static lenet::Activation activation(Random& random) {
    return static_cast<lenet::Activation>(random.whole(0, 3));
  }

  void add(const lenet::LayerDescription& layer, size_t weights, Random& random, bool wild) {
    layers.push_back(layer);
    parameters.push_back(random.numbers(weights, wild));
    parameters.push_back(random.numbers(layer.outputs, wild));
    if (layer.has_batch_norm) parameters.push_back(random.numbers(layer.outputs, wild));
  }
};

// The running statistics of a network's batch norms.
struct Norms {
  std::vector<Numbers> statistics;  // two each
  Array<int64_t> batches;
  std::vector<lenet::BatchNormState> states;

  explicit Norms(const RandomNetwork& shape) : batches(shape.layers.size()) {
    for (const lenet::LayerDescription& layer : shape.layers) {
      if (!layer.has_batch_norm) continue;
      statistics.insert(statistics.end(), 2, Numbers(layer.outputs, 1.0f));
    }
    for (size_t i = 0; i < statistics.size(); i += 2) {
      states.push_back({1e-5, 0.1, statistics[i].data(), statistics[i + 1].data(),
                        batches.data() + i / 2});
    }
  }
};

void predict(const lenet::Network* network, RandomNetwork& shape, Random& random, bool wild) {
  const size_t count = random.once_in(10) ? 0 : random.whole(1, 40), size = shape.image_size();
  const int threads = random.whole(1, 4);
  const Numbers numbers = random.numbers(count * size, wild), values = random.numbers(256, wild);
  Array<uint8_t> bytes(count * size);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(random.whole(0, 255));
  const std::vector<float*> parameters = pointers(shape.parameters);
  lenet::Predictor* predictor = lenet_predictor_new(network, parameters.data());
  REQUIRE(predictor);
  for (const bool of_bytes : {false, true}) {
    const auto images = [&](size_t first) {
      return of_bytes ? lenet::Images{nullptr, bytes.data() + first * size, values.data()}
                      : lenet::Images{numbers.data() + first * size, nullptr, nullptr};
    };
    const lenet::Images all = images(0);
    Numbers together(count * shape.outputs), alone(count * shape.outputs), forward = alone;
    REQUIRE(lenet_predict(predictor, &all, count, threads, together.data()));
    for (size_t image = 0; image < count; ++image) {
      const lenet::Images one = images(image);
      REQUIRE(lenet_predict(predictor, &one, 1, 1, alone.data() + image * shape.outputs));
    }
    REQUIRE(same(together, alone));
    REQUIRE(lenet_forward(network, parameters.data(), &all, count, threads, forward.data()));
    REQUIRE(same(together, forward));
  }
  lenet_predictor_free(predictor);
}

void differentiate(const lenet::Network* network, RandomNetwork& shape, Random& random, bool wild) {
  const size_t count = random.whole(1, 40);
  const int threads = random.whole(1, 4);
  const Numbers numbers = random.numbers(count * shape.image_size(), wild);
  const Numbers output_gradient = random.numbers(count * shape.outputs, wild);
  const lenet::Images images{numbers.data(), nullptr, nullptr};
  const std::vector<float*> parameters = pointers(shape.parameters);
  Numbers outputs(count * shape.outputs);
  lenet::KeptBatch* kept = lenet_kept_batch_new(network, parameters.data(), &images, count,
                                                threads, outputs.data());
  REQUIRE(kept);
  std::vector<Numbers> gradients = shape.parameters, again = shape.parameters;
  Numbers image_gradient(count * shape.image_size());
  REQUIRE(lenet_kept_batch_backward(kept, parameters.data(), output_gradient.data(), threads,
                                    pointers(gradients).data(), image_gradient.data()));
  REQUIRE(lenet_kept_batch_backward(kept, parameters.data(), output_gradient.data(), 1,
                                    pointers(again).data(), nullptr));
  REQUIRE(same(gradients, again));
  lenet_kept_batch_free(kept);
}

int64_t shift(Random& random, int size) {
  switch (random.whole(0, 9)) {
    case 0: return size + random.whole(0, 3);
    case 1: return -size - random.whole(0, 3);
    case 2: return std::numeric_limits<int64_t>::max();
    case 3: return std::numeric_limits<int64_t>::min();
    default: return random.whole(-3, 3);
  }
}

void train(const lenet::Network* network, RandomNetwork& shape, Random& random, bool wild) {
  const int batch_size = random.whole(1, 40), images = random.whole(1, 50);
  RandomExamples drawn(random, wild, images, shape.image_size(), shape.outputs);
  const lenet::Examples examples{drawn.pixels.data(), drawn.values.data(), drawn.labels.data(),
                                 shape.channels,      shape.height,        shape.width};

  lenet::StepSettings settings{};
  settings.kind = static_cast<lenet::OptimiserKind>(random.whole(0, 2));
  settings.nesterov = random.once_in(2);
  settings.learning_rate = 0.1;
  settings.weight_decay = random.once_in(2) ? 0.01 : 0;
  settings.momentum = random.once_in(2) ? 0.9 : 0;
  settings.beta1 = 0.9, settings.beta2 = 0.999, settings.epsilon = 1e-8;
  settings.largest_norm = random.once_in(2) ? 0.5 : 0;
  const double label_smoothing = random.once_in(2) ? 0.1 : 0;
  const bool adaptive = settings.kind != lenet::OptimiserKind::kSgd;

  // Twice the same training, on one thread and on several.
  struct Training {
    lenet::Trainer* trainer;
    std::vector<Numbers> parameters, gradients, state;
    std::vector<float*> state_pointers;
    Norms norms;
  };
  std::vector<Training> trainings;
  for (int i = 0; i < 2; ++i) {
    Training training{lenet_trainer_new(network, batch_size), shape.parameters, shape.parameters,
                      {}, {}, Norms(shape)};
    REQUIRE(training.trainer);
    for (const Numbers& parameter : shape.parameters) {
      for (int buffer = 0; buffer < 2; ++buffer) training.state.emplace_back(parameter.size());
    }
    training.state_pointers = pointers(training.state);
    for (size_t buffer = 0; buffer < training.state.size(); ++buffer) {
      const bool used = adaptive || (settings.momentum > 0 && buffer % 2 == 0);
      if (!used) training.state_pointers[buffer] = nullptr;
    }
    trainings.push_back(std::move(training));
  }

  for (settings.step = 1; settings.step <= 3; ++settings.step) {
    const int count = random.whole(1, batch_size);
    Array<int64_t> indices(count), down(count), right(count);
    Array<uint8_t> mirrored(count);
    for (int i = 0; i < count; ++i) {
      indices[i] = random.whole(0, images - 1);
      down[i] = shift(random, shape.height), right[i] = shift(random, shape.width);
      mirrored[i] = random.once_in(2);
    }
    const bool moves = random.once_in(2);
    const lenet::Selection selection{indices.data(), random.once_in(2) ? mirrored.data() : nullptr,
                                     moves ? down.data() : nullptr, moves ? right.data() : nullptr,
                                     count};
    lenet::Loss losses[2];
    for (int i = 0; i < 2; ++i) {
      Training& one = trainings[i];
      const int threads = i ? random.whole(2, 4) : 1;
      REQUIRE(lenet_trainer_gradients(one.trainer, &examples, &selection, label_smoothing, threads,
                                      pointers(one.parameters).data(),
                                      pointers(one.gradients).data(), one.norms.states.data(),
                                      &losses[i]));
      REQUIRE(lenet_trainer_update(one.trainer, &settings, threads,
                                   pointers(one.parameters).data(), pointers(one.gradients).data(),
                                   one.state_pointers.data()));
    }
    REQUIRE(losses[0].correct == losses[1].correct);
    const double one = losses[0].sum, other = losses[1].sum;
    REQUIRE(one == other || (std::isnan(one) && std::isnan(other)));
    REQUIRE(wild || std::isfinite(losses[0].sum));
  }
  REQUIRE(same(trainings[0].parameters, trainings[1].parameters));
  REQUIRE(same(trainings[0].gradients, trainings[1].gradients));
  REQUIRE(same(trainings[0].state, trainings[1].state));
  REQUIRE(same(trainings[0].norms.statistics, trainings[1].norms.statistics));
  for (size_t norm = 0; norm < trainings[0].norms.states.size(); ++norm) {
    REQUIRE(trainings[0].norms.batches[norm] == 3);
  }
  for (Training& training : trainings) lenet_trainer_free(training.trainer);
}

#include "random_program.h"

void try_networks(uint32_t seed, int count) {
  for (int i = 0; i < count; ++i) {
    Random random(seed + i);
    const bool wild = random.once_in(4);
    const bool with_norms = random.once_in(2);
    RandomNetwork shape(random, wild, with_norms);
    lenet::Network* network =
        lenet_network_new(shape.layers.data(), static_cast<int32_t>(shape.layers.size()));
    REQUIRE(network);
    if (!with_norms) {
      predict(network, shape, random, wild);
      differentiate(network, shape, random, wild);
    }
    train(network, shape, random, wild);
    lenet_network_free(network);
    answer(random, wild);
    train_plainly(random, wild);
  }
}

void check_sums_of_lanes(Random& random) {
  for (int count = 0; count <= 3 * kLanes + 1; ++count) {
    const lenet::Memory<lenet::Vector> vectors(count);
    for (int i = 0; i < count; ++i) {
      for (int lane = 0; lane < kLanes; ++lane) vectors.get()[i][lane] = random.number(true);
    }
    Numbers sums(count), expected(count);
    lenet::sum_lanes(vectors.get(), count, sums.data());
    for (int i = 0; i < count; ++i) expected[i] = lenet::sum_of_lanes(vectors.get()[i]);
    REQUIRE(same(sums, expected));
  }
}

void share_a_predictor(uint32_t seed) {
  Random random(seed);
  RandomNetwork shape(random, false);
  lenet::Network* network =
      lenet_network_new(shape.layers.data(), static_cast<int32_t>(shape.layers.size()));
  lenet::Predictor* predictor = lenet_predictor_new(network, pointers(shape.parameters).data());
  const size_t count = 37;
  const Numbers numbers = random.numbers(count * shape.image_size(), false);
  const lenet::Images images{numbers.data(), nullptr, nullptr};
  Numbers expected(count * shape.outputs);
  REQUIRE(lenet_predict(predictor, &images, count, 1, expected.data()));
  const auto call = [&](int threads) {
    for (int i = 0; i < 10; ++i) {
      Numbers outputs(count * shape.outputs);
      REQUIRE(lenet_predict(predictor, &images, count, threads, outputs.data()));
      REQUIRE(same(outputs, expected));
    }
  };
  std::thread one(call, 2), other(call, 4);
  one.join();
  other.join();
  lenet_predictor_free(predictor);
  lenet_network_free(network);
}

// From here on the system has no room for another thread.
void forbid_threads() {
#if defined(__GLIBC__)
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, size_t{1} << 47) == 0);
  REQUIRE(pthread_setattr_default_np(&attributes) == 0);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  REQUIRE(argc == 4);
  const std::string mode = argv[1];
  const uint32_t seed = static_cast<uint32_t>(std::stoul(argv[2]));
  const int count = std::stoi(argv[3]);
  REQUIRE(lenet_lanes() == kLanes);
  if (mode == "callers") {
    share_a_predictor(seed);
    std::thread one(try_networks, seed, count), other(try_networks, seed + count, count);
    one.join();
    other.join();
  } else {
    if (mode == "scarce") forbid_threads();
    Random random(seed);
    check_sums_of_lanes(random);
    try_networks(seed, count);
  }
  return 0;
}
