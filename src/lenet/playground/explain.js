/**
 * What is behind one number of a network: the numbers it is made of, and the pixels it sees.
 */

import { sizeOf } from "./layers.js";
import { countOf, windowOf } from "./network.js";

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
 * function of its one input, a distance of LeNet-5 is the sum of -(value - weight)², and a residual
 * sum has no inputs but what its two lists give.
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
  const bias = layer.kind === "residual" ? value : (layer.bias?.[output] ?? 0);
  return { inputs, bias, value };
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
  const { kind, inputShape, shape, weights, method } = layer;
  if (kind === "residual") return [];
  if (kind === "activation") return [[placeOf(inputShape, index), 1]];
  if (kind === "batch_norm") return [[placeOf(inputShape, index), weights[output]]];
  if (kind === "dense" || kind === "distances") {
    const inputs = sizeOf(inputShape);
    const row = weights.subarray(output * inputs, (output + 1) * inputs);
    return Array.from(row, (weight, input) => [placeOf(inputShape, input), weight]);
  }
  const { row, column } = placeOf(shape, index);
  if (kind === "padding") {
    const { margins } = layer;
    return [[{ channel: output, row: row - margins[2], column: column - margins[0] }, 1]];
  }
  const places = windowOf(layer, row, column);
  const at = (channel) => ([y, x]) => ({ channel, row: y, column: x });
  if (kind === "convolution") {
    const area = places.length;
    const start = sizeOf(layer.window) * layer.sees.slice(0, output).flat().length;
    return layer.sees[output].flatMap((channel, seen) =>
      places.map((place, corner) => [at(channel)(place), weights[start + seen * area + corner]]),
    );
  }
  const window = places.map(at(output));
  if (kind === "subsampling") return window.map((place) => [place, weights[output]]);
  const values = window.map((place) => before[indexOf(inputShape, place)]);
  const isInside = (corner) => values[corner] !== undefined;
  const inside = window.map((place, corner) => [place, corner]).filter(([, i]) => isInside(i));
  if (method === "average") return inside.map(([place]) => [place, 1 / countOf(layer, places)]);
  const largest = values.indexOf(Math.max(...values.filter((value) => value !== undefined)));
  return inside.map(([place, corner]) => [place, corner === largest ? 1 : 0]);
}

/** What a part of a layer's output depends on in its input. */
function fieldBefore(layer, field) {
  const { kind, inputShape } = layer;
  const [, height, width] = inputShape;
  const { top, left, bottom, right } = field;
  if (layer.shape.length === 1) return { top: 0, left: 0, bottom: height, right: width };
  if (kind === "activation" || kind === "batch_norm") return field;
  if (kind === "residual") {
    const fields = layer.sides.map((side) => [...side].reverse().reduce(before, field));
    const edge = (name, pick) => pick(...fields.map((one) => one[name]));
    return {
      top: edge("top", Math.min),
      left: edge("left", Math.min),
      bottom: edge("bottom", Math.max),
      right: edge("right", Math.max),
    };
  }
  if (kind === "padding") {
    const [before, , above] = layer.margins;
    const moved = { top: top - above, bottom: bottom - above };
    return clipField({ ...moved, left: left - before, right: right - before }, height, width);
  }
  const [[firstRow, firstColumn], last] = [
    windowOf(layer, top, left)[0],
    windowOf(layer, bottom - 1, right - 1).at(-1),
  ];
  const wider = { top: firstRow, left: firstColumn, bottom: last[0] + 1, right: last[1] + 1 };
  return clipField(wider, height, width);
}

function before(field, layer) {
  return fieldBefore(layer, field);
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
