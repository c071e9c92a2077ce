/** The experiments: the exercises of the documents, each a pair of trainings of few images. */

import type { Settings } from "../training/protocol.ts";

/** Which of the two is better in the end, if one is clearly. */
export type Outcome = "first" | "same" | "second";

export type Experiment = {
  name: "initialisation" | "learningRate" | "pooling" | "channels" | "kernel" | "batch";
  settings: Partial<Settings>;
  varied: Partial<Settings>;
  /** What usually comes out, which its words explain. */
  usual: Outcome;
};

/** A recipe with which ReLU learns from some thousand images in ten epochs. */
const RELU: Partial<Settings> = {
  activation: "relu",
  batch_size: 64,
  optimiser: "sgd",
  learning_rate: 0.1,
};

export const EXPERIMENTS: readonly Experiment[] = [
  {
    name: "initialisation",
    settings: { optimiser: "sgd", learning_rate: 0.9, batch_size: 256, epochs: 30 },
    varied: { initialisation: "pytorch" },
    usual: "first",
  },
  {
    name: "learningRate",
    settings: { ...RELU, pooling: "max" },
    varied: { learning_rate: 0.9 },
    usual: "first",
  },
  { name: "batch", settings: RELU, varied: { batch_size: 1024 }, usual: "first" },
  { name: "channels", settings: { ...RELU, channels: [3, 8] }, varied: { channels: [12, 32] }, usual: "same" },
  { name: "pooling", settings: RELU, varied: { pooling: "max" }, usual: "same" },
  { name: "kernel", settings: { ...RELU, kernel_size: 3 }, varied: { kernel_size: 7 }, usual: "same" },
];

/** Nearer to each other than this, accuracies of a thousand images may differ by chance. */
const SAME = 0.06;

export function outcomeOf(first: number, second: number): Outcome {
  if (Math.abs(first - second) < SAME) return "same";
  return first > second ? "first" : "second";
}
