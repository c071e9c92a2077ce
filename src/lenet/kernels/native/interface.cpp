// The library's face: plain C functions, called from `lenet.kernels._library`; those for pictures
// are in `prepare.h`.
//
// Arrays are contiguous. `parameters` and `gradients` hold a pointer each to weights and biases,
// layer by layer; instead of biases, a layer with batch norm has its scale and shift. Such layers are
// for `lenet_trainer_…` only. Functions that can fail return 0, or null for a new object, when memory runs out.

#include "differentiation.h"
#include "initial.h"
#include "plain_prediction.h"
#include "plain_training.h"
#include "processor.h"

#if defined(_WIN32)
#define LENET_EXPORT extern "C" __declspec(dllexport)
#elif defined(__wasm__)
#define LENET_EXPORT extern "C" __attribute__((visibility("default"), used))
#else
#define LENET_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace {

#if defined(__cpp_exceptions)
template <typename Make>
auto create(Make make) noexcept -> decltype(make()) {
  try {
    return make();
  } catch (const std::exception&) {
    return nullptr;
  }
}

template <typename Work>
int32_t succeed(Work work) noexcept {
  try {
    work();
    return 1;
  } catch (const std::exception&) {
    return 0;
  }
}
#else  // where memory runs out, the program stops, and its caller is told
template <typename Make>
auto create(Make make) {
  return make();
}

template <typename Work>
int32_t succeed(Work work) {
  work();
  return 1;
}
#endif

}  // namespace

// What `lenet.kernels._library.INTERFACE` must be, so that a library left over from another version
// is not used.
LENET_EXPORT int32_t lenet_interface() { return 5; }

LENET_EXPORT int32_t lenet_lanes() { return lenet::kLanes; }

// What this processor can run: 2 for AVX-512, 1 for AVX2 with FMA, 0 for neither.
LENET_EXPORT int32_t lenet_processor() { return lenet::processor_level(); }

LENET_EXPORT lenet::Network* lenet_network_new(const lenet::LayerDescription* layers,
                                               int32_t count) {
  return create([&] { return new lenet::Network(layers, count); });
}

LENET_EXPORT void lenet_network_free(lenet::Network* network) { delete network; }

LENET_EXPORT int32_t lenet_forward(const lenet::Network* network, const float* const* parameters,
                                   const lenet::Images* images, int64_t count, int32_t threads,
                                   float* outputs) {
  return succeed([&] {
    lenet::predict_batch(*network, parameters, *images, count, threads, outputs);
  });
}

LENET_EXPORT lenet::Predictor* lenet_predictor_new(const lenet::Network* network,
                                                   const float* const* parameters) {
  return create([&] { return new lenet::Predictor(*network, parameters); });
}

LENET_EXPORT void lenet_predictor_free(lenet::Predictor* predictor) { delete predictor; }

LENET_EXPORT int32_t lenet_predict(lenet::Predictor* predictor, const lenet::Images* images,
                                   int64_t count, int32_t threads, float* outputs) {
  return succeed([&] { predictor->predict(*images, count, threads, outputs); });
}

LENET_EXPORT lenet::KeptBatch* lenet_kept_batch_new(const lenet::Network* network,
                                                    const float* const* parameters,
                                                    const lenet::Images* images, int64_t count,
                                                    int32_t threads, float* outputs) {
  return create([&] {
    return new lenet::KeptBatch(*network, parameters, *images, count, threads, outputs);
  });
}

LENET_EXPORT int32_t lenet_kept_batch_backward(const lenet::KeptBatch* batch,
                                               const float* const* parameters,
                                               const float* output_gradient, int32_t threads,
                                               float* const* gradients, float* image_gradient) {
  return succeed([&] {
    batch->backward(parameters, output_gradient, threads, gradients, image_gradient);
  });
}

LENET_EXPORT void lenet_kept_batch_free(lenet::KeptBatch* batch) { delete batch; }

LENET_EXPORT lenet::Trainer* lenet_trainer_new(const lenet::Network* network, int32_t batch_size) {
  return create([&] { return new lenet::Trainer(*network, batch_size); });
}

LENET_EXPORT void lenet_trainer_free(lenet::Trainer* trainer) { delete trainer; }

// The first half of a step: gradients of the mean loss. `norms` has one element for each batch norm,
// whose running statistics are updated.
LENET_EXPORT int32_t lenet_trainer_gradients(lenet::Trainer* trainer,
                                             const lenet::Examples* examples,
                                             const lenet::Selection* selection,
                                             double label_smoothing, int32_t threads,
                                             const float* const* parameters,
                                             float* const* gradients,
                                             const lenet::BatchNormState* norms,
                                             lenet::Loss* loss) {
  return succeed([&] {
    *loss = trainer->compute_gradients(*examples, *selection, static_cast<float>(label_smoothing),
                                       threads, parameters, gradients, norms);
  });
}

// The second half: the update of `parameters` and of `state`, two arrays a parameter.
LENET_EXPORT int32_t lenet_trainer_update(const lenet::Trainer* trainer,
                                          const lenet::StepSettings* settings, int32_t threads,
                                          float* const* parameters, const float* const* gradients,
                                          float* const* state) {
  return succeed([&] { trainer->update(*settings, threads, parameters, gradients, state); });
}

// The order of the examples in an epoch.
LENET_EXPORT int32_t lenet_order(uint64_t seed, int32_t epoch, int64_t count, int64_t* order) {
  return succeed([&] { lenet::draw_order(seed, epoch, count, order); });
}

// How the images of a step are mirrored, and shifted by up to `most` pixels; both may be null.
LENET_EXPORT int32_t lenet_changes(uint64_t seed, int32_t epoch, int32_t step, int64_t count,
                                   int64_t most, uint8_t* mirrored, int64_t* shifts) {
  return succeed([&] {
    lenet::draw_changes(seed, epoch, step, count, most, mirrored, shifts);
  });
}

// The weights that layers begin with, two pointers a layer.
LENET_EXPORT int32_t lenet_initialise(const lenet::DrawnLayer* layers, int32_t count,
                                      lenet::Initialisation initialisation, uint64_t seed,
                                      float* const* parameters) {
  return succeed([&] { lenet::initialise(layers, count, initialisation, seed, parameters); });
}

// Networks that are no chain of fused blocks, as a list of operations: see `program.h`.
// `connections` are pairs of maps, those of all convolutions one after the other.
LENET_EXPORT lenet::Program* lenet_program_new(const lenet::Operation* operations, int32_t count,
                                               const int32_t* connections,
                                               int32_t connection_count) {
  return create([&] { return new lenet::Program(operations, count, connections, connection_count); });
}

LENET_EXPORT void lenet_program_free(lenet::Program* program) { delete program; }

// `parameters` are copied, and `counts` says how many numbers each has.
LENET_EXPORT lenet::PlainPredictor* lenet_plain_predictor_new(const lenet::Program* program,
                                                              const float* const* parameters,
                                                              const int64_t* counts,
                                                              int32_t parameter_count) {
  return create([&] {
    return new lenet::PlainPredictor(*program, parameters, counts, parameter_count);
  });
}

LENET_EXPORT void lenet_plain_predictor_free(lenet::PlainPredictor* predictor) { delete predictor; }

LENET_EXPORT int32_t lenet_plain_predict(lenet::PlainPredictor* predictor,
                                         const lenet::Images* images, int64_t count,
                                         int32_t threads, float* outputs) {
  return succeed([&] { predictor->predict(*images, count, threads, outputs); });
}

// Where each value begins among those of `lenet_program_values`, and where the last one ends: two
// numbers more than there are operations.
LENET_EXPORT void lenet_program_offsets(const lenet::Program* program, int32_t* offsets) {
  lenet::value_offsets(*program, offsets);
}

// All that a program makes of an image, which is the first of the values.
LENET_EXPORT int32_t lenet_program_values(const lenet::Program* program,
                                          const float* const* parameters, const float* image,
                                          float* values) {
  return succeed([&] { lenet::compute_values(*program, parameters, image, values); });
}

// The numbers, by their places among `values`, that one number of an operation's output is made of, and
// what each is multiplied by; returns how many there are, of which `most` are written, or -1.
LENET_EXPORT int32_t lenet_program_contributions(const lenet::Program* program,
                                                 const float* const* parameters,
                                                 const float* values, int32_t operation,
                                                 int32_t place, int32_t most, int32_t* inputs,
                                                 float* weights) {
  lenet::Contributions found{most, inputs, weights};
  const bool is_done = succeed([&] {
    lenet::find_contributions(*program, parameters, values, operation, place, found);
  });
  return is_done ? found.count : -1;
}

LENET_EXPORT lenet::PlainTrainer* lenet_plain_trainer_new(const lenet::Program* program,
                                                          int32_t batch_size) {
  return create([&] { return new lenet::PlainTrainer(*program, batch_size); });
}

LENET_EXPORT void lenet_plain_trainer_free(lenet::PlainTrainer* trainer) { delete trainer; }

LENET_EXPORT int32_t lenet_plain_trainer_gradients(lenet::PlainTrainer* trainer,
                                                   const lenet::Examples* examples,
                                                   const lenet::Selection* selection,
                                                   const lenet::LossSettings* settings,
                                                   int32_t threads, const float* const* parameters,
                                                   float* const* gradients,
                                                   const lenet::BatchNormState* norms,
                                                   lenet::Loss* loss) {
  return succeed([&] {
    *loss = trainer->compute_gradients(*examples, *selection, *settings, threads, parameters,
                                       gradients, norms);
  });
}

LENET_EXPORT int32_t lenet_plain_trainer_update(const lenet::PlainTrainer* trainer,
                                                const lenet::StepSettings* settings,
                                                int32_t threads, float* const* parameters,
                                                const float* const* gradients,
                                                float* const* state) {
  return succeed([&] { trainer->update(*settings, threads, parameters, gradients, state); });
}
