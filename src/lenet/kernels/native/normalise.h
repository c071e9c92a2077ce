// A tile's way through batch norm, activation and pooling, forward and backward.
//
// What a layer's weights make of its input is kept as it is, and its way from there on is computed
// anew wherever it is wanted: that takes less time than keeping more would.
#pragma once

#include "batch_norm.h"

namespace lenet {

namespace normalised {

// Normalises, activates and pools two rows into one. The activations rise everywhere, so the
// largest of four is found before.
template <Activation activation, Pooling pooling>
inline void forward_rows(const NormFactors& factors, const Vector* upper, const Vector* lower,
                         int pooled_columns, Vector* pooled) {
  for (int x = 0; x < pooled_columns; ++x, upper += 2, lower += 2) {
    const Vector a = factors.forward(upper[0]), b = factors.forward(upper[1]);
    const Vector c = factors.forward(lower[0]), d = factors.forward(lower[1]);
    if constexpr (pooling == Pooling::kAverage) {
      pooled[x] = (activate<activation>(a) + activate<activation>(b) + activate<activation>(c) +
                   activate<activation>(d)) *
                  0.25f;
    } else {
      pooled[x] = activate<activation>(pooling::larger(pooling::larger(a, b),
                                                       pooling::larger(c, d)));
    }
  }
}

// The derivative of the activation where it is given x.
template <Activation activation>
inline Vector slope_at(Vector x) {
  return slope<activation>(activate<activation>(x));
}

// Adds to the two sums over gradients what two rows have to say. Of four numbers that share a
// maximum, only the one that is the maximum has a gradient.
template <Activation activation, Pooling pooling>
inline void sum_gradients_of_rows(const NormFactors& factors, const Vector* upper,
                                  const Vector* lower, int pooled_columns,
                                  const Vector* pooled_gradient, Vector& sum, Vector& product) {
  const auto add = [&](Vector number, Vector gradient) {
    sum += gradient;
    product += gradient * (number - factors.mean);
  };
  for (int x = 0; x < pooled_columns; ++x, upper += 2, lower += 2) {
    const Vector numbers[4] = {upper[0], upper[1], lower[0], lower[1]};
    if constexpr (pooling == Pooling::kAverage) {
      const Vector share = pooled_gradient[x] * 0.25f;
      for (const Vector& number : numbers) {
        add(number, share * slope_at<activation>(factors.forward(number)));
      }
    } else {
      Vector number = numbers[0], most = factors.forward(number);
      for (int i = 1; i < 4; ++i) {
        const Vector other = factors.forward(numbers[i]);
        const auto stays = most >= other || most != most;
        most = stays ? most : other;
        number = stays ? number : numbers[i];
      }
      add(number, pooled_gradient[x] * slope_at<activation>(most));
    }
  }
}

// Turns two rows of numbers, in place, into the gradient with respect to them.
template <Activation activation, Pooling pooling>
inline void gradient_of_rows(const NormFactors& factors, Vector* upper, Vector* lower,
                             int pooled_columns, const Vector* pooled_gradient) {
  for (int x = 0; x < pooled_columns; ++x, upper += 2, lower += 2) {
    Vector* const numbers[4] = {upper, upper + 1, lower, lower + 1};
    Vector normalised[4];
    for (int i = 0; i < 4; ++i) normalised[i] = factors.forward(*numbers[i]);
    if constexpr (pooling == Pooling::kAverage) {
      const Vector share = pooled_gradient[x] * 0.25f;
      for (int i = 0; i < 4; ++i) {
        const Vector gradient = share * slope_at<activation>(normalised[i]);
        *numbers[i] = factors.backward(*numbers[i], gradient);
      }
    } else {
      const Vector most = pooling::larger(pooling::larger(normalised[0], normalised[1]),
                                          pooling::larger(normalised[2], normalised[3]));
      Vector rest = pooled_gradient[x] * slope_at<activation>(most);
      for (int i = 0; i < 4; ++i) {  // it goes to the first that is the maximum
        const auto first = normalised[i] == most || normalised[i] != normalised[i];
        *numbers[i] = factors.backward(*numbers[i], first ? rest : Vector{});
        rest = first ? Vector{} : rest;
      }
    }
  }
}

// The same for numbers that pooling leaves out: the batch's sums only lead to them.
inline void gradient_of_left_out(const NormFactors& factors, Vector* values, int count) {
  for (int i = 0; i < count; ++i) values[i] = factors.backward(values[i], Vector{});
}

}  // namespace normalised

// Calls `function` with a layer's activation and pooling as compile-time constants.
template <typename Function>
inline void with_activation_and_pooling(const Layer& layer, Function function) {
  with_activation(layer.activation, [&](auto activation) {
    with_pooling(layer.pooling, [&](auto pooling) { function(activation, pooling); });
  });
}

// From what a tile's layer gives, in `inner`, through normalisation, activation and pooling.
inline void normalise(const Layer& layer, const BatchNorm& norm, int count, Vector* inner,
                      const Maps& output) {
  const Vector present = lanes_with_images(count);
  if (!layer.is_convolution) {
    with_activation(layer.activation, [&](auto activation) {
      for (int o = 0; o < layer.outputs; ++o) {
        output.data[o] = activate<activation()>(norm.factors(o, present).forward(inner[o]));
      }
    });
    return;
  }
  const Maps all = layer.inner(inner);
  with_activation_and_pooling(layer, [&](auto activation, auto pooling) {
    for (int channel = 0; channel < layer.outputs; ++channel) {
      const NormFactors factors = norm.factors(channel, present);
      for (int row = 0; row < layer.pooled_rows; ++row) {
        normalised::forward_rows<activation(), pooling()>(
            factors, all.at(channel, 2 * row), all.at(channel, 2 * row + 1), layer.pooled_columns,
            output.at(channel, row));
      }
    }
  });
}

// Forms the two sums over the gradients of a tile's normalised numbers, from the gradient of the
// layer's output.
inline void look_at_gradients(const Layer& layer, BatchNorm& norm, int tile, int count,
                              Vector* inner, const Maps& output_gradient) {
  if (!layer.is_convolution) {
    with_activation(layer.activation, [&](auto activation) {
      norm.look_at_gradients(tile, count, [&](int o, const NormFactors& factors, Vector& sum,
                                              Vector& product) {
        const Vector output = activate<activation()>(factors.forward(inner[o]));
        sum = output_gradient.data[o] * slope<activation()>(output);
        product = sum * (inner[o] - factors.mean);
      });
    });
    return;
  }
  const Maps all = layer.inner(inner);
  with_activation_and_pooling(layer, [&](auto activation, auto pooling) {
    norm.look_at_gradients(tile, count, [&](int channel, const NormFactors& factors, Vector& sum,
                                            Vector& product) {
      for (int row = 0; row < layer.pooled_rows; ++row) {
        Vector row_sum{}, row_product{};
        normalised::sum_gradients_of_rows<activation(), pooling()>(
            factors, all.at(channel, 2 * row), all.at(channel, 2 * row + 1), layer.pooled_columns,
            output_gradient.at(channel, row), row_sum, row_product);
        sum += row_sum;
        product += row_product;
      }
    });
  });
}

// Turns some pairs of rows of a convolution's channel, in place, into the gradient with respect to
// them; with the last pair the rest of the channel as well.
inline void gradient_before_norm(const Layer& layer, const NormFactors& factors, const Maps& all,
                                 const Maps& output_gradient, int channel, int first, int count) {
  const int pooled = 2 * layer.pooled_columns, left_out = layer.columns - pooled;
  with_activation_and_pooling(layer, [&](auto activation, auto pooling) {
    for (int row = first; row < first + count; ++row) {
      Vector* const upper = all.at(channel, 2 * row);
      Vector* const lower = all.at(channel, 2 * row + 1);
      normalised::gradient_of_rows<activation(), pooling()>(
          factors, upper, lower, layer.pooled_columns, output_gradient.at(channel, row));
      normalised::gradient_of_left_out(factors, upper + pooled, left_out);
      normalised::gradient_of_left_out(factors, lower + pooled, left_out);
    }
  });
  if (first + count < layer.pooled_rows) return;
  for (int row = 2 * layer.pooled_rows; row < layer.rows; ++row) {
    normalised::gradient_of_left_out(factors, all.at(channel, row), layer.columns);
  }
}

// The same for a dense layer, all units, into `gradient`.
inline void gradient_before_norm(const Layer& layer, const BatchNorm& norm, int count,
                                 const Vector* inner, const Vector* output_gradient,
                                 Vector* gradient) {
  const Vector present = lanes_with_images(count);
  with_activation(layer.activation, [&](auto activation) {
    for (int o = 0; o < layer.outputs; ++o) {
      const NormFactors factors = norm.factors(o, present);
      const Vector output = activate<activation()>(factors.forward(inner[o]));
      gradient[o] = factors.backward(inner[o], output_gradient[o] * slope<activation()>(output));
    }
  });
}

}  // namespace lenet
