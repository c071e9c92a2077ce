/**
 * The layers of the networks that lenet trains, put together from a model's settings and weights.
 */

import { isListOf, isSize } from "./card.js";

/**
 * One layer. Weights lie as PyTorch has them, the last size running fastest.
 *
 * @typedef {object} Layer
 * @property {string} name  Its place in the network, as in the file: `0`, `c1`.
 * @property {"convolution"|"subsampling"|"pooling"|"activation"|"dense"|"distances"} kind
 * @property {number[]} inputShape  [channels, height, width] or [units].
 * @property {number[]} shape  Of its output, likewise.
 * @property {Float32Array} [weights]  Of a convolution [filters, channels, rows, columns], of a
 *   dense layer [outputs, inputs], of a subsampling [maps]; of distances, the targets
 *   [classes, units]. Batch normalisation after the layer is in them.
 * @property {Float32Array} [bias]  One for each filter, output or map.
 * @property {number} [kernelSize]  Rows and columns of a convolution's filters.
 * @property {number} [padding]  Rows and columns put round the input of a convolution.
 * @property {number} [ground]  What these hold.
 * @property {number[][]} [sees]  The channels that each filter sees, where these are not all.
 * @property {"max"|"average"} [method]  Of a pooling.
 * @property {string} [activation]  Of an activation, a name in `ACTIVATIONS`.
 */

const BATCH_NORM_EPSILON = 1e-5; // PyTorch's own
const LENET5_FIELD = 32; // rows and columns that LeNet-5's first convolution sees
const LENET5_GROUND = -0.1;
// The maps of S2 that each map of C3 sees: table I of LeCun et al. (1998), column by column.
const C3_SEES = "012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345"
  .split(" ")
  .map((maps) => Array.from(maps, Number));

/**
 * Put the layers of a model onto an empty stack.
 *
 * @param {LayerStack} stack
 * @param {import("./card.js").Card} card
 * @throws {Error} The settings are none of such a network, or the weights are not its.
 */
export function addLayersOf(stack, { model, config }) {
  if (!Object.hasOwn(NETWORKS, model)) throw new Error(`There is no network called \`${model}\`.`);
  NETWORKS[model](stack, config);
}

const NETWORKS = {
  softmax(stack, { classes }) {
    stack.addDense("1", classes);
  },

  mlp(stack, { dense_widths: widths, activation, classes }) {
    requireSizes({ dense_widths: widths });
    let place = 1; // of the next layer; the one at 0 makes a row of the image
    for (const width of widths) {
      stack.addDense(`${place++}`, width);
      stack.addActivation(`${place++}`, activation);
    }
    stack.addDense(`${place}`, classes);
  },

  lenet(stack, config) {
    const { channels, dense_widths: widths, activation, batch_norm: normalised = false } = config;
    requireSizes({ channels, dense_widths: widths, kernel_size: [config.kernel_size] });
    requireSizes({ padding: [config.padding + 1] }); // may be 0
    let place = 0;
    const placeOfNorm = () => (normalised ? `${place++}` : undefined);
    for (const [block, filters] of channels.entries()) {
      const padding = block === 0 ? config.padding : 0;
      stack.addConvolution(`${place++}`, filters, config.kernel_size, padding, placeOfNorm());
      stack.addActivation(`${place++}`, activation);
      stack.addPooling(`${place++}`, config.pooling);
    }
    place++; // makes a row of the feature maps
    for (const width of widths) {
      stack.addDense(`${place++}`, width, placeOfNorm());
      stack.addActivation(`${place++}`, activation);
    }
    stack.addDense(`${place}`, config.classes);
  },

  lenet5(stack, { classes, input_shape: shape }) {
    requireOneOf({ input_shape: String(shape) }, ["1,28,28", "1,32,32"]);
    const margin = (LENET5_FIELD - shape[1]) / 2;
    stack.addConvolution("c1", 6, 5, margin, undefined, LENET5_GROUND);
    stack.addActivation("c1_squash", "scaled-tanh");
    stack.addSubsampling("s2");
    stack.addActivation("s2_squash", "scaled-tanh");
    stack.addPartialConvolution("c3", C3_SEES, 5);
    stack.addActivation("c3_squash", "scaled-tanh");
    stack.addSubsampling("s4");
    stack.addActivation("s4_squash", "scaled-tanh");
    stack.addConvolution("c5", 120, 5);
    stack.addActivation("c5_squash", "scaled-tanh");
    stack.addDense("f6", 84);
    stack.addActivation("f6_squash", "scaled-tanh");
    stack.addDistances("output", classes);
  },
};

/** Layers, each on what comes out of the one before. */
export class LayerStack {
  /**
   * @param {number[]} inputShape  Channels, height and width of an image.
   * @param {(name: string, shape: number[]) => Float32Array} take  Takes a tensor from the file.
   */
  constructor(inputShape, take) {
    this.shape = inputShape;
    this.take = take;
    /** @type {Layer[]} */
    this.layers = [];
    this.multiplications = 0; // or what costs as much, for an image
  }

  addConvolution(name, filters, kernelSize, padding = 0, norm = undefined, ground = 0) {
    const shape = [filters, this.shape[0], kernelSize, kernelSize];
    const parameters = this.takeParameters(name, shape, norm);
    this.addFilters(name, { kernelSize, padding, ground, ...parameters });
  }

  addPartialConvolution(name, sees, kernelSize) {
    const [channels] = this.shape;
    const area = kernelSize * kernelSize;
    const pairs = sees.flatMap((seen, filter) => seen.map((channel) => [filter, channel]));
    const some = this.take(`${name}.weight`, [pairs.length, kernelSize, kernelSize]);
    const weights = new Float32Array(sees.length * channels * area);
    for (const [index, [filter, channel]] of pairs.entries()) {
      const one = some.subarray(index * area, (index + 1) * area);
      weights.set(one, (filter * channels + channel) * area);
    }
    const bias = this.take(`${name}.bias`, [sees.length]);
    this.addFilters(name, { kernelSize, padding: 0, ground: 0, weights, bias, sees });
  }

  addFilters(name, details) {
    const { kernelSize, padding, bias } = details;
    const [channels, ...sizes] = this.shape;
    const [height, width] = sizes.map((size) => size + 2 * padding - kernelSize + 1);
    const shape = [bias.length, height, width];
    this.add(name, "convolution", shape, channels * kernelSize ** 2, details);
  }

  addPooling(name, method) {
    requireOneOf({ pooling: method }, ["average", "max"]);
    this.add(name, "pooling", this.halvedShape(), 4, { method });
  }

  addSubsampling(name) {
    const [maps] = this.shape;
    const weights = this.take(`${name}.weight`, [maps]);
    const bias = this.take(`${name}.bias`, [maps]);
    this.add(name, "subsampling", this.halvedShape(), 4, { weights, bias });
  }

  addActivation(name, activation) {
    requireOneOf({ activation }, ["sigmoid", "tanh", "relu", "gelu", "scaled-tanh"]);
    this.add(name, "activation", this.shape, 1, { activation });
  }

  addDense(name, outputs, norm = undefined) {
    const inputs = sizeOf(this.shape);
    this.add(name, "dense", [outputs], inputs, this.takeParameters(name, [outputs, inputs], norm));
  }

  addDistances(name, classes) {
    const weights = this.take(`${name}.targets`, [classes, ...this.shape]);
    this.add(name, "distances", [classes], sizeOf(this.shape), { weights });
  }

  add(name, kind, shape, cost, details) {
    if (shape.some((size) => size < 1)) throw new Error(`Layer ${name} does not fit its input.`);
    this.layers.push({ name, kind, inputShape: this.shape, shape, ...details });
    this.multiplications += cost * sizeOf(shape);
    this.shape = shape;
  }

  halvedShape() {
    const [channels, height, width] = this.shape;
    return [channels, Math.floor(height / 2), Math.floor(width / 2)];
  }

  /** A layer's weights and bias; with batch normalisation in them where some comes after it. */
  takeParameters(name, shape, norm) {
    const outputs = [shape[0]];
    const weights = this.take(`${name}.weight`, shape);
    if (norm === undefined) return { weights, bias: this.take(`${name}.bias`, outputs) };
    const [gain, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(
      (kind) => this.take(`${norm}.${kind}`, outputs),
    );
    const scales = Array.from(gain, (one, i) => one / Math.sqrt(variance[i] + BATCH_NORM_EPSILON));
    const each = weights.length / shape[0];
    return {
      weights: weights.map((weight, index) => weight * scales[Math.floor(index / each)]),
      bias: bias.map((one, i) => one - mean[i] * scales[i]),
    };
  }
}

/** How many numbers something of a shape has. */
export function sizeOf(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

function requireSizes(settings) {
  for (const [name, sizes] of Object.entries(settings)) {
    if (!isListOf(isSize)(sizes)) throw new Error(`The network's \`${name}\` can't be ${sizes}.`);
  }
}

function requireOneOf(setting, known) {
  const [[name, value]] = Object.entries(setting);
  if (!known.includes(value)) throw new Error(`The network's \`${name}\` can't be ${value}.`);
}
