// A compiled library at work without Python: a forward pass and training steps of the tutorial's
// LeNet, for `tools/try_wheels.py`, which compiles this for every platform.
//
//   library LIBRARY IMAGES STEPS < numbers > results
//
// Numbers are the weights (float32), images (bytes) and labels (bytes); results are the logits, the
// loss of each step of SGD with momentum on all images, and the weights after them (float32).

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "training.h"

#if defined(_WIN32)
#include <fcntl.h>
#include <io.h>
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace {

using namespace lenet;

constexpr int kClasses = 10, kPixels = 28 * 28, kThreads = 2;
const LayerDescription kLayers[] = {
    {1, 1, 28, 28, 2, 5, 6, Activation::kSigmoid, Pooling::kAverage, 0},
    {1, 6, 14, 14, 0, 5, 16, Activation::kSigmoid, Pooling::kAverage, 0},
    {0, 400, 0, 0, 0, 0, 120, Activation::kSigmoid, Pooling::kAverage, 0},
    {0, 120, 0, 0, 0, 0, 84, Activation::kSigmoid, Pooling::kAverage, 0},
    {0, 84, 0, 0, 0, 0, kClasses, Activation::kNone, Pooling::kAverage, 0},
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

// A function of the library, with the type of a variable that it is put into.
struct Function {
  void* address;

  template <typename Type>
  operator Type*() const {
    return reinterpret_cast<Type*>(address);
  }
};

Function find(const char* path, const char* name) {
#if defined(_WIN32)
  const HMODULE library = LoadLibraryA(path);
  void* found = library ? reinterpret_cast<void*>(GetProcAddress(library, name)) : nullptr;
#else
  void* const library = dlopen(path, RTLD_NOW);
  void* found = library ? dlsym(library, name) : nullptr;
  if (!library) fail(dlerror());
#endif
  if (!found) fail(name);
  return {found};
}

template <typename T>
std::vector<T> read(size_t count) {
  std::vector<T> numbers(count);
  if (std::fread(numbers.data(), sizeof(T), count, stdin) != count) fail("too few numbers");
  return numbers;
}

void write(const float* numbers, size_t count) {
  if (std::fwrite(numbers, sizeof(float), count, stdout) != count) fail("results are not written");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) fail("usage: library LIBRARY IMAGES STEPS < numbers > results");
#if defined(_WIN32)
  _setmode(_fileno(stdin), _O_BINARY);
  _setmode(_fileno(stdout), _O_BINARY);
#endif
  const char* path = argv[1];
  const size_t count = std::atoi(argv[2]);
  const int steps = std::atoi(argv[3]);
  std::vector<std::vector<float>> parameters, gradients, momenta;
  for (const LayerDescription& layer : kLayers) {
    const size_t filter = layer.is_convolution ? layer.kernel * layer.kernel : 1;
    for (const size_t size : {layer.outputs * layer.inputs * filter, size_t(layer.outputs)}) {
      parameters.push_back(read<float>(size));
      gradients.emplace_back(size);
      momenta.emplace_back(size);
    }
  }
  std::vector<float*> weights, slopes, state;
  for (size_t i = 0; i < parameters.size(); ++i) {
    weights.push_back(parameters[i].data());
    slopes.push_back(gradients[i].data());
    state.insert(state.end(), {momenta[i].data(), nullptr});
  }
  const auto pixels = read<uint8_t>(count * kPixels), classes = read<uint8_t>(count);
  const std::vector<int64_t> labels(classes.begin(), classes.end());
  std::vector<float> byte_values;
  std::vector<int64_t> indices;
  for (int value = 0; value < 256; ++value) byte_values.push_back(value / 255.0f);
  for (size_t i = 0; i < count; ++i) indices.push_back(i);

  void* (*network_new)(const LayerDescription*, int32_t) = find(path, "lenet_network_new");
  void* (*trainer_new)(void*, int32_t) = find(path, "lenet_trainer_new");
  int32_t (*forward)(void*, float**, const Images*, int64_t, int32_t, float*) =
      find(path, "lenet_forward");
  int32_t (*differentiate)(void*, const Examples*, const Selection*, double, int32_t, float**,
                           float**, const void*, Loss*) = find(path, "lenet_trainer_gradients");
  int32_t (*update)(void*, const StepSettings*, int32_t, float**, float**, float**) =
      find(path, "lenet_trainer_update");

  void* const network = network_new(kLayers, std::size(kLayers));
  void* const trainer = network ? trainer_new(network, static_cast<int32_t>(count)) : nullptr;
  if (!trainer) fail("no network");
  const Images images{nullptr, pixels.data(), byte_values.data()};
  std::vector<float> logits(count * kClasses);
  if (!forward(network, weights.data(), &images, count, kThreads, logits.data())) {
    fail("no forward pass");
  }
  write(logits.data(), logits.size());
  const Examples examples{pixels.data(), byte_values.data(), labels.data(), 1, 28, 28};
  const Selection selection{indices.data(), nullptr, nullptr, nullptr, int32_t(count)};
  StepSettings settings{};
  settings.learning_rate = 0.5;
  settings.momentum = 0.9;
  while (settings.step < steps) {
    ++settings.step;
    Loss loss{};
    if (!differentiate(trainer, &examples, &selection, 0.0, kThreads, weights.data(),
                       slopes.data(), nullptr, &loss) ||
        !update(trainer, &settings, kThreads, weights.data(), slopes.data(), state.data())) {
      fail("no training step");
    }
    const float mean = static_cast<float>(loss.sum / count);
    write(&mean, 1);
  }
  for (const auto& parameter : parameters) write(parameter.data(), parameter.size());
}
