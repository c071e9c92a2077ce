// The library's face: plain C functions, called from `lenet.kernels._library`; those for networks as
// lists of operations are in `programs.cpp`, those for pictures in `prepare.h`.
//
// Arrays are contiguous. `parameters` and `gradients` hold a pointer each to weights and biases,
// layer by layer; instead of biases, a layer with batch norm has its scale and shift. Such layers are
// for `lenet_trainer_…` only. Functions that can fail return 0, or null for a new object, when memory runs out.

#include "differentiation.h"
#include "export.h"
#include "initial.h"
#include "prediction.h"
#include "processor.h"
#include "training.h"

// What `lenet.kernels._library.INTERFACE` must be, so that a library left over from another version
// is not used.
LENET_EXPORT int32_t lenet_interface() { return 5; }

LENET_EXPORT int32_t lenet_lanes() { return lenet::kLanes; }

// What this processor can run: 2 for AVX-512, 1 for AVX2 with FMA, 0 for neither.
LENET_EXPORT int32_t lenet_processor() { return lenet::processor_level(); }

LENET_EXPORT lenet::Network* lenet_network_new(const lenet::LayerDescription* layers,
                                               int32_t count) {
  return lenet::create([&] { return new lenet::Network(layers, count); });
}

LENET_EXPORT void lenet_network_free(lenet::Network* network) { delete network; }

LENET_EXPORT int32_t lenet_forward(const lenet::Network* network, const float* const* parameters,
                                   const lenet::Images* images, int64_t count, int32_t threads,
                                   float* outputs) {
  return lenet::succeed([&] {
    lenet::predict_batch(*network, parameters, *images, count, threads, outputs);
  });
}

LENET_EXPORT lenet::Predictor* lenet_predictor_new(const lenet::Network* network,
                                                   const float* const* parameters) {
  return lenet::create([&] { return new lenet::Predictor(*network, parameters); });
}

LENET_EXPORT void lenet_predictor_free(lenet::Predictor* predictor) { delete predictor; }

LENET_EXPORT int32_t lenet_predict(lenet::Predictor* predictor, const lenet::Images* images,
                                   int64_t count, int32_t threads, float* outputs) {
  return lenet::succeed([&] { predictor->predict(*images, count, threads, outputs); });
}

LENET_EXPORT lenet::KeptBatch* lenet_kept_batch_new(const lenet::Network* network,
                                                    const float* const* parameters,
                                                    const lenet::Images* images, int64_t count,
                                                    int32_t threads, float* outputs) {
  return lenet::create([&] {
    return new lenet::KeptBatch(*network, parameters, *images, count, threads, outputs);
  });
}

LENET_EXPORT int32_t lenet_kept_batch_backward(const lenet::KeptBatch* batch,
                                               const float* const* parameters,
                                               const float* output_gradient, int32_t threads,
                                               float* const* gradients, float* image_gradient) {
  return lenet::succeed([&] {
    batch->backward(parameters, output_gradient, threads, gradients, image_gradient);
  });
}

LENET_EXPORT void lenet_kept_batch_free(lenet::KeptBatch* batch) { delete batch; }

LENET_EXPORT lenet::Trainer* lenet_trainer_new(const lenet::Network* network, int32_t batch_size) {
  return lenet::create([&] { return new lenet::Trainer(*network, batch_size); });
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
  return lenet::succeed([&] {
    *loss = trainer->compute_gradients(*examples, *selection, static_cast<float>(label_smoothing),
                                       threads, parameters, gradients, norms);
  });
}

// The second half: the update of `parameters` and of `state`, two arrays a parameter.
LENET_EXPORT int32_t lenet_trainer_update(const lenet::Trainer* trainer,
                                          const lenet::StepSettings* settings, int32_t threads,
                                          float* const* parameters, const float* const* gradients,
                                          float* const* state) {
  return lenet::succeed([&] { trainer->update(*settings, threads, parameters, gradients, state); });
}

// The order of the examples in an epoch.
LENET_EXPORT int32_t lenet_order(uint64_t seed, int32_t epoch, int64_t count, int64_t* order) {
  return lenet::succeed([&] { lenet::draw_order(seed, epoch, count, order); });
}

// How the images of a step are mirrored, and shifted by up to `most` pixels; both may be null.
LENET_EXPORT int32_t lenet_changes(uint64_t seed, int32_t epoch, int32_t step, int64_t count,
                                   int64_t most, uint8_t* mirrored, int64_t* shifts) {
  return lenet::succeed([&] {
    lenet::draw_changes(seed, epoch, step, count, most, mirrored, shifts);
  });
}

// The weights that layers begin with, two pointers a layer.
LENET_EXPORT int32_t lenet_initialise(const lenet::DrawnLayer* layers, int32_t count,
                                      lenet::Initialisation initialisation, uint64_t seed,
                                      float* const* parameters) {
  return lenet::succeed([&] { lenet::initialise(layers, count, initialisation, seed, parameters); });
}
