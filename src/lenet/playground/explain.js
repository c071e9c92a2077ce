/**
 * What is behind one number of a network: the numbers it is made of, and the pixels it sees.
 */

import { sizeOf } from "./layers.js";

/**
 * The numbers and weights behind one number of a step.
 *
 * The number is `bias` plus the sum of value × weight over its inputs; but an activation is that
 * function of its one input, a distance of LeNet-5 is the sum of -(value - weight)², and a residual
 * sum has no inputs but what its two lists give. What lies in a padding is no input.
 *
 * @type {(model: Network, result: Result, stepIndex: number, unit: Unit) => Explanation}
 */
export function explainUnit(model, result, stepIndex, unit) {
  const { shape, values, layer } = result.steps[stepIndex];
  const index = indexOf(shape, unit);
  const value = values[index];
  if (!layer) return { inputs: [], bias: 0, value };
  if (layer.kind === "residual") return { inputs: [], bias: value, value };
  const before = result.steps[stepIndex - 1].values;
  const inputs = model.inputsOf(result, stepIndex, index).map(([place, weight]) => {
    return { step: stepIndex - 1, ...placeOf(layer.inputShape, place), value: before[place], weight };
  });
  if (layer.kind === "padding") return { inputs, bias: inputs.length ? 0 : value, value };
  const output = Math.floor(index / (sizeOf(shape) / shape[0])); // its feature map, or itself
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
  return clipField(windowsOf(layer, field), height, width);
}

/** The rows and columns that the windows of a part see; some may lie outside.
 * @type {(layer: AnyPooling | Layers["convolution" | "subsampling"], field: Area) => Area} */
function windowsOf(layer, { top, left, bottom, right }) {
  if (layer.kind === "adaptive_pooling") {
    const [, rows, columns] = layer.shape;
    const [, height, width] = layer.inputShape;
    return {
      top: Math.floor((top * height) / rows),
      left: Math.floor((left * width) / columns),
      bottom: Math.ceil((bottom * height) / rows),
      right: Math.ceil((right * width) / columns),
    };
  }
  const { window, stride, dilation, margins } = layer;
  return {
    top: top * stride[0] - margins[2],
    left: left * stride[1] - margins[0],
    bottom: (bottom - 1) * stride[0] - margins[2] + dilation[0] * (window[0] - 1) + 1,
    right: (right - 1) * stride[1] - margins[0] + dilation[1] * (window[1] - 1) + 1,
  };
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
