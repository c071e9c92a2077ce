/**
 * What a layer is called: as in the tutorial and in `lenet summary`, and in words.
 */

import { sizeOf } from "./layers.js";
import { words } from "./words.js";

const ACTIVATION_CLASSES = {
  relu: "ReLU",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
  gelu: "GELU",
  "scaled-tanh": "ScaledTanh",
};

/** Its class in PyTorch, after the name that LeNet-5's layers have. */
export function titleOfStep({ name, layer }) {
  if (!layer) return words.input;
  const ours = CLASS_OF_KIND[layer.kind](layer);
  if (/^\d+$/.test(name)) return ours;
  const [place] = name.split("_");
  return `${place[0].toUpperCase()}${place.slice(1)} ${ours}`;
}

const CLASS_OF_KIND = {
  activation: ({ activation }) => ACTIVATION_CLASSES[activation],
  convolution: ({ sees }) => (sees ? "PartialConvolution" : "Conv2d"),
  pooling: ({ method }) => (method === "max" ? "MaxPool2d" : "AvgPool2d"),
  subsampling: () => "Subsampling",
  dense: () => "Linear",
  distances: () => "RadialBasis",
};

/** What it does, in a few words. */
export function describeStep({ layer }, card, isLast) {
  if (!layer) return words.inputWhat;
  const { kind, shape, kernelSize, padding, inputShape } = layer;
  const what = {
    activation: () => words.activationWhat[layer.activation],
    convolution: () => words.convolutionWhat(shape[0], kernelSize, padding),
    pooling: () => words.poolingWhat[layer.method],
    subsampling: () => words.subsamplingWhat,
    dense: () => (isLast ? words.logitsWhat : words.denseWhat(sizeOf(inputShape))),
    distances: () => words.distancesWhat,
  }[kind]();
  const isNormalised =
    card.config.batch_norm && (kind === "convolution" || kind === "dense") && !isLast;
  return isNormalised ? `${what}, ${words.normalised}` : what;
}

/** A layer's place in words, for one of its numbers. */
export function nameOfUnit(step, unit) {
  const isGreyPixel = !step.layer && step.shape[0] === 1;
  const place = isGreyPixel ? words.placeOfPixel(unit) : words.place(unit);
  return words.unitOf(titleOfStep(step), place);
}
