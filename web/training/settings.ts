/** What can be set of a training, what is usual for it, and the command that does the same. */

import type { Settings } from "./protocol.ts";

/** The defaults of `lenet train`: the tutorial's. */
export const TUTORIAL: Settings = {
  model: "lenet",
  channels: [6, 16],
  kernel_size: 5,
  padding: 2,
  dense_widths: [120, 84],
  activation: "sigmoid",
  pooling: "average",
  batch_norm: false,
  initialisation: "xavier",
  epochs: 10,
  batch_size: 256,
  optimiser: "sgd",
  learning_rate: 0.9,
  momentum: 0,
  weight_decay: 0,
  label_smoothing: 0,
  shift: 0,
  flip: false,
  seed: 0,
};

/** Where the networks' own defaults differ from LeNet's. */
const OF_MODELS: Record<Settings["model"], Partial<Settings>> = {
  lenet: {},
  mlp: { dense_widths: [256], activation: "relu", initialisation: "normal", learning_rate: 0.1 },
  softmax: { initialisation: "normal", learning_rate: 0.1 },
};

/** Below this SGD at 0.9 does not wake sigmoids in time; Adam does. */
const FEW_IMAGES = 20_000;
const VERY_FEW_IMAGES = 2000;
const A_HANDFUL = 500;

/** A setting as the page offers it. */
export type Field = {
  name: keyof Settings;
  /** The only values, or usual ones beside which others can be typed. */
  choices: readonly (string | number | boolean | readonly number[])[];
  kind: "choice" | "number" | "numbers";
  /** Networks that have it; all where there are none. */
  of?: readonly Settings["model"][];
  isMore?: boolean;
};

const CONVOLUTIONAL = ["lenet"] as const;
const HIDDEN = ["lenet", "mlp"] as const;

export const FIELDS: readonly Field[] = [
  { name: "model", kind: "choice", choices: ["lenet", "mlp", "softmax"] },
  {
    name: "channels",
    kind: "numbers",
    choices: [[6, 16], [2, 4], [12, 32], [6], [6, 16, 32]],
    of: CONVOLUTIONAL,
  },
  { name: "kernel_size", kind: "number", choices: [1, 3, 5, 7], of: CONVOLUTIONAL },
  { name: "pooling", kind: "choice", choices: ["average", "max"], of: CONVOLUTIONAL },
  { name: "padding", kind: "number", choices: [0, 1, 2, 3], of: CONVOLUTIONAL },
  { name: "activation", kind: "choice", choices: ["sigmoid", "tanh", "relu"], of: HIDDEN },
  {
    name: "initialisation",
    kind: "choice",
    choices: ["xavier", "kaiming", "normal", "pytorch"],
  },
  { name: "optimiser", kind: "choice", choices: ["sgd", "adam", "adamw"] },
  { name: "learning_rate", kind: "number", choices: [0.001, 0.005, 0.01, 0.1, 0.5, 0.9] },
  { name: "batch_size", kind: "number", choices: [1, 16, 64, 256, 1024] },
  { name: "epochs", kind: "number", choices: [1, 5, 10, 20, 30] },
  {
    name: "dense_widths",
    kind: "numbers",
    choices: [[120, 84], [256], [32], []],
    of: HIDDEN,
    isMore: true,
  },
  { name: "batch_norm", kind: "choice", choices: [false, true], of: CONVOLUTIONAL, isMore: true },
  { name: "momentum", kind: "number", choices: [0, 0.5, 0.9], isMore: true },
  { name: "weight_decay", kind: "number", choices: [0, 0.0001, 0.001, 0.1], isMore: true },
  { name: "label_smoothing", kind: "number", choices: [0, 0.05, 0.1], isMore: true },
  { name: "shift", kind: "number", choices: [0, 1, 2, 4], isMore: true },
  { name: "flip", kind: "choice", choices: [false, true], isMore: true },
  { name: "seed", kind: "number", choices: [0, 1, 2, 3], isMore: true },
];

/** Fields that a network has. */
export function fieldsOf(model: Settings["model"]): Field[] {
  return FIELDS.filter(({ of }) => !of || of.includes(model));
}

/** What is usual for a network on so many images. */
export function usualSettings(model: Settings["model"], images: number): Settings {
  const settings = { ...TUTORIAL, model, ...OF_MODELS[model] };
  if (images >= FEW_IMAGES) return settings;
  if (model !== "lenet") return { ...settings, batch_size: 32 };
  const adam = { ...settings, optimiser: "adam", learning_rate: 0.005 } as const;
  if (images < A_HANDFUL) return { ...adam, batch_size: 8, epochs: 60 };
  return { ...adam, batch_size: 64, epochs: images < VERY_FEW_IMAGES ? 30 : 10 };
}

/** Settings after a person typed one; the text as it is where it is none, for the refusal. */
export function withField(settings: Settings, { name, kind }: Field, text: string): Settings {
  const values = { ...settings } as Record<string, unknown>;
  if (kind === "number") values[name] = Number(text);
  else if (kind === "numbers") values[name] = text.match(/[^\s,]+/g)?.map(Number) ?? [];
  else values[name] = text === "true" || text === "false" ? text === "true" : text;
  return values as Settings;
}

/** A value as it is typed. */
export function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : `${value}`;
}

/** The command line that does the same with all of the images. */
export function commandOf(settings: Settings, varied: Partial<Settings>, source: string): string {
  const usual: Settings = { ...TUTORIAL, ...OF_MODELS[settings.model], learning_rate: TUTORIAL.learning_rate };
  const flags = [source === "fashion-mnist" ? "" : `--data ${source}`];
  for (const [name, value] of Object.entries(varied)) {
    flags.push(`--vary ${name}=${[settings[name as keyof Settings], value].join(Array.isArray(value) ? "/" : ",")}`);
  }
  if (settings.model !== "lenet" && !varied.model) flags.push(`--model ${settings.model}`);
  for (const { name } of fieldsOf(settings.model)) {
    const value = settings[name];
    if (name === "model" || name in varied || String(value) === String(usual[name])) continue;
    const flag = `--${name.replaceAll("_", "-")}`;
    if (typeof value === "boolean") flags.push(value ? flag : flag.replace("--", "--no-"));
    else flags.push(`${flag} ${Array.isArray(value) ? value.join(",") : value}`);
  }
  const command = Object.keys(varied).length ? "lenet compare" : "lenet train";
  return [command, ...flags.filter(Boolean)].join(" ");
}
