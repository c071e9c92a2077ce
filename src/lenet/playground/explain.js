/**
 * What is behind one number of a network: the numbers it is made of, and the pixels it sees.
 */

import { sizeOf } from "./layers.js";

/**
 * A number's place in a step: in its feature maps, or in its row of units.
 *
 * @typedef {{channel: number, row: number, column: number} | {index: number}} Unit
 */

/**
 * One of the numbers that another is made of. Its place is that of a `Unit`; the row or column of
 * one in the padding of a convolution lies outside the feature map.
 *
 * @typedef {Unit & {step: number, value: number, weight: number}} Contribution
 */

/**
 * The numbers and weights behind one number.
 *
 * The number is `bias` plus the sum of value × weight over its inputs; but an activation is that
 * function of its one input, and a distance of LeNet-5 is the sum of -(value - weight)².
 *
 * @param {import("./model.js").Model} model
 * @param {import("./network.js").Step[]} steps  As `runNetwork` gives them.
 * @param {number} stepIndex
 * @param {Unit} unit  The number's place in that step.
 * @returns {{inputs: Contribution[], bias: number, value: number}}
 */
export function explainUnit({ layers }, steps, stepIndex, unit) {
  const { shape, values } = steps[stepIndex];
  const index = indexOf(shape, unit);
  const value = values[index];
  if (stepIndex === 0) return { inputs: [], bias: 0, value };
  const layer = layers[stepIndex - 1];
  const output = Math.floor(index / (sizeOf(shape) / shape[0])); // its feature map, or itself
  const before = steps[stepIndex - 1].values;
  const inputs = inputsOf(layer, index, output, before).map(([place, weight]) => {
    const inputIndex = indexOf(layer.inputShape, place);
    const inputValue = inputIndex === undefined ? layer.ground : before[inputIndex];
    return { step: stepIndex - 1, ...place, value: inputValue, weight };
  });
  return { inputs, bias: layer.bias?.[output] ?? 0, value };
}

/**
 * The part of the image that a number depends on.
 *
 * @param {import("./model.js").Model} model
 * @param {number} stepIndex
 * @param {Unit} unit  The number's place in that step.
 * @returns {{top: number, left: number, bottom: number, right: number}}  In pixels; the last two
 *   are the first row and column outside.
 */
export function receptiveField({ card, layers }, stepIndex, unit) {
  const { row, column } = unit;
  let field = { top: row, left: column, bottom: row + 1, right: column + 1 };
  for (const layer of layers.slice(0, stepIndex).reverse()) field = fieldBefore(layer, field);
  const [, height, width] = card.input_shape;
  return clipField(field, height, width);
}

/** Each number that one is made of: its place in the step before, and its weight. */
function inputsOf(layer, index, output, before) {
  const { kind, inputShape, shape, weights } = layer;
  const { row, column } = placeOf(shape, index);
  if (kind === "activation") return [[placeOf(shape, index), 1]];
  if (kind === "convolution") return filterPlaces(layer, output, row, column);
  if (kind === "dense" || kind === "distances") {
    const inputs = sizeOf(inputShape);
    const row = weights.subarray(output * inputs, (output + 1) * inputs);
    return Array.from(row, (weight, input) => [placeOf(inputShape, input), weight]);
  }
  const window = [0, 1, 2, 3].map((corner) => ({
    channel: output,
    row: 2 * row + (corner >> 1),
    column: 2 * column + (corner & 1),
  }));
  if (kind === "subsampling") return window.map((place) => [place, weights[output]]);
  if (layer.method === "average") return window.map((place) => [place, 1 / 4]);
  const values = window.map((place) => before[indexOf(inputShape, place)]);
  const largest = values.indexOf(Math.max(...values));
  return window.map((place, corner) => [place, corner === largest ? 1 : 0]);
}

/** Where the weights of a filter lie when it makes the number in a certain row and column. */
function filterPlaces({ inputShape, kernelSize, padding, weights, sees }, filter, row, column) {
  const [channels] = inputShape;
  const area = kernelSize * kernelSize;
  const seen = sees ? sees[filter] : Array.from({ length: channels }, (_, channel) => channel);
  return seen.flatMap((channel) => {
    const start = (filter * channels + channel) * area;
    return Array.from(weights.subarray(start, start + area), (weight, place) => [
      {
        channel,
        row: row - padding + Math.floor(place / kernelSize),
        column: column - padding + (place % kernelSize),
      },
      weight,
    ]);
  });
}

/** What a part of a layer's output depends on in its input. */
function fieldBefore({ kind, inputShape, kernelSize, padding }, field) {
  const [, height, width] = inputShape;
  const { top, left, bottom, right } = field;
  if (kind === "activation") return field;
  if (kind === "dense" || kind === "distances") {
    return { top: 0, left: 0, bottom: height, right: width };
  }
  if (kind === "pooling" || kind === "subsampling") {
    return { top: 2 * top, left: 2 * left, bottom: 2 * bottom, right: 2 * right };
  }
  const wider = {
    top: top - padding,
    left: left - padding,
    bottom: bottom - padding + kernelSize - 1,
    right: right - padding + kernelSize - 1,
  };
  return clipField(wider, height, width);
}

function clipField({ top, left, bottom, right }, height, width) {
  return {
    top: Math.max(top, 0),
    left: Math.max(left, 0),
    bottom: Math.min(bottom, height),
    right: Math.min(right, width),
  };
}

/** Where in its step a number stands. */
function placeOf(shape, index) {
  if (shape.length === 1) return { index };
  const [, height, width] = shape;
  return {
    channel: Math.floor(index / (height * width)),
    row: Math.floor(index / width) % height,
    column: index % width,
  };
}

/** The how-manieth number of its step is at a place; none, if that is outside. */
function indexOf([, height, width], { index, channel, row, column }) {
  if (index !== undefined) return index;
  const isInside = row >= 0 && row < height && column >= 0 && column < width;
  return isInside ? (channel * height + row) * width + column : undefined;
}
