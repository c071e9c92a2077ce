/**
 * An image through a network, layer by layer.
 */

import { ACTIVATIONS } from "./activations.js";
import { askByKind, countFrom, sizeOf } from "./layers.js";

/** Send an image through a network. Probabilities are calibrated; the steps begin with the
 * normalised pixels. @type {(model: Model, image: Uint8Array) => Result} */
export function runNetwork({ card, layers }, image) {
  const shape = card.input_shape;
  if (image.length !== sizeOf(shape)) {
    throw new Error(`The network takes ${shape.join("×")} pixels, not ${image.length}.`);
  }
  const { mean, std } = card.normalisation;
  /** @type {Float32Array} */
  let values = Float32Array.from(image, (pixel) => (pixel / 255 - mean) / std);
  /** @type {Step[]} */
  const steps = [{ name: "input", kind: "input", shape, values }];
  for (const layer of layers) {
    values = computeLayer(layer, values);
    steps.push({ name: layer.name, kind: layer.kind, shape: layer.shape, values, layer });
  }
  return { logits: values, probabilities: softmax(values, card.calibration.temperature), steps };
}

/** Probabilities from logits, which the temperature makes more or less decided.
 * @type {(logits: Float32Array, temperature?: number) => Float64Array} */
export function softmax(logits, temperature = 1) {
  const largest = Math.max(...logits);
  const powers = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** What a layer makes of its input. @type {(layer: Layer, input: Float32Array) => Float32Array} */
export function computeLayer(layer, input) {
  return askByKind(COMPUTE, layer, input);
}

/** @type {ForEachKind<[input: Float32Array], Float32Array>} */
const COMPUTE = {
  activation: ({ activation, parameter }, input) =>
    input.map((x) => ACTIVATIONS[activation].compute(x, parameter)),

  batch_norm({ shape, weights, bias }, input) {
    const area = sizeOf(shape.slice(1));
    return input.map((x, index) => {
      const map = Math.floor(index / area);
      return weights[map] * x + bias[map];
    });
  },

  convolution(layer, input) {
    const { shape, window, stride, dilation, weights, bias, sees } = layer;
    const [padded, height, width] = padMaps(layer, input);
    const [, rows, columns] = shape;
    const output = new Float32Array(sizeOf(shape));
    let index = 0;
    let start = 0; // of a filter's weights
    for (const [filter, channels] of sees.entries()) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          let sum = bias[filter];
          let weight = start;
          for (const channel of channels) {
            for (let y = 0; y < window[0]; y++) {
              const line = channel * height + row * stride[0] + y * dilation[0];
              let place = line * width + column * stride[1];
              for (let x = 0; x < window[1]; x++, place += dilation[1]) {
                sum += weights[weight++] * padded[place];
              }
            }
          }
          output[index++] = sum;
        }
      }
      start += channels.length * window[0] * window[1];
    }
    return output;
  },

  padding: (layer, input) => padMaps(layer, input)[0],
  pooling: poolMaps,
  adaptive_pooling: poolMaps,

  subsampling(layer, input) {
    const { shape, inputShape, weights, bias } = layer;
    return eachPlace(shape, (channel, row, column) => {
      const places = windowOf(layer, row, column);
      let sum = 0;
      for (const [y, x] of places) sum += valueAt(inputShape, input, channel, y, x) ?? 0;
      return weights[channel] * sum + bias[channel];
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

  residual({ sides }, input) {
    const [main, shortcut] = sides.map((layers) =>
      layers.reduce((values, layer) => computeLayer(layer, values), input),
    );
    return main.map((value, index) => value + shortcut[index]);
  },
};

/** Feature maps with rows and columns round them, and their height and width then.
 * @param {Layers["convolution"] | Layers["padding"]} layer
 * @param {Float32Array} input @returns {[Float32Array, number, number]} */
function padMaps({ inputShape, margins: [left, right, above, below], ground }, input) {
  const [channels, height, width] = inputShape;
  const [tall, wide] = [height + above + below, width + left + right];
  if (tall === height && wide === width) return [input, height, width];
  const padded = new Float32Array(channels * tall * wide).fill(ground);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const start = (channel * height + row) * width;
      const line = input.subarray(start, start + width);
      padded.set(line, (channel * tall + above + row) * wide + left);
    }
  }
  return [padded, tall, wide];
}

/** @type {(layer: AnyPooling, input: Float32Array) => Float32Array} */
function poolMaps(layer, input) {
  const { shape, inputShape, method } = layer;
  return eachPlace(shape, (channel, row, column) => {
    const places = windowOf(layer, row, column);
    let largest = -Infinity;
    let sum = 0;
    for (const [y, x] of places) {
      const value = valueAt(inputShape, input, channel, y, x);
      largest = Math.max(largest, value ?? -Infinity);
      sum += value ?? 0;
    }
    return method === "max" ? largest : sum / countOf(layer, places);
  });
}

/** How many numbers an average is of. @type {(layer: AnyPooling, places: Pair[]) => number} */
export function countOf(layer, places) {
  const [, height, width] = layer.inputShape;
  const isPadded = layer.kind === "pooling" && layer.countPadding;
  const [left, right, above, below] = isPadded ? layer.margins : [0, 0, 0, 0];
  return places.filter(
    ([row, column]) =>
      row >= -above && row < height + below && column >= -left && column < width + right,
  ).length;
}

/** The rows and columns that a window sees of its input; some may lie outside.
 * @type {(layer: AnyPooling | Layers["convolution" | "subsampling"], row: number,
 *   column: number) => Pair[]} */
export function windowOf(layer, row, column) {
  if (layer.kind === "adaptive_pooling") {
    const { inputShape, shape } = layer;
    const [[top, bottom], [start, end]] = [row, column].map((place, side) => [
      Math.floor((place * inputShape[1 + side]) / shape[1 + side]),
      Math.ceil(((place + 1) * inputShape[1 + side]) / shape[1 + side]),
    ]);
    return countFrom(top, bottom - top).flatMap((y) =>
      countFrom(start, end - start).map((x) => /** @type {Pair} */ ([y, x])),
    );
  }
  const { window, stride, dilation, margins } = layer;
  const top = row * stride[0] - margins[2];
  const left = column * stride[1] - margins[0];
  const columns = countFrom(0, window[1]).map((x) => left + x * dilation[1]);
  return countFrom(0, window[0]).flatMap((y) =>
    columns.map((x) => /** @type {Pair} */ ([top + y * dilation[0], x])),
  );
}

/** @type {(shape: Shape, values: Float32Array, channel: number, row: number,
 *   column: number) => number | undefined} */
function valueAt([, height, width], values, channel, row, column) {
  const isInside = row >= 0 && row < height && column >= 0 && column < width;
  return isInside ? values[(channel * height + row) * width + column] : undefined;
}

/** Feature maps, number by number.
 * @type {(shape: Shape, numberAt: (channel: number, row: number,
 *   column: number) => number) => Float32Array} */
function eachPlace(shape, numberAt) {
  const [channels, rows, columns] = shape;
  const output = new Float32Array(sizeOf(shape));
  let index = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        output[index++] = numberAt(channel, row, column);
      }
    }
  }
  return output;
}
