/**
 * A network's layers, from the list that a model file holds, with their weights.
 */

import { ACTIVATIONS } from "./activations.js";
import { isListOf, isSize } from "./card.js";

const MOST_LAYERS = 1000;

/**
 * Put the layers of a file together. What only moves numbers or does nothing is left out.
 *
 * @param {Json[]} described  The list in the file.
 * @param {number[]} inputShape  Channels, height and width of an image.
 * @param {TakeTensor} take
 * @param {string} [place]  What the layers' names begin with in the file.
 * @returns {{layers: Layer[], shape: number[], operations: number}}  With the shape that comes out,
 *   and about how many multiplications an image costs.
 * @throws {Error} The list is none of layers that fit each other, or the weights are not theirs.
 */
export function readLayers(described, inputShape, take, place = "") {
  if (!Array.isArray(described) || described.length > MOST_LAYERS) {
    throw new Error("The network's `layers` can't be used.");
  }
  const layers = /** @type {Layer[]} */ ([]);
  let shape = inputShape;
  let shown = inputShape; // of the layer before: maps stay maps where they are but made a row
  let operations = 0;
  for (const [index, settings] of described.entries()) {
    const { kind, name = `${index}` } = /** @type {Json} */ ({ ...settings });
    if (!Object.hasOwn(READ, kind)) throw new Error(`There is no kind of layer called \`${kind}\`.`);
    if (!(SIZES[kind] ?? [1, 3]).includes(shape.length)) throw misfit(name);
    const made = READ[kind](settings, shape, take, `${place}${name}`);
    if (!made.shape.every(isSize)) throw misfit(name);
    operations += made.operations ?? sizeOf(made.shape);
    shape = made.shape;
    if (!made.kind) continue;
    layers.push({ name, inputShape: shown, ...made });
    shown = shape;
  }
  return { layers, shape, operations };
}

/** How many sizes the input of a kind has, where not any number will do.
 * @type {Record<string, number[]>} */
const SIZES = {
  convolution: [3],
  partial_convolution: [3],
  pooling: [3],
  adaptive_pooling: [3],
  padding: [3],
  subsampling: [3],
  dense: [1],
  distances: [1],
};

/** @type {(name: string) => Error} */
function misfit(name) {
  return new Error(`Layer \`${name}\` does not fit its input.`);
}

/** @type {Record<string, (
 *   settings: Json, inputShape: Shape, take: TakeTensor, name: string) => ReadLayer>} */
const READ = {
  convolution(settings, [channels, ...sizes], take, name) {
    const { filters, groups = 1, bias: hasBias = true } = settings;
    requireSizes({ filters: [filters], groups: [groups] });
    const way = wayOf(settings);
    const seen = channels / groups;
    if (!Number.isInteger(seen) || filters % groups) throw misfit(name);
    const weights = take(`${name}.weight`, [filters, seen, ...way.window]);
    const bias = hasBias ? take(`${name}.bias`, [filters]) : new Float32Array(filters);
    const shape = [filters, ...placesOf(sizes, way)];
    const operations = sizeOf(shape) * seen * sizeOf(way.window);
    const kinds = { groups, connections: [] };
    return { kind: "convolution", shape, operations, ...way, ...kinds, weights, bias };
  },

  partial_convolution({ inputs }, [channels, ...sizes], take, name) {
    /** @type {(list: Json) => boolean} */
    const isOfMaps = (list) =>
      isListOf((map) => isSizeOrNone(map) && map < channels)(list) &&
      new Set(list).size === list.length;
    if (!isListOf(isOfMaps)(inputs) || inputs.flat().length === 0) {
      throw new Error("The network's `inputs` can't be used.");
    }
    const way = wayOf({ kernel_size: 5 });
    /** @type {Pair[]} */
    const connections = inputs.flatMap((/** @type {number[]} */ maps, /** @type {number} */ filter) =>
      maps.map((map) => [filter, map]),
    );
    const weights = take(`${name}.weight`, [connections.length, ...way.window]);
    const bias = take(`${name}.bias`, [inputs.length]);
    const shape = [inputs.length, ...placesOf(sizes, way)];
    const operations = (connections.length * 25 * sizeOf(shape)) / shape[0];
    const kinds = { groups: 1, connections };
    return { kind: "convolution", shape, operations, ...way, ...kinds, weights, bias };
  },

  pooling(settings, [channels, ...sizes]) {
    const { method = "average", count_padding: countPadding = true } = settings;
    requireOneOf({ method }, ["average", "max"]);
    const way = wayOf({ ...settings, stride: settings.stride ?? settings.kernel_size });
    const shape = [channels, ...placesOf(sizes, way, settings.ceil_mode === true)];
    const operations = sizeOf(shape) * sizeOf(way.window);
    return { kind: "pooling", shape, operations, method, countPadding, ...way };
  },

  adaptive_pooling({ method = "average", output_size: size = 1 }, [channels, ...sizes]) {
    requireOneOf({ method }, ["average", "max"]);
    const shape = [channels, ...pairOf({ output_size: size })];
    return { kind: "adaptive_pooling", shape, operations: channels * sizeOf(sizes), method };
  },

  subsampling(_, [maps, ...sizes], take, name) {
    const way = wayOf({ kernel_size: 2, stride: 2 });
    const [weights, bias] = ["weight", "bias"].map((kind) => take(`${name}.${kind}`, [maps]));
    const shape = [maps, ...placesOf(sizes, way)];
    return { kind: "subsampling", shape, operations: 4 * sizeOf(shape), ...way, weights, bias };
  },

  batch_norm({ epsilon = 1e-5 }, shape, take, name) {
    const kinds = ["weight", "bias", "running_mean", "running_var"];
    const [gain, offset, mean, variance] = kinds.map((kind) => take(`${name}.${kind}`, [shape[0]]));
    take(`${name}.num_batches_tracked`, [], false);
    const weights = gain.map((one, i) => one / Math.sqrt(variance[i] + epsilon));
    const bias = offset.map((one, i) => one - mean[i] * weights[i]);
    return { kind: "batch_norm", shape, weights, bias };
  },

  activation({ function: activation, parameter }, shape) {
    if (activation === "identity") return { shape };
    requireOneOf({ function: activation }, Object.keys(ACTIVATIONS));
    const { usual = 0 } = /** @type {Record<string, ActivationFunction>} */ (ACTIVATIONS)[activation];
    return { kind: "activation", shape, activation, parameter: parameter ?? usual };
  },

  dense({ units, bias: hasBias = true }, [inputs], take, name) {
    requireSizes({ units: [units] });
    const weights = take(`${name}.weight`, [units, inputs]);
    const bias = hasBias ? take(`${name}.bias`, [units]) : new Float32Array(units);
    return { kind: "dense", shape: [units], operations: units * inputs, weights, bias };
  },

  distances({ classes = 10 }, [inputs], take, name) {
    requireSizes({ classes: [classes] });
    const weights = take(`${name}.targets`, [classes, inputs]);
    return { kind: "distances", shape: [classes], operations: classes * inputs, weights };
  },

  padding({ margins, value: ground = 0 }, [channels, height, width]) {
    if (!isListOf(isSizeOrNone)(margins) || margins.length !== 4 || !Number.isFinite(ground)) {
      throw new Error(`The network's \`margins\` can't be ${margins}.`);
    }
    const [left, right, above, below] = margins;
    const shape = [channels, height + above + below, width + left + right];
    return { kind: "padding", shape, margins, ground };
  },

  residual({ main, shortcut = [] }, inputShape, take, name) {
    const sides = [
      readLayers(main, inputShape, take, `${name}.main.`),
      readLayers(shortcut, inputShape, take, `${name}.shortcut.`),
    ];
    const [{ shape }, other] = sides;
    if (String(shape) !== String(other.shape)) throw misfit(name);
    const operations = sides.reduce((sum, side) => sum + side.operations, sizeOf(shape));
    return { kind: "residual", shape, operations, sides: sides.map(({ layers }) => layers) };
  },

  dropout: (_, shape) => ({ shape }),
  flatten: (_, shape) => ({ shape: [sizeOf(shape)] }),
};

/** How a window goes over its input. @type {(settings: Json) => Way} */
function wayOf(settings) {
  const window = pairOf({ kernel_size: settings.kernel_size });
  const stride = pairOf({ stride: settings.stride ?? 1 });
  const dilation = pairOf({ dilation: settings.dilation ?? 1 });
  const [rows, columns] = pairOf({ padding: settings.padding ?? 0 }, 0);
  return { window, stride, dilation, margins: [columns, columns, rows, rows] };
}

/** How often it fits along each side.
 * @type {(sizes: number[], way: Way, isCeil?: boolean) => number[]} */
function placesOf(sizes, { window, stride, dilation, margins }, isCeil = false) {
  return sizes.map((size, side) => {
    const margin = margins[side === 0 ? 2 : 0];
    const room = size + 2 * margin - dilation[side] * (window[side] - 1) - 1;
    const count = Math.floor(room / stride[side]) + 1;
    const hasRest = room % stride[side] !== 0 && count * stride[side] < size + margin;
    return count + Number(isCeil && hasRest);
  });
}

/** Rows and columns, for which one number may stand.
 * @type {(setting: Record<string, Json>, least?: number) => Pair} */
function pairOf(setting, least = 1) {
  const [[name, value]] = Object.entries(setting);
  const pair = Array.isArray(value) ? value : [value, value];
  if (pair.length !== 2 || !pair.every(least === 0 ? isSizeOrNone : isSize)) {
    throw new Error(`The network's \`${name}\` can't be ${value}.`);
  }
  return /** @type {Pair} */ (pair);
}

/** @type {(value: Json) => boolean} */
function isSizeOrNone(value) {
  return value === 0 || isSize(value);
}

/** Ask the function for a layer's kind.
 * @type {<Others extends unknown[], Result>(
 *   functions: ForEachKind<Others, Result>, layer: Layer, ...others: Others) => Result} */
export function askByKind(functions, layer, ...others) {
  const answer = /** @type {(layer: Layer, ...others: any) => any} */ (functions[layer.kind]);
  return answer(layer, ...others);
}

/** How many numbers something of a shape has. @type {(shape: Shape) => number} */
export function sizeOf(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

/** @type {(settings: Record<string, Json>) => void} */
function requireSizes(settings) {
  for (const [name, sizes] of Object.entries(settings)) {
    if (!isListOf(isSize)(sizes)) throw new Error(`The network's \`${name}\` can't be ${sizes}.`);
  }
}

/** @type {(setting: Record<string, Json>, known: string[]) => void} */
function requireOneOf(setting, known) {
  const [[name, value]] = Object.entries(setting);
  if (!known.includes(value)) throw new Error(`The network's \`${name}\` can't be ${value}.`);
}
