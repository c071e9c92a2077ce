/** The networks that can be looked into: those that the page holds, and the one that it trains. */

import { signal } from "@preact/signals";
import { readCard } from "../../src/lenet/playground/card.js";
import { readLayers } from "../../src/lenet/playground/layers.js";
import { readModel } from "../../src/lenet/playground/model.js";
import { openCore } from "../../src/lenet/playground/native_core.js";
import { Network } from "../../src/lenet/playground/network.js";
import { pictureOfImage, readExamples } from "../../src/lenet/playground/opening.js";
import type { TrainedWeights, TrainingSet } from "../training/protocol.ts";
import type { Trainings } from "../training/state.ts";
import { type PageData, unpackModel, type WrittenModel } from "./page_data.ts";

const MOST_EXAMPLES = 20;
/** Where others have the name of their model. */
export const TRAINED = "";

/** `key` is another one whenever something else is shown. */
export type Shown = { key: number; network: Network; examples: Example[] };

export class Networks {
  readonly names: string[];
  readonly chosen = signal<string | null>(null);
  readonly shown = signal<Shown | null>(null);
  readonly core: Promise<NativeCore>;

  #models: WrittenModel[];
  #trainings: Trainings;

  constructor(data: PageData, program: Promise<ArrayBuffer>, trainings: Trainings) {
    this.#models = data.models;
    this.#trainings = trainings;
    this.core = program.then(openCore);
    this.names = [...data.models.map(({ name }) => name), TRAINED];
  }

  /** Look into another network; that of the training as it is now. */
  async choose(name: string) {
    this.chosen.value = name;
    const found = await (name === TRAINED ? this.#trained() : this.#held(name));
    if (this.chosen.value !== name || !found) return;
    this.shown.value = { key: (this.shown.value?.key ?? 0) + 1, ...found };
  }

  async #held(name: string) {
    const { packed, examples } = this.#models.find((model) => model.name === name)!;
    const model = readModel(await unpackModel(packed));
    return {
      network: new Network(await this.core, model),
      examples: await readExamples(examples, model.card.input_shape),
    };
  }

  async #trained() {
    const weights = await this.#trainings.weights();
    const { value: set } = this.#trainings.set;
    if (!weights || !set) return null;
    return {
      network: new Network(await this.core, modelOf(weights, set)),
      examples: examplesOf(set),
    };
  }
}

/** What a model file of a training says of it. */
export function describeModel({ layers }: TrainedWeights, set: TrainingSet) {
  const [channels, height, width] = set.shape;
  return {
    format: 1,
    model: "lenet",
    layers,
    class_names: set.classNames,
    input_shape: set.shape,
    preparation: { ...set.preparation, channels, height, width },
    normalisation: { mean: set.mean, std: set.std },
  };
}

/** What a model file of that training would hold. */
export function modelOf(trained: TrainedWeights, set: TrainingSet): Model {
  const card = readCard(JSON.stringify(describeModel(trained, set)));
  const take: TakeTensor = (name) => trained.weights.get(name) ?? new Float32Array(0);
  return { card, layers: readLayers(card.layers, card.input_shape, take).layers };
}

function examplesOf({ shape, test }: TrainingSet): Example[] {
  const size = shape.reduce((product, side) => product * side, 1);
  return Array.from(test.labels.subarray(0, MOST_EXAMPLES), (label, index) => {
    const image = test.pixels.slice(index * size, (index + 1) * size);
    return { image, label, picture: pictureOfImage(image, shape) };
  });
}
