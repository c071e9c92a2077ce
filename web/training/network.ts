/** From settings to layers, with the refusals of `lenet train`: of a recipe, of the settings of a
 * network, and of layers and batches that do not fit. */

import { anyText, floatText, tupleText } from "../words/python_text.ts";
import type { LayerDescription, Settings, TrainingSet } from "./protocol.ts";

const MOST = 65536; // of anything that a layer may have
const MOST_LAYERS = 1000;
const MOST_VALUES = 2 ** 40; // that a layer gives for an image, or learns
const MOST_EPOCHS = 1_000_000;
const MOST_SEED = 2n ** 63n - 1n;
const LARGEST = 3e38; // beyond it a number is infinite for the float32 of the weights

/** What a setting may be: one of some names, or a kind of value. */
type Kind = readonly string[] | "whole" | "number" | "truth" | "sizes";
type Kinds = Partial<Record<keyof Settings, Kind>>;

const ACTIVATIONS = ["sigmoid", "tanh", "relu"];
const INITIALISATIONS = ["xavier", "kaiming", "normal", "pytorch"];
const OF_ACTIVATION = [...ACTIVATIONS, "gelu"]; // which Python trains
// In Python's order, in which the first that is wrong is told.
const MODELS: Record<Settings["model"], Kinds> = {
  softmax: { initialisation: INITIALISATIONS },
  mlp: { dense_widths: "sizes", activation: OF_ACTIVATION, initialisation: INITIALISATIONS },
  lenet: {
    channels: "sizes",
    kernel_size: "whole",
    padding: "whole",
    dense_widths: "sizes",
    activation: OF_ACTIVATION,
    pooling: ["average", "max"],
    batch_norm: "truth",
    initialisation: INITIALISATIONS,
  },
};
const RECIPE: Kinds = {
  epochs: "whole",
  batch_size: "whole",
  optimiser: ["sgd", "adam", "adamw"],
  learning_rate: "number",
  momentum: "number",
  weight_decay: "number",
  label_smoothing: "number",
  shift: "whole",
  flip: "truth",
};

/** The layers of a network, as a model file has them.
 * @throws {Error} A setting is wrong, or they do not suit the images; as `lenet train` says it. */
export function describeNetwork(settings: Settings, set: TrainingSet): LayerDescription[] {
  checkRecipe(settings);
  checkRange("seed", settings.seed, 0n, MOST_SEED);
  if (!Object.hasOwn(MODELS, settings.model)) {
    throw new Error(`The page trains \`lenet\`, \`mlp\` and \`softmax\`, not \`${settings.model}\`.`);
  }
  const classes = set.classNames.length;
  checkKinds(settings, MODELS[settings.model]);
  checkShape(set.shape);
  check("classes", 2 <= classes && classes <= MOST, `from 2 to ${MOST}`, String(classes));
  const layers = LAYERS[settings.model](settings, classes);
  if (layers.length > MOST_LAYERS) {
    throw new Error(`A network may have ${MOST_LAYERS} layers in a list, not ${layers.length}.`);
  }
  checkFit(layers, set.shape);
  if (settings.model !== "softmax" && !ACTIVATIONS.includes(settings.activation)) {
    throw new Error(
      `The page trains no networks with \`activation\` ${settings.activation}: choose sigmoid, ` +
        "tanh or relu.",
    );
  }
  checkBatchSize(settings, set);
  return layers;
}

type MakeLayers = (settings: Settings, classes: number) => LayerDescription[];

const LAYERS: Record<Settings["model"], MakeLayers> = {
  softmax: (_, classes) => [{ kind: "flatten" }, { kind: "dense", units: classes }],

  mlp({ dense_widths, activation }, classes) {
    requireSizes("dense_widths", dense_widths);
    const hidden = dense_widths.flatMap((units): LayerDescription[] => [
      { kind: "dense", units },
      { kind: "activation", function: activation },
    ]);
    return [{ kind: "flatten" }, ...hidden, { kind: "dense", units: classes }];
  },

  lenet({ channels, kernel_size, padding, dense_widths, activation, pooling, batch_norm }, classes) {
    check("kernel_size", kernel_size >= 1, "at least 1", String(kernel_size));
    check("padding", 0 <= padding && padding <= MOST, `from 0 to ${MOST}`, String(padding));
    requireSizes("channels", channels);
    requireSizes("dense_widths", dense_widths);
    if (!channels.length) {
      throw new Error("`channels` must have at least one number, one for each block.");
    }
    const rule = `one or two whole numbers from 1 to ${MOST}`;
    check("kernel_size", kernel_size <= MOST, rule, tupleText([kernel_size, kernel_size]));
    const bias = batch_norm ? ({ bias: false } as const) : {};
    const follow: LayerDescription[] = [
      ...(batch_norm ? [{ kind: "batch_norm" } as const] : []),
      { kind: "activation", function: activation },
    ];
    const method = pooling === "max" ? { method: pooling } : {};
    const blocks = channels.flatMap((filters, block): LayerDescription[] => [
      { kind: "convolution", filters, kernel_size, ...(block || !padding ? {} : { padding }), ...bias },
      ...follow,
      { kind: "pooling", ...method, kernel_size: 2 },
    ]);
    const hidden = dense_widths.flatMap((units): LayerDescription[] => [
      { kind: "dense", units, ...bias },
      ...follow,
    ]);
    return [...blocks, { kind: "flatten" }, ...hidden, { kind: "dense", units: classes }];
  },
};

function checkRecipe(settings: Settings): void {
  checkKinds(settings, RECIPE);
  checkRange("epochs", settings.epochs, 1, MOST_EPOCHS);
  checkRange("batch_size", settings.batch_size, 1, 2 ** 31 - 1);
  checkRange("shift", settings.shift, 0, MOST);
  const { optimiser, learning_rate, momentum, weight_decay, label_smoothing } = settings;
  const isRate = 0 < learning_rate && learning_rate < LARGEST;
  check("learning_rate", isRate, "above 0 and finite", floatText(learning_rate));
  const isDecay = 0 <= weight_decay && weight_decay < LARGEST;
  check("weight_decay", isDecay, "at least 0 and finite", floatText(weight_decay));
  for (const [name, share] of Object.entries({ momentum, label_smoothing })) {
    check(name, 0 <= share && share < 1, "at least 0 and below 1", floatText(share));
  }
  if (momentum && optimiser !== "sgd") {
    throw new Error(
      `\`momentum\` belongs to the \`optimiser\` sgd, not to ${optimiser}: choose sgd or leave it ` +
        "out.",
    );
  }
}

function checkKinds(settings: Settings, kinds: Kinds): void {
  for (const [name, kind] of Object.entries(kinds)) {
    const value: unknown = settings[name as keyof Settings];
    const isName = typeof kind !== "string";
    if (isName ? kind.includes(value as string) : KINDS[kind].holds(value)) continue;
    const names = isName && kind.map((one) => `\`${one}\``).join(", ");
    if (names && typeof value === "string") {
      throw new Error(`Unknown ${name} \`${value}\`. Known: ${names}.`);
    }
    check(name, false, isName ? `one of ${names}` : KINDS[kind].words, anyText(value));
  }
}

const KINDS = {
  whole: { holds: Number.isInteger, words: "a whole number" },
  number: { holds: (value: unknown) => typeof value === "number", words: "a number" },
  truth: { holds: (value: unknown) => typeof value === "boolean", words: "true or false" },
  sizes: {
    holds: (value: unknown) => Array.isArray(value) && value.every(Number.isInteger),
    words: "whole numbers such as 6,16",
  },
};

function check(name: string, holds: boolean, rule: string, value: string): void {
  if (!holds) throw new Error(`\`${name}\` must be ${rule}, not ${value}.`);
}

function requireSizes(name: string, sizes: number[]): void {
  const fits = sizes.every((size) => 1 <= size && size <= MOST);
  check(name, fits, `numbers from 1 to ${MOST}`, tupleText(sizes));
}

function checkRange(name: string, value: number, least: number | bigint, most: number | bigint): void {
  check(name, Number.isInteger(value), "a whole number", anyText(value));
  check(name, value >= least, `at least ${least}`, String(BigInt(value)));
  check(name, value <= most, `at most ${most}`, String(BigInt(value)));
}

function checkShape(shape: number[]): void {
  const isSize = (size: number) => Number.isInteger(size) && 1 <= size && size <= MOST;
  const fits = shape.length === 3 && shape.every(isSize);
  const rule = `three numbers, channels, height and width, each from 1 to ${MOST}`;
  check("input_shape", fits, rule, tupleText(shape));
}

/** Whether each layer fits what comes out of the one before. */
function checkFit(layers: LayerDescription[], inputShape: number[]): void {
  let shape = inputShape;
  for (const [place, layer] of layers.entries()) {
    const label = `Layer \`${place}\` (${layer.kind.replace("_", " ")})`;
    const [inputs = 0, height = 0, width = 0] = shape;
    let learned = 0;
    if (layer.kind === "convolution") {
      const { filters, kernel_size: kernel, padding = 0, bias = true } = layer;
      const padded = [height, width].map((size) => size + 2 * padding);
      shape = [filters, ...slide(label, padded, kernel, 1)];
      learned = filters * (inputs * kernel * kernel + Number(bias));
    } else if (layer.kind === "pooling") {
      shape = [inputs, ...slide(label, [height, width], layer.kernel_size, layer.kernel_size)];
    } else if (layer.kind === "flatten") {
      shape = [inputs * height * width];
    } else if (layer.kind === "dense") {
      shape = [layer.units];
      learned = layer.units * (inputs + Number(layer.bias ?? true));
    }
    const given = shape.reduce((product, size) => product * size, 1);
    if (Math.max(given, learned) > MOST_VALUES) throw new Error(`${label} is too large.`);
  }
}

/** How often a window fits along each side. */
function slide(label: string, sizes: number[], kernel: number, stride: number): number[] {
  if (sizes.some((size) => size < kernel)) {
    const window = `${kernel}×${kernel} window`;
    throw new Error(`${label}: its ${window} does not fit the ${sizes.join("×")} input.`);
  }
  return sizes.map((size) => Math.floor((size - kernel) / stride) + 1);
}

/** Whether there are images for a batch, and enough in the last one of an epoch. */
function checkBatchSize(settings: Settings, set: TrainingSet): void {
  const { model, batch_size: size, batch_norm, dense_widths } = settings;
  const images = set.train.labels.length;
  const isSaid = `\`batch_size\` is ${size}`;
  if (size > images) {
    throw new Error(`${isSaid}, but \`${set.name}\` has only ${images} images to train on.`);
  }
  // What follows a convolution normalises maps of at least 2×2 numbers, which have a variance.
  const needsTwo = model === "lenet" && batch_norm && dense_widths.length > 0;
  if (needsTwo && (images % size || size) === 1) {
    const rest = size > 1 ? `, which leaves the last of ${images} images alone` : "";
    throw new Error(
      `${isSaid}${rest}; batch normalisation needs at least two images in every batch.`,
    );
  }
}
