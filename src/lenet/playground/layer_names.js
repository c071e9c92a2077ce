/**
 * What a layer is called: as in the tutorial and in `lenet summary`, and in words.
 */

import { titleOfLayer } from "./layer_titles.js";
import { askByKind, sizeOf } from "./layers.js";
import { words } from "./words.js";

/** Its title, or what the image is called. @type {(step: Step) => string} */
export function titleOfStep({ name, layer }) {
  return layer ? titleOfLayer(name, layer) : words.input;
}

/** What it does, in a few words. @type {(step: Step, isLast: boolean) => string} */
export function describeStep({ layer }, isLast) {
  return layer ? askByKind(WHAT_IT_DOES, layer, isLast) : words.inputWhat;
}

/** @type {ForEachKind<[isLast: boolean], string>} */
const WHAT_IT_DOES = {
  activation: ({ activation }) => words.activationWhat[activation],
  batch_norm: () => words.normalised,
  convolution: ({ shape, window, margins }) =>
    words.convolutionWhat(shape[0], window.join("×"), margins[2]),
  pooling: ({ method, window }) => words.poolingWhat[method](window.join("×")),
  adaptive_pooling: ({ method }) => words.poolingWhat[method](words.adaptiveWindow),
  padding: () => words.paddingWhat,
  subsampling: () => words.subsamplingWhat,
  dense: ({ inputShape }, isLast) =>
    isLast ? words.logitsWhat : words.denseWhat(sizeOf(inputShape)),
  distances: () => words.distancesWhat,
  residual: () => words.residualWhat,
};

/** A layer's place in words, for one of its numbers. @type {(step: Step, unit: Unit) => string} */
export function nameOfUnit(step, unit) {
  const isGreyPixel = !step.layer && step.shape[0] === 1 && unit.index === undefined;
  const place = isGreyPixel ? words.placeOfPixel(unit) : words.place(unit);
  return words.unitOf(titleOfStep(step), place);
}
