/**
 * A network in the native core: an image through it, number by number, and what each is made of.
 */

import { NoMemoryError } from "./native_core.js";
import { sizeOf } from "./layers.js";
import { listOperations } from "./operations.js";

const LEAST_PROBABILITY = 1e-35; // as in `lenet/models/_decision.py`
const LIKELY_INPUTS = 1024; // of a number; of more, the core is asked again

export class Network {
  #program; // these are addresses in the core
  #parameters;
  #offsets; // of the program's values, one after the other
  #values; // by their places among those, what each step holds
  #memory;

  /** @param {NativeCore} core @param {Model} model
   * @throws {Error} The network is too large, or memory runs out. */
  constructor(core, { card, layers }) {
    this.core = core;
    this.card = card;
    this.layers = layers;
    const { operations, connections, parameters, values } = listOperations(layers, card.input_shape);
    this.#values = values;
    const weights = parameters.map((array) => core.place(array));
    this.#parameters = core.place(Int32Array.from(weights));
    this.#memory = [this.#parameters, ...weights];
    const offsets = new Int32Array(operations.length + 2);
    this.#program = core.borrow(() => {
      const list = core.place(Int32Array.from(operations.flatMap((fields) => [...fields])));
      const pairs = connections.length ? core.place(Int32Array.from(connections.flat())) : 0;
      const sizes = [operations.length, connections.length];
      const program = core.call("program_new", list, sizes[0], pairs, sizes[1]);
      if (!program) throw new NoMemoryError();
      const written = core.place(offsets);
      core.call("program_offsets", program, written);
      offsets.set(core.integers(written, offsets.length));
      return program;
    });
    this.#offsets = offsets;
  }

  /** Send an image through the network. Probabilities are calibrated; the steps begin with the
   * normalised pixels. @type {(image: Uint8Array) => Result} */
  run(image) {
    const { core, card } = this;
    const shape = card.input_shape;
    if (image.length !== sizeOf(shape)) {
      throw new Error(`The network takes ${shape.join("×")} pixels, not ${image.length}.`);
    }
    const { mean, std } = card.normalisation;
    const pixels = Float32Array.from(image, (pixel) => (pixel / 255 - mean) / std);
    const count = this.#offsets[this.#offsets.length - 1];
    const numbers = core.borrow(() => {
      const [given, made] = [core.place(pixels), core.take(4 * count)];
      if (!core.call("program_values", this.#program, this.#parameters, given, made)) {
        throw new NoMemoryError();
      }
      return core.floats(made, count).slice();
    });
    /** @type {(step: number) => Float32Array} */
    const valuesOf = (step) => numbers.subarray(...this.#rangeOf(step));
    /** @type {Step[]} */
    const steps = [{ name: "input", kind: "input", shape, values: valuesOf(0) }];
    for (const layer of this.layers) {
      const { name, kind, shape } = layer;
      steps.push({ name, kind, shape, values: valuesOf(steps.length), layer });
    }
    const logits = steps[steps.length - 1].values;
    const probabilities = softmax(logits, card.calibration.temperature);
    return { logits, probabilities, steps, numbers };
  }

  /** The numbers of the step before that one is made of: their places in it, and their weights.
   * @type {(result: Result, stepIndex: number, place: number) => Pair[]} */
  inputsOf({ numbers }, stepIndex, place) {
    const { core } = this;
    const [start, end] = this.#rangeOf(stepIndex - 1);
    return core.borrow(() => {
      const values = core.place(numbers);
      /** @type {(place: number, factor: number) => Pair[]} */
      const inputsBehind = (place, factor) => {
        if (place >= start && place < end) return [[place - start, factor]];
        const inputs = this.#contributions(values, place);
        return inputs.flatMap(([input, weight]) => inputsBehind(input, factor * weight));
      };
      return inputsBehind(this.#rangeOf(stepIndex)[0] + place, 1);
    });
  }

  /** What a number is made of, by places among all numbers.
   * @type {(values: number, place: number, most?: number) => Pair[]} */
  #contributions(values, place, most = LIKELY_INPUTS) {
    const { core } = this;
    const value = this.#offsets.filter((offset) => offset <= place).length - 1;
    const within = place - this.#offsets[value];
    const [inputs, weights] = [core.take(4 * most), core.take(4 * most)];
    const asked = [this.#parameters, values, value - 1, within, most, inputs, weights];
    const count = core.call("program_contributions", this.#program, ...asked);
    if (count < 0) throw new NoMemoryError();
    if (count > most) return this.#contributions(values, place, count);
    const factors = core.floats(weights, count);
    return Array.from(core.integers(inputs, count), (input, i) => [input, factors[i]]);
  }

  /** Free its memory. */
  close() {
    this.core.call("program_free", this.#program);
    this.core.free(this.#memory);
  }

  /** Where a step's numbers begin and end. @type {(stepIndex: number) => Pair} */
  #rangeOf(stepIndex) {
    const value = this.#values[stepIndex];
    return [this.#offsets[value], this.#offsets[value + 1]];
  }
}

/** What is answered, as `lenet/models/_decision.py` has it: the likeliest class but the one of
 * counter-examples, if it is as likely as the threshold wants, and as that one, and the image lies
 * within reach of a class.
 * @type {(card: Card, probabilities: Float64Array) => Decision} */
export function decide({ classes, calibration }, probabilities) {
  const shares = probabilities.slice(0, classes.length);
  const probability = Math.max(...shares);
  const none = probabilities[classes.length] ?? 0;
  const { threshold, reach } = calibration;
  const distance = distanceOf(calibration, probabilities);
  const isLikely = probability >= threshold && probability >= none;
  const isFar = isLikely && threshold > 0 && distance > reach;
  const isSure = isLikely && !isFar;
  return { index: shares.indexOf(probability), probability, none, distance, isFar, isSure };
}

/** How far an image lies from the nearest class; 0 where that is not known.
 * @type {(calibration: Calibration, probabilities: Float64Array) => number} */
function distanceOf({ whitening, means }, probabilities) {
  if (!means.length) return 0;
  const logarithms = probabilities.map((share) => Math.log(Math.max(share, LEAST_PROBABILITY)));
  const places = probabilities.map((_, unit) =>
    logarithms.reduce((sum, value, index) => sum + value * whitening[index][unit], 0),
  );
  return Math.min(...means.map((mean) => Math.hypot(...mean.map((at, unit) => places[unit] - at))));
}

/** Probabilities from logits, which the temperature makes more or less decided.
 * @type {(logits: Float32Array, temperature?: number) => Float64Array} */
export function softmax(logits, temperature = 1) {
  const largest = Math.max(...logits);
  const powers = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
