/**
 * What a layer is called in the tutorial and in `lenet summary`.
 */

import { ACTIVATIONS } from "./activations.js";
import { askByKind } from "./layers.js";

/** Its class in PyTorch, after the name that LeNet-5's layers have.
 * @type {(name: string, layer: Layer) => string} */
export function titleOfLayer(name, layer) {
  const ours = askByKind(CLASS_OF_KIND, layer);
  if (/^[\d.]+$/.test(name)) return ours;
  const [place] = name.split("_");
  return `${place[0].toUpperCase()}${place.slice(1)} ${ours}`;
}

/** @type {ForEachKind<[], string>} */
const CLASS_OF_KIND = {
  activation: ({ activation }) => ACTIVATIONS[activation].title,
  convolution: ({ connections }) => (connections.length ? "PartialConvolution" : "Conv2d"),
  pooling: ({ method }) => (method === "max" ? "MaxPool2d" : "AvgPool2d"),
  adaptive_pooling: ({ method }) => (method === "max" ? "AdaptiveMaxPool2d" : "AdaptiveAvgPool2d"),
  batch_norm: ({ shape }) => (shape.length === 3 ? "BatchNorm2d" : "BatchNorm1d"),
  padding: () => "ConstantPad2d",
  residual: () => "Residual",
  subsampling: () => "Subsampling",
  dense: () => "Linear",
  distances: () => "RadialBasis",
};
