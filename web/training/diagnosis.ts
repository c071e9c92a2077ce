/** Whether a network does not learn, why, and what to try: as `lenet/training/_diagnosis.py` has it. */

import type { Diagnosis, Remedy, Settings } from "./protocol.ts";

const STUCK = 0.98; // of the way from the least loss to that of guessing
const BEYOND_CHANCE = 0.1; // of what guessing gets wrong
const PATIENCE = 400; // steps; a healthy sigmoid network at the tutorial's recipe needs about 300
const FEW_STEPS = 100; // for a network without sigmoids
const BOUNDS: Record<string, [number, number]> = { sigmoid: [0, 1], tanh: [-1, 1] };
const SATURATED = 0.02; // of the distance between the bounds: nearer to one, a unit hardly learns
const SUSPECT = 0.9; // share of saturated or dead units that makes a layer worth naming
const [LARGE, SMALL] = [5, 0.5]; // times the learning rate that suits

/** How many of some labels each class has. */
export function countClasses(labels: Uint8Array, classes: number): number[] {
  const counts = Array<number>(classes).fill(0);
  for (const label of labels) counts[label]! += 1;
  return counts;
}

/** The loss of the best answer that is the same for every image, in nats. */
export function chanceLoss(counts: number[], smoothing: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return constantLoss(counts.map((count) => count / total), smoothing);
}

/** The entropy of labels of which each has its share, smoothed. */
function constantLoss(shares: number[], smoothing: number): number {
  return -shares
    .map((share) => (1 - smoothing) * share + smoothing / shares.length)
    .filter((share) => share > 0)
    .reduce((sum, share) => sum + share * Math.log(share), 0);
}

/** Whether an accuracy is clearly above that of always naming the most frequent class. */
function beatsGuessing(accuracy: number, counts: number[]): boolean {
  const count = counts.reduce((sum, one) => sum + one, 0);
  const share = Math.max(...counts) / count;
  const noise = 2 * Math.sqrt((share * (1 - share)) / count);
  return accuracy >= Math.min(1, share + Math.max(BEYOND_CHANCE * (1 - share), noise));
}

/** How a training stands at the end of an epoch. */
export type Standing = {
  epoch: number;
  steps: number;
  trainLoss: number;
  trainAccuracy: number;
  testAccuracy: number | null;
  /** Images of each class. */
  trainCounts: number[];
  testCounts: number[];
};

/** Whether it is so near chance after so many steps that the person should be told. */
export function isStuck(standing: Standing, settings: Settings): boolean {
  const { epoch, steps, trainLoss, trainAccuracy, testAccuracy, trainCounts, testCounts } = standing;
  if (epoch < settings.epochs && (epoch < 2 || steps < PATIENCE)) return false;
  if (beatsGuessing(trainAccuracy, trainCounts)) return false;
  if (testAccuracy !== null && beatsGuessing(testAccuracy, testCounts)) return false;
  const { label_smoothing: smoothing } = settings;
  const chance = chanceLoss(trainCounts, smoothing);
  const least = constantLoss(trainCounts.map((_, label) => Number(label === 0)), smoothing);
  return chance > least && trainLoss > least + STUCK * (chance - least);
}

/** How an activation layer answers to the images of a batch, one after the other. */
export class LayerHealth {
  readonly name: string;
  readonly title: string;
  #low: number;
  #high: number;
  #isDead: Uint8Array | null = null;
  #saturated = 0;
  #seen = 0;

  constructor(name: string, activation: string) {
    this.name = name;
    this.title = TITLES[activation]!;
    const [lowest, highest] = BOUNDS[activation] ?? [NaN, NaN]; // without bounds nothing saturates
    const margin = SATURATED * (highest - lowest);
    this.#low = Math.fround(lowest + margin);
    this.#high = Math.fround(highest - margin);
  }

  /** Take in what the layer gives for an image. */
  see(values: Float32Array): void {
    const isDead = (this.#isDead ??= new Uint8Array(values.length).fill(1));
    for (const [unit, value] of values.entries()) {
      if (value !== 0) isDead[unit] = 0;
      if (value < this.#low || value > this.#high) this.#saturated++;
    }
    this.#seen += values.length;
  }

  /** What is wrong with it, if anything is. */
  find(): Diagnosis["sick"] {
    const isDead = this.title === "ReLU" ? this.#isDead! : Uint8Array.of(0);
    const dead = isDead.reduce((sum, one) => sum + one, 0) / isDead.length;
    const saturated = this.#saturated / this.#seen;
    const share = Math.max(dead, saturated);
    const how = dead >= saturated ? "dead" : "saturated";
    return share >= SUSPECT ? [{ name: this.name, title: this.title, share, how }] : [];
  }
}

const TITLES: Record<string, string> = { sigmoid: "Sigmoid", tanh: "Tanh", relu: "ReLU" };

/** What to try, most likely first: settings that the network has. */
export function findRemedies(settings: Settings, steps: number): Remedy[] {
  const { model, initialisation, learning_rate: rate, batch_norm } = settings;
  const hasActivation = model !== "softmax";
  const hasHidden = model === "lenet" || (model === "mlp" && settings.dense_widths.length > 0);
  const isSigmoid = hasHidden && settings.activation === "sigmoid";
  const remedies: Remedy[] = [];
  const isSmall = initialisation === "pytorch" || initialisation === "normal";
  if (isSigmoid && !(model === "lenet" && batch_norm) && isSmall) {
    remedies.push({ word: "largerInitialWeights", initialisation });
  }
  const suited = suitedRate(settings, isSigmoid);
  if (rate >= LARGE * suited) {
    remedies.push({ word: "smallerSteps", learningRate: suited });
  } else if (rate < SMALL * suited) {
    const word = isSigmoid ? "largerStepsForSigmoids" : "largerSteps";
    remedies.push({ word, learningRate: suited });
  }
  if (steps < (isSigmoid ? PATIENCE : FEW_STEPS)) {
    remedies.push({ word: isSigmoid ? "moreStepsForSigmoids" : "moreSteps", steps });
  }
  if (hasActivation && !(hasHidden && settings.activation === "relu")) {
    remedies.push({ word: "relu", learningRate: suitedRate(settings, false) });
  }
  return remedies.length ? remedies : [{ word: "anotherRate" }];
}

/** A learning rate at which such networks learn by the recipe's optimiser. */
function suitedRate({ optimiser, momentum }: Settings, isSigmoid: boolean): number {
  // Momentum makes the steps longer.
  if (optimiser === "sgd") return (isSigmoid ? 0.9 : 0.1) * (1 - momentum);
  return isSigmoid ? 0.005 : 0.001;
}
