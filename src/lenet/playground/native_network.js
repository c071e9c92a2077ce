/**
 * A network in the native core: its weights, what it answers, and its training.
 */

import { NativeCore } from "./native_core.js";

// In the order of native/pooling.h, initial.h and optimisers.h.
const FUNCTIONS = ["identity", "sigmoid", "tanh", "relu"];
const POOLINGS = ["average", "max"];
const INITIALISATIONS = ["pytorch", "xavier", "kaiming", "normal", "published"];
const OPTIMISERS = ["sgd", "adam", "adamw"];

/** What the 256 values of a pixel are to a network.
 * @type {(normalisation: {mean: number, std: number}) => Float32Array} */
export function byteValuesOf({ mean, std }) {
  const [less, share] = [Math.fround(mean), Math.fround(std)];
  return Float32Array.from({ length: 256 }, (_, byte) =>
    Math.fround(Math.fround(Math.fround(byte / 255) - less) / share),
  );
}

export class NativeNetwork {
  #network;
  #plain; // the same with batch normalisation folded into the weights

  /**
   * @param {NativeCore} core
   * @param {Json[]} described  The list of layers, as a model file has it.
   * @param {number[]} inputShape  Channels, height and width of an image.
   * @throws {Error} The core does not train such a network.
   */
  constructor(core, described, inputShape) {
    this.core = core;
    this.blocks = readBlocks(described, inputShape);
    this.imageSize = inputShape.reduce((product, size) => product * size, 1);
    this.outputs = /** @type {Block} */ (this.blocks.at(-1)).outputs;
    /** What the network learns, and then its statistics: where each lies, and how long it is.
     * @type {Map<string, {address: number, count: number}>} */
    this.arrays = new Map();
    for (const { weightCount, outputs, ...block } of this.blocks) {
      this.#add(`${block.name}.weight`, weightCount);
      if (block.norm) this.#add(`${block.norm.name}.weight`, outputs);
      this.#add(`${(block.norm ?? block).name}.bias`, outputs);
    }
    this.parameters = core.place(Int32Array.from(this.arrays.values(), ({ address }) => address));
    for (const { norm, outputs } of this.blocks) {
      if (!norm) continue;
      this.#add(`${norm.name}.running_mean`, outputs);
      this.#add(`${norm.name}.running_var`, outputs);
      this.#add(`${norm.name}.num_batches_tracked`, 2); // one number of 64 bits
    }
    const descriptions = this.blocks.map(({ description }) => description);
    this.#network = this.#describe(descriptions);
    this.#plain = this.#describe(descriptions.map((one) => [...one.slice(0, -1), 0]));
  }

  /** @type {(name: string, count: number) => void} */
  #add(name, count) {
    this.arrays.set(name, { address: this.core.take(4 * count), count });
  }

  /** @type {(descriptions: number[][]) => number} */
  #describe(descriptions) {
    const { core } = this;
    return core.borrow(() =>
      core.call("network_new", core.place(Int32Array.from(descriptions.flat())), descriptions.length),
    );
  }

  /** The numbers of an array in the core's memory, until more memory is taken.
   * @type {(name: string) => Float32Array} */
  numbers(name) {
    const { address, count } = /** @type {{address: number, count: number}} */ (this.arrays.get(name));
    return this.core.floats(address, count);
  }

  /** Begin as `lenet train` does with the same seed.
   * @type {(initialisation: string, seed: number | bigint) => void} */
  initialise(initialisation, seed) {
    const kind = INITIALISATIONS.indexOf(initialisation);
    if (kind < 0) throw new Error(`There is no initialisation called \`${initialisation}\`.`);
    const { core, blocks } = this;
    core.borrow(() => {
      const layers = blocks.flatMap(({ outputs, inputs, window, norm }) =>
        [outputs, inputs, window, norm ? 0 : 1].map(BigInt),
      );
      const addresses = blocks.flatMap(({ name, norm }) => [
        this.arrays.get(`${name}.weight`)?.address ?? 0,
        norm ? 0 : (this.arrays.get(`${name}.bias`)?.address ?? 0),
      ]);
      const places = [BigInt64Array.from(layers), Int32Array.from(addresses)];
      const [described, parameters] = places.map((array) => core.place(array));
      core.call("initialise", described, blocks.length, kind, BigInt(seed), parameters);
    });
    for (const { norm } of blocks) {
      if (!norm) continue;
      for (const [name, value] of Object.entries({ weight: 1, bias: 0, ...FRESH_STATISTICS })) {
        this.numbers(`${norm.name}.${name}`).fill(value);
      }
    }
  }

  /** Take over weights and statistics, by their names in a model file.
   * @type {(arrays: Map<string, Float32Array>) => void} */
  load(arrays) {
    for (const [name, { count }] of this.arrays) {
      const given = arrays.get(name);
      if (given?.length !== count) {
        throw new Error(`\`${name}\` has ${given?.length ?? "no"} numbers, not ${count}.`);
      }
      this.numbers(name).set(given);
    }
  }

  /** Copies of weights and statistics; a count of batches is a number of 64 bits in two halves.
   * @returns {Map<string, Float32Array>} */
  weights() {
    return new Map([...this.arrays.keys()].map((name) => [name, this.numbers(name).slice()]));
  }

  /** The logits of images, one after the other: bytes with what they stand for, or numbers.
   * @type {(images: Uint8Array | Float32Array, byteValues?: Float32Array) => Float32Array} */
  predict(images, byteValues = byteValuesOf({ mean: 0, std: 1 })) {
    const { core, outputs, imageSize } = this;
    const count = images.length / imageSize;
    if (!Number.isInteger(count)) {
      throw new Error(`The network takes ${imageSize} pixels each, not ${images.length} in all.`);
    }
    return core.borrow(() => {
      const pixels = core.place(images);
      const isBytes = images instanceof Uint8Array;
      const values = isBytes ? core.place(byteValues) : 0;
      const given = core.place(Int32Array.from(isBytes ? [0, pixels, values] : [pixels, 0, 0]));
      const logits = core.take(4 * count * outputs);
      const parameters = this.#foldedParameters();
      core.call("forward", this.#plain, parameters, given, BigInt(count), 1, logits);
      return core.floats(logits, count * outputs).slice();
    });
  }

  /** The mean loss of images in nats, and how many are answered right.
   * @type {(images: Uint8Array, labels: ArrayLike<number>, byteValues?: Float32Array) =>
   *   {loss: number, correct: number}} */
  evaluate(images, labels, byteValues) {
    const logits = this.predict(images, byteValues);
    let [loss, correct] = [0, 0];
    for (let index = 0; index < labels.length; index++) {
      const row = logits.subarray(index * this.outputs, (index + 1) * this.outputs);
      const most = row.reduce((one, other) => Math.max(one, other));
      const total = row.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
      loss += Math.log(total) + most - row[labels[index]];
      correct += Number(row.indexOf(most) === labels[index]);
    }
    return { loss: loss / labels.length, correct };
  }

  /** Two addresses a block: weights and biases, with batch normalisation in them. */
  #foldedParameters() {
    const { core, blocks } = this;
    const addresses = blocks.flatMap(({ name, norm, epsilon, outputs, weightCount }) => {
      const of = [`${name}.weight`, `${name}.bias`].map((one) => this.arrays.get(one)?.address ?? 0);
      if (!norm) return of;
      const folded = [core.take(4 * weightCount), core.take(4 * outputs)];
      const [weight, bias] = [core.floats(folded[0], weightCount), core.floats(folded[1], outputs)];
      const kinds = ["weight", "bias", "running_mean", "running_var"];
      const own = this.numbers(`${name}.weight`);
      const [gain, offset, mean, variance] = kinds.map((kind) =>
        this.numbers(`${norm.name}.${kind}`),
      );
      const each = weightCount / outputs;
      for (let output = 0; output < outputs; output++) {
        const scale = gain[output] / Math.sqrt(variance[output] + epsilon);
        bias[output] = offset[output] - mean[output] * scale;
        for (let i = output * each; i < (output + 1) * each; i++) weight[i] = own[i] * scale;
      }
      return folded;
    });
    return core.place(Int32Array.from(addresses));
  }

  /** Begin to train. @param {Examples} examples @param {Partial<Training>} [settings] */
  train(examples, settings) {
    return new NativeTraining(this, this.#network, examples, settings);
  }

  /** Free its memory. */
  close() {
    this.core.free([this.parameters, ...[...this.arrays.values()].map(({ address }) => address)]);
    for (const network of [this.#network, this.#plain]) this.core.call("network_free", network);
  }
}

const FRESH_STATISTICS = { running_mean: 0, running_var: 1, num_batches_tracked: 0 };

/** @type {Training} */
const USUAL = {
  batchSize: 256,
  optimiser: "sgd",
  momentum: 0,
  nesterov: false,
  weightDecay: 0,
  labelSmoothing: 0,
  gradientClipping: 0,
};

/** Steps on examples that lie in the core's memory; of `NativeNetwork.train`. */
class NativeTraining {
  #steps = 0n;
  /** @type {number[]} */
  #memory = [];
  #trainer;
  #gradients;
  #state;
  #at;

  /** @param {NativeNetwork} network @param {number} described @param {Examples} examples
   * @param {Partial<Training>} [settings] */
  constructor(network, described, { images, labels, byteValues, shape }, settings) {
    const { core, blocks } = network;
    this.settings = { ...USUAL, ...settings };
    this.core = core;
    const { batchSize, optimiser, momentum } = this.settings;
    if (!OPTIMISERS.includes(optimiser)) {
      throw new Error(`There is no optimiser called \`${optimiser}\`.`);
    }
    if (images.length !== labels.length * network.imageSize) {
      throw new Error(`${labels.length} labels do not go with ${images.length} pixels.`);
    }
    if (labels.some((label) => !(label < network.outputs))) {
      throw new Error(`There are labels outside of the network's ${network.outputs} classes.`);
    }
    this.count = labels.length;
    const learned = network.parameters;
    /** @type {(address: number) => number} */
    const keep = (address) => (this.#memory.push(address), address);
    const counts = blocks.flatMap(({ weightCount, outputs, norm }) => [
      weightCount,
      ...Array(norm ? 2 : 1).fill(outputs),
    ]);
    const arraysEach = optimiser === "sgd" ? Number(momentum > 0) : 2;
    /** @type {(count: number, isThere?: boolean) => {address: number, count: number}} */
    const takeFloats = (count, isThere = true) =>
      isThere ? { address: keep(core.take(4 * count)), count } : { address: 0, count: 0 };
    this.#state = counts.flatMap((count) =>
      [0, 1].map((index) => takeFloats(count, index < arraysEach)),
    );
    const names = [...network.arrays.keys()]; // what is learnt comes first
    this.#gradients = new Map(counts.map((count, place) => [names[place], takeFloats(count)]));
    const [state, gradients] = [this.#state, [...this.#gradients.values()]].map((arrays) =>
      arrays.map(({ address }) => address),
    );
    const [bytes, values, classes] = [
      images,
      byteValues,
      BigInt64Array.from(labels, (label) => BigInt(label)),
    ].map((array) => keep(core.place(array)));
    this.#at = {
      parameters: learned,
      gradients: keep(core.place(Int32Array.from(gradients))),
      state: keep(core.place(Int32Array.from(state))),
      examples: keep(core.place(Int32Array.from([bytes, values, classes, ...shape]))),
      norms: keep(core.place(normStates(network))),
      selection: keep(core.take(20)),
      indices: keep(core.take(8 * batchSize)),
      mirrored: keep(core.take(batchSize)),
      shifts: keep(core.take(16 * batchSize)),
      loss: keep(core.take(16)),
      settings: keep(core.take(72)),
    };
    this.#trainer = core.call("trainer_new", described, batchSize);
  }

  /** Make a step: `computeGradients`, which says the rest, and `update`.
   * @type {(indices: BigInt64Array, learningRate: number, changes?: Changes) =>
   *   {loss: number, correct: number}} */
  step(indices, learningRate, changes) {
    const result = this.computeGradients(indices, changes);
    this.update(learningRate);
    return result;
  }

  /** The mean loss of some examples in nats, how many of them were right, and, for `update`, its
   * gradients. @type {(indices: BigInt64Array, changes?: Changes) =>
   *   {loss: number, correct: number}} */
  computeGradients(indices, { mirrored, shifts } = {}) {
    const [{ core, settings }, at, count] = [this, this.#at, indices.length];
    const isOfThese = indices.every((index) => 0n <= index && index < this.count);
    if (!count || count > settings.batchSize || !isOfThese) {
      throw new Error(`Not a batch of up to ${settings.batchSize} of ${this.count} examples.`);
    }
    core.longs(at.indices, count).set(indices);
    if (mirrored) core.bytes(at.mirrored, count).set(mirrored);
    if (shifts) core.longs(at.shifts, 2 * count).set(shifts);
    const rows = shifts ? at.shifts : 0;
    const columns = shifts ? at.shifts + 8 * count : 0;
    const chosen = [at.indices, mirrored ? at.mirrored : 0, rows, columns, count];
    new Int32Array(core.functions.memory.buffer, at.selection, 5).set(chosen);
    core.call(
      "trainer_gradients",
      ...[this.#trainer, at.examples, at.selection, settings.labelSmoothing, 1],
      ...[at.parameters, at.gradients, at.norms, at.loss],
    );
    const { buffer } = core.functions.memory;
    const [loss] = new Float64Array(buffer, at.loss, 1);
    return { loss: loss / count, correct: Number(core.longs(at.loss + 8, 1)[0]) };
  }

  /** Copies of the gradients, by the names of what is learnt. @returns {Map<string, Float32Array>} */
  gradients() {
    return new Map(
      Array.from(this.#gradients, ([name, { address, count }]) => [
        name,
        this.core.floats(address, count).slice(),
      ]),
    );
  }

  /** What the optimiser remembers: how many steps it made, and copies of its arrays.
   * @returns {{steps: bigint, arrays: Float32Array[]}} */
  state() {
    const arrays = this.#state.map(({ address, count }) => this.core.floats(address, count).slice());
    return { steps: this.#steps, arrays };
  }

  /** Let the optimiser remember that. @param {{steps: bigint, arrays: Float32Array[]}} state */
  restore({ steps, arrays }) {
    this.#steps = steps;
    this.#state.forEach(({ address, count }, place) =>
      this.core.floats(address, count).set(arrays[place]),
    );
  }

  /** Put the gradients, times a factor, one after the other into an array.
   * @type {(target: Float32Array, factor: number) => void} */
  writeGradients(target, factor) {
    let place = 0;
    for (const { address, count } of this.#gradients.values()) {
      for (const gradient of this.core.floats(address, count)) target[place++] = gradient * factor;
    }
  }

  /** Take sums of such arrays for the gradients. @type {(arrays: Float32Array[]) => void} */
  takeGradients([first, ...others]) {
    let place = 0;
    for (const { address, count } of this.#gradients.values()) {
      const sums = this.core.floats(address, count);
      for (let i = 0; i < count; i++, place++) {
        let sum = first[place];
        for (const other of others) sum += other[place];
        sums[i] = sum;
      }
    }
  }

  /** Change the weights by the gradients. @type {(learningRate: number) => void} */
  update(learningRate) {
    const [{ core }, at] = [this, this.#at];
    const { optimiser, nesterov, weightDecay, momentum, gradientClipping } = this.settings;
    const { buffer } = core.functions.memory;
    this.#steps += 1n;
    const kind = OPTIMISERS.indexOf(optimiser);
    new Int32Array(buffer, at.settings, 2).set([kind, Number(nesterov)]);
    core.longs(at.settings + 8, 1)[0] = this.#steps;
    new Float64Array(buffer, at.settings + 16, 7).set([
      ...[learningRate, weightDecay, momentum],
      ...[0.9, 0.999, 1e-8, gradientClipping], // PyTorch's own betas and epsilon
    ]);
    const { parameters, gradients, state } = at;
    core.call("trainer_update", this.#trainer, at.settings, 1, parameters, gradients, state);
  }

  /** Free its memory; the network stays. */
  close() {
    this.core.call("trainer_free", this.#trainer);
    this.core.free(this.#memory);
  }
}

/** `BatchNormState` of each batch normalisation. @type {(network: NativeNetwork) => Uint8Array} */
function normStates({ blocks, arrays }) {
  const norms = blocks.flatMap(({ norm }) => norm ?? []);
  const bytes = new ArrayBuffer(32 * norms.length);
  norms.forEach(({ name, epsilon, momentum }, index) => {
    new Float64Array(bytes, 32 * index, 2).set([epsilon, momentum]);
    const kinds = Object.keys(FRESH_STATISTICS);
    const addresses = kinds.map((kind) => arrays.get(`${name}.${kind}`)?.address ?? 0);
    new Int32Array(bytes, 32 * index + 16, 3).set(addresses);
  });
  return new Uint8Array(bytes);
}

/** The list of layers as the core's blocks: a convolution with activation and 2×2 pooling, or a dense
 * layer with activation, with or without batch normalisation between.
 * @type {(described: Json[], inputShape: number[]) => Block[]} */
function readBlocks(described, inputShape) {
  const layers = described
    .map(({ name, ...settings }, index) => /** @type {Json} */ ({ name: name ?? `${index}`, ...settings }))
    .filter(({ kind }) => kind !== "flatten");
  /** @type {(kind: string) => Json} */
  const takeIf = (kind) => (layers[0]?.kind === kind ? layers.shift() : undefined);
  /** @type {Block[]} */
  const blocks = [];
  let shape = inputShape;
  while (layers.length) {
    const layer = layers.shift();
    const norm = takeIf("batch_norm");
    const activation = takeIf("activation")?.function ?? "identity";
    const isConvolution = layer.kind === "convolution";
    const pooling = isConvolution ? takeIf("pooling") : undefined;
    const [kernel, padding] = [layer.kernel_size ?? 0, layer.padding ?? 0].map(oneOf);
    const method = pooling?.method ?? "average";
    const isServed =
      (isConvolution ? isPlainConvolution(layer) && isHalving(pooling) : layer.kind === "dense") &&
      (layer.bias ?? true) === !norm &&
      norm?.momentum !== "cumulative" &&
      FUNCTIONS.includes(activation) &&
      (!isConvolution || shape.length === 3);
    if (!isServed) throw new Error(`The core does not train layer \`${layer.name}\` as it is here.`);
    if (!isConvolution) shape = [shape.reduce((product, size) => product * size, 1)];
    const [inputs, height = 0, width = 0] = shape;
    const outputs = isConvolution ? layer.filters : layer.units;
    const window = isConvolution ? kernel * kernel : 1;
    const sizes = [height, width].map((size) => Math.floor((size + 2 * padding - kernel + 1) / 2));
    shape = isConvolution ? [outputs, ...sizes] : [outputs];
    if (!shape.every((size) => size >= 1)) {
      throw new Error(`Layer \`${layer.name}\` does not fit its input.`);
    }
    const { epsilon = 1e-5, momentum = 0.1 } = norm ?? {};
    blocks.push({
      name: layer.name,
      ...{ inputs, outputs, window, epsilon },
      weightCount: outputs * inputs * window,
      norm: norm && { name: norm.name, epsilon, momentum },
      description: [
        ...[Number(isConvolution), inputs, height, width, padding, kernel, outputs],
        ...[FUNCTIONS.indexOf(activation), POOLINGS.indexOf(method), Number(norm !== undefined)],
      ],
    });
  }
  if (blocks.at(-1)?.description[0] !== 0) throw new Error("The network does not end in a dense layer.");
  return blocks;
}

/** A number that may stand for rows and columns, or NaN where these differ.
 * @type {(size: Json) => number} */
function oneOf(size) {
  const [rows, columns] = Array.isArray(size) ? size : [size, size];
  return rows === columns ? rows : NaN;
}

/** @type {(layer: Json) => boolean} */
function isPlainConvolution({ kernel_size, padding = 0, stride = 1, dilation = 1, groups = 1 }) {
  const ones = [stride, dilation, groups].map(oneOf);
  return ones.every((one) => one === 1) && [kernel_size, padding].map(oneOf).every(Number.isInteger);
}

/** @type {(pooling: Json) => boolean} */
function isHalving(pooling) {
  const { kernel_size: size, stride, padding = 0, dilation = 1, ceil_mode: isCeil } = pooling ?? {};
  const sizes = [size, stride ?? size, padding, dilation].map(oneOf);
  return String(sizes) === "2,2,0,1" && !isCeil;
}
