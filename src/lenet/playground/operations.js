/**
 * A network's layers as the list of operations that the native core goes through: what
 * `native/program.h` says, and `lenet/models/_operations.py` does.
 */

import { ACTIVATIONS } from "./activations.js";
import { askByKind, sizeOf } from "./layers.js";

// In the order of program.h, and so are the fields of `addOperation`.
const KINDS = [
  ...["convolution", "dense", "activation", "pooling", "batch_norm", "scale", "dropout"],
  ...["padding", "distances", "sum"],
];
const WINDOW_METHODS = ["average", "max", "sum"];
const FIELDS = 27;
const MOST_NUMBERS = 2 ** 24; // of a value or of weights, so that no index overflows
const MOST_NUMBERS_IN_ALL = 2 ** 25; // of all values, which take 32 bytes each

/** Put the operations of layers together. @type {(layers: Layer[], imageShape: Shape) => Program}
 * @throws {Error} They are too large. */
export function listOperations(layers, imageShape) {
  const program = { operations: [], connections: [], parameters: [], values: [0], size: 0 };
  program.values = goThrough(program, layers, 0);
  if (!program.operations.length) addOperation(program, "activation", 0, imageShape, imageShape);
  if (program.size > MOST_NUMBERS_IN_ALL) throw tooLarge();
  return program;
}

function tooLarge() {
  return new Error("The network is too large to run in a page.");
}

/** Add layers one after the other; gives the value that comes in, and what each layer makes.
 * @type {(program: Program, layers: Layer[], input: number) => number[]} */
function goThrough(program, layers, input) {
  const values = [input];
  for (const layer of layers) values.push(askByKind(ADD, layer, program, values[values.length - 1]));
  return values;
}

/** What a layer adds; gives the value that it makes.
 * @type {ForEachKind<[program: Program, input: number], number>} */
const ADD = {
  activation({ shape, activation, parameter }, program, input) {
    const choice = 1 + Object.keys(ACTIVATIONS).indexOf(activation); // after the identity
    return addOperation(program, "activation", input, shape, shape, { choice, number: parameter });
  },
  batch_norm: (layer, program, input) =>
    addOperation(program, "scale", input, layer.shape, layer.shape, placeWeights(program, layer)),
  convolution: (layer, program, input) =>
    addOperation(program, "convolution", input, layer.inputShape, layer.shape, {
      ...layer,
      ...placeWeights(program, layer),
    }),
  padding: ({ inputShape, shape, margins, ground }, program, input) =>
    addOperation(program, "padding", input, inputShape, shape, { margins, number: ground }),
  pooling: (layer, program, input) =>
    addOperation(program, "pooling", input, layer.inputShape, layer.shape, {
      ...layer,
      choice: WINDOW_METHODS.indexOf(layer.method),
    }),
  adaptive_pooling({ inputShape, shape, method }, program, input) {
    const choice = WINDOW_METHODS.indexOf(method);
    return addOperation(program, "pooling", input, inputShape, shape, { choice, isAdaptive: true });
  },
  subsampling(layer, program, input) {
    const { inputShape, shape, window, stride } = layer;
    const settings = { window, stride, choice: WINDOW_METHODS.indexOf("sum") };
    const sums = addOperation(program, "pooling", input, inputShape, shape, settings);
    return addOperation(program, "scale", sums, shape, shape, placeWeights(program, layer));
  },
  dense(layer, program, input) {
    const from = [sizeOf(layer.inputShape)];
    const settings = placeWeights(program, layer);
    return addOperation(program, "dense", input, from, layer.shape, settings);
  },
  distances({ inputShape, shape, weights }, program, input) {
    const settings = { weightPlace: program.parameters.push(weights) - 1 };
    return addOperation(program, "distances", input, [sizeOf(inputShape)], shape, settings);
  },
  residual({ shape, sides }, program, input) {
    const ends = sides.map((layers) => goThrough(program, layers, input).slice(-1)[0]);
    return addOperation(program, "sum", ends[0], shape, shape, { other: ends[1] });
  },
};

/** @type {(program: Program, layer: Weighted) => OperationSettings} */
function placeWeights({ parameters }, { weights, bias }) {
  const weightPlace = parameters.push(weights) - 1;
  return { weightPlace, biasPlace: parameters.push(bias) - 1 };
}

/** Add an operation; gives the value that it makes.
 * @param {Program} program @param {string} kind @param {number} input  The value that comes in.
 * @param {Shape} from @param {Shape} to  The shapes of what comes in and out.
 * @param {OperationSettings} settings */
function addOperation(program, kind, input, from, to, settings = {}) {
  const { other = 0, window = [1, 1], stride = [1, 1], dilation = [1, 1], groups = 1 } = settings;
  const { margins: [left, , above] = [0, 0, 0, 0], choice = 0, number = 0 } = settings;
  const { isAdaptive = false, countPadding = false, connections = [] } = settings;
  const { weightPlace = -1, biasPlace = -1 } = settings;
  const [channels, height = 1, width = 1] = from;
  const [outputs, rows = 1, columns = 1] = to;
  const numbers = [
    ...[KINDS.indexOf(kind), input, other, channels, height, width, outputs, rows, columns],
    ...[...window, ...stride, above, left, ...dilation, groups, choice],
    ...[Number(isAdaptive), Number(countPadding), 0, weightPlace, biasPlace],
    ...[program.connections.length, connections.length],
  ];
  const padded = channels * (height + 2 * above) * (width + 2 * left);
  const filters = kind === "convolution" ? (outputs * channels * sizeOf(window)) / groups : 0;
  if (Math.max(sizeOf(to), padded, filters) > MOST_NUMBERS) throw tooLarge();
  const fields = Int32Array.from({ length: FIELDS }, (_, field) => numbers[field] ?? 0);
  new Float32Array(fields.buffer)[FIELDS - 1] = number;
  program.operations.push(fields);
  program.connections = [...program.connections, ...connections];
  program.size += sizeOf(to);
  return program.operations.length;
}
