// Softmax cross-entropy of a tile.
#pragma once

#include <cmath>

#include "vector.h"

namespace lenet {

struct Loss {
  double sum = 0;  // over the images, in nats
  int64_t correct = 0;
};

// Loss and hits of the first `count` lanes, and over the logits the gradient of the batch's mean
// loss with respect to them; lanes without an image get 0. Label smoothing is PyTorch's: a share of
// the target is spread over all classes.
inline Loss softmax_cross_entropy(Vector* logits, int classes, const int64_t* labels, int count,
                                  float label_smoothing, float batch_size, Vector* gradient) {
  Vector most = logits[0], logit_sum{};
  for (int c = 0; c < classes; ++c) {
    most = logits[c] > most || logits[c] != logits[c] ? logits[c] : most;
    logit_sum += logits[c];
  }
  Vector exp_sum{};
  for (int c = 0; c < classes; ++c) exp_sum += gradient[c] = exp(logits[c] - most);

  Loss loss;
  const float spread = label_smoothing / static_cast<float>(classes);
  float share[kLanes];  // 1 / batch size, or 0 where there is no image
  for (int lane = 0; lane < kLanes; ++lane) {
    share[lane] = lane < count ? 1.0f / batch_size : 0.0f;
    if (lane >= count) continue;
    int best = 0;
    for (int c = 1; c < classes; ++c) {
      if (logits[c][lane] > logits[best][lane]) best = c;
    }
    const float of_label = logits[labels[lane]][lane];
    loss.sum += std::log(exp_sum[lane]) + most[lane] - (1.0f - label_smoothing) * of_label -
                spread * logit_sum[lane];
    loss.correct += best == labels[lane];
  }
  const Vector shares = load(share);
  for (int c = 0; c < classes; ++c) {
    Vector target = broadcast(spread);
    for (int lane = 0; lane < count; ++lane) {
      if (labels[lane] == c) target[lane] += 1.0f - label_smoothing;
    }
    gradient[c] = (gradient[c] / exp_sum - target) * shares;
  }
  return loss;
}

}  // namespace lenet
