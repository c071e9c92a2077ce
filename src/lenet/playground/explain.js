/**
 * What is behind one number of a network: the numbers it is made of, and the pixels it sees.
 */

import { sizeOf } from "./layers.js";
import { countOf, windowOf } from "./network.js";

/**
 * The numbers and weights behind one number of a step.
 *
 * The number is `bias` plus the sum of value × weight over its inputs; but an activation is that
 * function of its one input, a distance of LeNet-5 is the sum of -(value - weight)², and a residual
 * sum has no inputs but what its two lists give.
 *
 * @type {(model: Model, steps: Step[], stepIndex: number, unit: Unit) => Explanation}
 */
export function explainUnit({ layers }, steps, stepIndex, unit) {
  const { shape, values } = steps[stepIndex];
  const index = indexOf(shape, unit);
  const value = values[index];
  if (stepIndex === 0) return { inputs: [], bias: 0, value };
  const layer = layers[stepIndex - 1];
  const output = Math.floor(index / (sizeOf(shape) / shape[0])); // its feature map, or itself
  const before = steps[stepIndex - 1].values;
  const ground = "ground" in layer ? layer.ground : 0; // of what lies outside
  const inputs = inputsOf(layer, index, output, before).map(([place, weight]) => {
    const inputValue = before[indexOf(layer.inputShape, place)] ?? ground;
    return { step: stepIndex - 1, ...place, value: inputValue, weight };
  });
  if (layer.kind === "residual") return { inputs, bias: value, value };
  return { inputs, bias: "bias" in layer ? layer.bias[output] : 0, value };
}

/** The pixels of the image that a number of a step depends on.
 * @type {(model: Model, stepIndex: number, unit: Unit) => Area} */
export function receptiveField({ card, layers }, stepIndex, unit) {
  const { row = 0, column = 0 } = unit;
  const field = { top: row, left: column, bottom: row + 1, right: column + 1 };
  const [, height, width] = card.input_shape;
  return clipField(layers.slice(0, stepIndex).reduceRight(fieldBefore, field), height, width);
}

/** Each number that one is made of: its place in the step before, and its weight.
 * @type {(layer: Layer, index: number, output: number,
 *   before: Float32Array) => [Unit, number][]} */
function inputsOf(layer, index, output, before) {
  const { inputShape, shape } = layer;
  if (layer.kind === "residual") return [];
  if (layer.kind === "activation") return [[placeOf(inputShape, index), 1]];
  if (layer.kind === "batch_norm") return [[placeOf(inputShape, index), layer.weights[output]]];
  if (layer.kind === "dense" || layer.kind === "distances") {
    const inputs = sizeOf(inputShape);
    const row = layer.weights.subarray(output * inputs, (output + 1) * inputs);
    return Array.from(row, (weight, input) => [placeOf(inputShape, input), weight]);
  }
  const { row = 0, column = 0 } = placeOf(shape, index);
  if (layer.kind === "padding") {
    const { margins } = layer;
    return [[{ channel: output, row: row - margins[2], column: column - margins[0] }, 1]];
  }
  const places = windowOf(layer, row, column);
  /** @type {(channel: number) => UnitOfMap[]} */
  const windowIn = (channel) => places.map(([y, x]) => ({ channel, row: y, column: x }));
  if (layer.kind === "convolution") {
    const { sees, weights } = layer;
    const start = places.length * sees.slice(0, output).flat().length;
    const seen = sees[output].flatMap(windowIn);
    return seen.map((place, corner) => [place, weights[start + corner]]);
  }
  const window = windowIn(output);
  if (layer.kind === "subsampling") return window.map((place) => [place, layer.weights[output]]);
  const inside = window.filter((place) => indexOf(inputShape, place) >= 0);
  if (layer.method === "average") return inside.map((place) => [place, 1 / countOf(layer, places)]);
  const values = inside.map((place) => before[indexOf(inputShape, place)]);
  const largest = values.indexOf(Math.max(...values));
  return inside.map((place, corner) => [place, corner === largest ? 1 : 0]);
}

/** What a part of a layer's output depends on in its input.
 * @type {(field: Area, layer: Layer) => Area} */
function fieldBefore(field, layer) {
  const [, height, width] = layer.inputShape;
  const { top, left, bottom, right } = field;
  if (layer.shape.length === 1) return { top: 0, left: 0, bottom: height, right: width };
  if (layer.kind === "activation" || layer.kind === "batch_norm") return field;
  if (layer.kind === "residual") {
    const fields = layer.sides.map((side) => side.reduceRight(fieldBefore, field));
    return {
      top: Math.min(...fields.map((one) => one.top)),
      left: Math.min(...fields.map((one) => one.left)),
      bottom: Math.max(...fields.map((one) => one.bottom)),
      right: Math.max(...fields.map((one) => one.right)),
    };
  }
  if (layer.kind === "padding") {
    const [before, , above] = layer.margins;
    const moved = { top: top - above, bottom: bottom - above };
    return clipField({ ...moved, left: left - before, right: right - before }, height, width);
  }
  if (layer.kind === "dense" || layer.kind === "distances") return field; // these give no maps
  const [[firstRow, firstColumn]] = windowOf(layer, top, left);
  const [lastRow, lastColumn] = windowOf(layer, bottom - 1, right - 1).slice(-1)[0];
  const wider = { top: firstRow, left: firstColumn, bottom: lastRow + 1, right: lastColumn + 1 };
  return clipField(wider, height, width);
}

/** @type {(field: Area, height: number, width: number) => Area} */
function clipField({ top, left, bottom, right }, height, width) {
  return {
    top: Math.max(top, 0),
    left: Math.max(left, 0),
    bottom: Math.min(bottom, height),
    right: Math.min(right, width),
  };
}

/** Where in its step a number stands. @type {(shape: Shape, index: number) => Unit} */
export function placeOf(shape, index) {
  if (shape.length === 1) return { index };
  const [, height, width] = shape;
  return {
    channel: Math.floor(index / (height * width)),
    row: Math.floor(index / width) % height,
    column: index % width,
  };
}

/** The how-manieth number of its step is at a place; -1, if that is outside.
 * @type {(shape: Shape, unit: Unit) => number} */
export function indexOf([, height, width], unit) {
  if (unit.index !== undefined) return unit.index;
  const { channel, row, column } = unit;
  const isInside = row >= 0 && row < height && column >= 0 && column < width;
  return isInside ? (channel * height + row) * width + column : -1;
}
