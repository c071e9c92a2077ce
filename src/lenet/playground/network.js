/**
 * An image through a network, layer by layer.
 */

import { sizeOf } from "./layers.js";

/**
 * What the network holds after a layer, or before the first.
 *
 * @typedef {object} Step
 * @property {string} name  The layer's; `input` before the first.
 * @property {string} kind  The layer's; `input` before the first.
 * @property {number[]} shape  [channels, height, width] or [units].
 * @property {Float32Array} values  Row by row, channel by channel.
 * @property {import("./layers.js").Layer} [layer]
 */

/**
 * Send an image through a network.
 *
 * @param {import("./model.js").Model} model
 * @param {Uint8Array} image  Pixels, row by row, channel by channel.
 * @returns {{logits: Float32Array, probabilities: Float64Array, steps: Step[]}}  Probabilities are
 *   calibrated; the steps begin with the normalised pixels, and each other one is a layer's output.
 */
export function runNetwork({ card, layers }, image) {
  const shape = card.input_shape;
  if (image.length !== sizeOf(shape)) {
    throw new Error(`The network takes ${shape.join("×")} pixels, not ${image.length}.`);
  }
  const { mean, std } = card.normalisation;
  let values = Float32Array.from(image, (pixel) => (pixel / 255 - mean) / std);
  const steps = [{ name: "input", kind: "input", shape, values }];
  for (const layer of layers) {
    values = COMPUTE[layer.kind](layer, values);
    steps.push({ name: layer.name, kind: layer.kind, shape: layer.shape, values, layer });
  }
  return { logits: values, probabilities: softmax(values, card.calibration.temperature), steps };
}

/** Probabilities from logits, which the temperature makes more or less decided. */
export function softmax(logits, temperature = 1) {
  const largest = Math.max(...logits);
  const powers = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** What follows a layer's sums, number by number. */
export const ACTIVATIONS = {
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  gelu: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  "scaled-tanh": (x) => 1.7159 * Math.tanh((2 / 3) * x), // LeCun et al. (1998), equation 6
};

/** What each kind of layer makes of its input. */
const COMPUTE = {
  activation: ({ activation }, input) => input.map(ACTIVATIONS[activation]),

  convolution(layer, input) {
    const { inputShape, shape, kernelSize, padding, weights, bias } = layer;
    const [channels, height, width] = inputShape.map((size, axis) => size + (axis && 2 * padding));
    const padded = padding ? padMaps(layer, input) : input;
    const [filters, rows, columns] = shape;
    const output = new Float32Array(filters * rows * columns);
    const filterSize = channels * kernelSize * kernelSize;
    let index = 0;
    for (let filter = 0; filter < filters; filter++) {
      for (let top = 0; top < rows; top++) {
        for (let left = 0; left < columns; left++) {
          let sum = bias[filter];
          let weight = filter * filterSize;
          for (let channel = 0; channel < channels; channel++) {
            for (let row = top; row < top + kernelSize; row++) {
              let place = (channel * height + row) * width + left;
              for (let column = 0; column < kernelSize; column++) {
                sum += weights[weight++] * padded[place++];
              }
            }
          }
          output[index++] = sum;
        }
      }
    }
    return output;
  },

  pooling({ inputShape, shape, method }, input) {
    return halveMaps(inputShape, shape, input, method === "max" ? Math.max : meanOfFour);
  },

  subsampling({ inputShape, shape, weights, bias }, input) {
    const sums = halveMaps(inputShape, shape, input, (a, b, c, d) => a + b + c + d);
    const area = shape[1] * shape[2];
    return sums.map((sum, index) => {
      const map = Math.floor(index / area);
      return weights[map] * sum + bias[map];
    });
  },

  dense({ shape: [outputs], weights, bias }, input) {
    const output = new Float32Array(outputs);
    let weight = 0;
    for (let index = 0; index < outputs; index++) {
      let sum = bias[index];
      for (let place = 0; place < input.length; place++) sum += weights[weight++] * input[place];
      output[index] = sum;
    }
    return output;
  },

  distances({ shape: [classes], weights }, input) {
    const output = new Float32Array(classes);
    for (let index = 0; index < classes; index++) {
      const target = weights.subarray(index * input.length, (index + 1) * input.length);
      output[index] = -input.reduce((sum, value, unit) => sum + (value - target[unit]) ** 2, 0);
    }
    return output;
  },
};

/** Feature maps with their padding round them. */
function padMaps({ inputShape: [channels, height, width], padding, ground }, input) {
  const paddedWidth = width + 2 * padding;
  const padded = new Float32Array(channels * (height + 2 * padding) * paddedWidth).fill(ground);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const start = (channel * height + row) * width;
      const line = channel * (height + 2 * padding) + padding + row;
      padded.set(input.subarray(start, start + width), line * paddedWidth + padding);
    }
  }
  return padded;
}

/** Feature maps of half the height and width: each number is made of 2×2. */
function halveMaps([, height, width], [channels, rows, columns], input, combine) {
  const output = new Float32Array(channels * rows * columns);
  let index = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      let place = (channel * height + 2 * row) * width;
      for (let column = 0; column < columns; column++, place += 2) {
        const below = place + width;
        output[index++] = combine(input[place], input[place + 1], input[below], input[below + 1]);
      }
    }
  }
  return output;
}

function meanOfFour(first, second, third, fourth) {
  return (first + second + third + fourth) / 4;
}

/** The error function, by a series whose terms are all positive: Abramowitz and Stegun, 7.1.6. */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
