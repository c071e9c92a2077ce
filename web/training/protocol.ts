/** What the page and the worker that trains say to each other. */

/** Settings as the command line has them: the same names, ranges and defaults. */
export type Settings = {
  /** A name of the registry: `lenet`, `mlp` or `softmax`. */
  model: "lenet" | "mlp" | "softmax";
  channels: number[];
  kernel_size: number;
  padding: number;
  dense_widths: number[];
  activation: "sigmoid" | "tanh" | "relu";
  pooling: "average" | "max";
  batch_norm: boolean;
  initialisation: "xavier" | "kaiming" | "normal" | "pytorch";
  epochs: number;
  batch_size: number;
  optimiser: "sgd" | "adam" | "adamw";
  learning_rate: number;
  momentum: number;
  weight_decay: number;
  label_smoothing: number;
  shift: number;
  flip: boolean;
  seed: number;
};

/** A layer as a model file has it: its kind, and what differs from the kind's defaults. */
export type LayerDescription =
  | { kind: "convolution"; filters: number; kernel_size: number; padding?: number; bias?: false }
  | { kind: "batch_norm" }
  | { kind: "activation"; function: Settings["activation"] }
  | { kind: "pooling"; method?: "max"; kernel_size: number }
  | { kind: "flatten" }
  | { kind: "dense"; units: number; bias?: false };

/** Images, uint8 (N, C, H, W) one after the other, with their labels. */
export type Images = { pixels: Uint8Array; labels: Uint8Array };

/** What is learnt from and tested on. */
export type TrainingSet = {
  name: string;
  classNames: string[];
  /** Channels, height and width. */
  shape: [number, number, number];
  /** Of the pixels from 0 to 1; what `normalisation` unit gives is 0 and 1. */
  mean: number;
  std: number;
  /** How pictures become images, as a model file has it. */
  preparation: { method: string; polarity: string; margin: number };
  train: Images;
  test: Images;
};

/** What the page asks of the worker. Each is answered by a `Report` or what else suits it; a training
 * that comes to rest sends a second one when the spreads are those of its last step. */
export type Order =
  | { kind: "begin"; core: ArrayBuffer; set: TrainingSet; settings: Settings; example: Uint8Array }
  | { kind: "play" }
  | { kind: "pause" }
  /** One step, or steps to the end of the epoch; then it pauses. */
  | { kind: "step" }
  | { kind: "epoch" }
  /** Back to the weights of the beginning. */
  | { kind: "restart" }
  /** Another image whose answer is told in each report. */
  | { kind: "look"; example: Uint8Array }
  /** One step is computed but not made: see `WalkedStep`. */
  | { kind: "walk" }
  | { kind: "weights" };

/** A point of the curve, as the terminal's. */
export type CurvePoint = {
  /** Epochs gone through, in fifths. */
  epoch: number;
  /** Means over the epoch so far. */
  trainLoss: number;
  trainAccuracy: number;
  /** At the end of an epoch alone. */
  testAccuracy: number | null;
};

/** A layer with weights. */
export type LayerState = {
  /** As in `lenet inspect`: `0`, and `Conv2d`. */
  name: string;
  title: string;
  /** Standard deviation of what enters the activation behind it, or of the logits, over some test
   * images, as in evaluation; with batch normalisation, that is what it gives. While it trains it
   * lags some steps behind. */
  spread: number;
  spreadAtStart: number;
  /** Root mean square of the gradients of its weights in the last step. */
  gradient: number;
  /** The same in the first step, which is known before it is made. */
  gradientAtStart: number;
};

/** The first layer's kernels at a time, float32 [filters, channels, rows, columns]; of a dense layer,
 * the weights of its first 16 units as such pictures of the whole image. */
export type Moment = { epoch: number; step: number; weights: Float32Array };

/** What to try where it does not learn; `words/diagnosis.ts` has a sentence for each. */
export type Remedy =
  | { word: "largerInitialWeights"; initialisation: "pytorch" | "normal" }
  | { word: "smallerSteps" | "largerSteps" | "largerStepsForSigmoids" | "relu"; learningRate: number }
  | { word: "moreSteps" | "moreStepsForSigmoids"; steps: number }
  | { word: "anotherRate" };

/** Why it does not learn. */
export type Diagnosis = {
  loss: number;
  chance: number;
  sick: { name: string; title: string; share: number; how: "dead" | "saturated" }[];
  remedies: Remedy[];
};

/** How it stands: at most ten times a second while it trains. */
export type Report = {
  kind: "report";
  /** Of which training it tells: the first that was begun, the second, and so on. */
  begun: number;
  state: "paused" | "training" | "finished";
  /** Whole epochs gone through, and steps in all. */
  epoch: number;
  step: number;
  stepsAnEpoch: number;
  /** Of the last second in which it trained; 0 before. */
  examplesPerSecond: number;
  curve: CurvePoint[];
  /** Means over the epoch that is under way, or the last one; null before the first step. */
  trainLoss: number | null;
  trainAccuracy: number | null;
  chance: number;
  layers: LayerState[];
  /** Shape of the first layer's kernels, and how they were at some times; the last is now. */
  kernels: { name: string; title: string; shape: number[]; moments: Moment[] };
  /** Of the image that is looked at. */
  probabilities: Float64Array;
  /** Made at the end of an epoch, once, as in the terminal; null again after an epoch that learns. */
  diagnosis: Diagnosis | null;
};

/** One step before it is made: the images, mirrored and shifted, and what comes back. */
export type WalkedStep = {
  kind: "walked";
  images: Uint8Array;
  labels: Uint8Array;
  lossBefore: number;
  /** Of each parameter by its name: weights, gradients, and what the update adds. */
  parameters: { name: string; weights: Float32Array; gradients: Float32Array; change: Float32Array }[];
  lossAfter: number;
};

/** What a model file has: the layers, and weights and statistics by their names. A count of batches
 * (`….num_batches_tracked`) is an int64 whose halves the two numbers are. */
export type TrainedWeights = { layers: LayerDescription[]; weights: Map<string, Float32Array> };

export type Answer =
  | Report
  | WalkedStep
  | ({ kind: "weights" } & TrainedWeights)
  /** Nothing was begun or it can't go on; the sentence is that of the command line. */
  | { kind: "refused"; message: string };
