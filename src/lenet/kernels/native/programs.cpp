// The face of what computes any network, one operation after the other. Functions that can fail return
// 0, or null for a new object, when memory runs out.

#include "export.h"
#include "plain_prediction.h"
#include "plain_training.h"

// Networks that are no chain of fused blocks, as a list of operations: see `program.h`.
// `connections` are pairs of maps, those of all convolutions one after the other.
LENET_EXPORT lenet::Program* lenet_program_new(const lenet::Operation* operations, int32_t count,
                                               const int32_t* connections,
                                               int32_t connection_count) {
  return lenet::create([&] { return new lenet::Program(operations, count, connections, connection_count); });
}

LENET_EXPORT void lenet_program_free(lenet::Program* program) { delete program; }

// `parameters` are copied, and `counts` says how many numbers each has.
LENET_EXPORT lenet::PlainPredictor* lenet_plain_predictor_new(const lenet::Program* program,
                                                              const float* const* parameters,
                                                              const int64_t* counts,
                                                              int32_t parameter_count) {
  return lenet::create([&] {
    return new lenet::PlainPredictor(*program, parameters, counts, parameter_count);
  });
}

LENET_EXPORT void lenet_plain_predictor_free(lenet::PlainPredictor* predictor) { delete predictor; }

LENET_EXPORT int32_t lenet_plain_predict(lenet::PlainPredictor* predictor,
                                         const lenet::Images* images, int64_t count,
                                         int32_t threads, float* outputs) {
  return lenet::succeed([&] { predictor->predict(*images, count, threads, outputs); });
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
  return lenet::succeed([&] { lenet::compute_values(*program, parameters, image, values); });
}

// The numbers, by their places among `values`, that one number of an operation's output is made of, and
// what each is multiplied by; returns how many there are, of which `most` are written, or -1.
LENET_EXPORT int32_t lenet_program_contributions(const lenet::Program* program,
                                                 const float* const* parameters,
                                                 const float* values, int32_t operation,
                                                 int32_t place, int32_t most, int32_t* inputs,
                                                 float* weights) {
  lenet::Contributions found{most, inputs, weights};
  const bool is_done = lenet::succeed([&] {
    lenet::find_contributions(*program, parameters, values, operation, place, found);
  });
  return is_done ? found.count : -1;
}

LENET_EXPORT lenet::PlainTrainer* lenet_plain_trainer_new(const lenet::Program* program,
                                                          int32_t batch_size) {
  return lenet::create([&] { return new lenet::PlainTrainer(*program, batch_size); });
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
  return lenet::succeed([&] {
    *loss = trainer->compute_gradients(*examples, *selection, *settings, threads, parameters,
                                       gradients, norms);
  });
}

LENET_EXPORT int32_t lenet_plain_trainer_update(const lenet::PlainTrainer* trainer,
                                                const lenet::StepSettings* settings,
                                                int32_t threads, float* const* parameters,
                                                const float* const* gradients,
                                                float* const* state) {
  return lenet::succeed([&] { trainer->update(*settings, threads, parameters, gradients, state); });
}
