/** What one number of a column is made of: products that add up, batch norm, activation. No DOM. */

import { explainUnit } from "../../src/lenet/playground/explain.js";
import { activate } from "../stage/activation_functions.ts";
import { type Column, placeOfUnit } from "../stage/columns.ts";
import { kernelsOf } from "../stage/flow.ts";

/** One input of the sum. */
export type Term = {
  unit: Unit;
  value: number;
  weight: number;
  product: number;
};

/** The part of one map that is seen, as squares of numbers, row by row. */
export type Window = {
  channel: number;
  /** Of the map before; parts of it may lie outside. */
  area: Area;
  rows: number;
  columns: number;
  /** What lies in a padding counts 0. */
  terms: (Term | undefined)[];
  weights: number[];
  /** Of the products. */
  sum: number;
};

export type Equation = {
  stepIndex: number;
  unit: Unit;
  kind: string;
  terms: Term[];
  /** By the map that the inputs lie in; none where they are units. */
  windows: Window[];
  /** How many products there are, those of a padding among them. */
  count: number;
  /** Of all products. */
  sum: number;
  bias: number;
  /** Sum and bias. */
  total: number;
  norm?: { stepIndex: number; factor: number; offset: number; value: number };
  activation?: { stepIndex: number; layer: Layers["activation"]; value: number };
  /** What comes out of the column. */
  value: number;
};

/** Take a number of a column apart. */
export function explain(
  network: Network,
  result: Result,
  { main, norm, activation }: Column,
  unit: Unit,
): Equation {
  const { steps } = result;
  const step = steps[main]!;
  const { inputs, bias, value: total } = explainUnit(network, result, main, unit);
  const isDistance = step.kind === "distances";
  const terms = inputs.map(({ value, weight, step: _, ...place }) => {
    const product = isDistance ? -((value - weight) ** 2) : value * weight;
    return { unit: place as Unit, value, weight, product };
  });
  const sum = terms.reduce((total, { product }) => total + product, 0);
  const windows = windowsOf(step, steps[main - 1]!, unit, terms);
  const count = windows.reduce((all, { weights }) => all + weights.length, 0) || terms.length;
  const equation: Equation = {
    stepIndex: main,
    unit,
    kind: step.kind,
    terms,
    windows,
    count,
    sum,
    bias,
    total,
    value: total,
  };
  if (norm !== undefined) {
    const { weights, bias: offsets } = steps[norm]!.layer as Layers["batch_norm"];
    const place = unit.index ?? unit.channel;
    const value = steps[norm]!.values[placeOfUnit(step, unit)]!;
    equation.norm = { stepIndex: norm, factor: weights[place]!, offset: offsets[place]!, value };
    equation.value = value;
  }
  if (activation !== undefined) {
    const layer = steps[activation]!.layer as Layers["activation"];
    const value = steps[activation]!.values[placeOfUnit(step, unit)]!;
    equation.activation = { stepIndex: activation, layer, value };
    equation.value = value;
  }
  return equation;
}

/** Inputs that lie in maps, as the squares that are seen of each. */
function windowsOf(step: Step, before: Step, unit: Unit, terms: Term[]): Window[] {
  if (before.shape.length !== 3 || !terms.length) return [];
  const { layer } = step;
  const [, height, width] = before.shape as [number, number, number];
  const byChannel = new Map<number, Term[]>();
  for (const term of terms) {
    const { channel } = term.unit as UnitOfMap;
    byChannel.set(channel, [...(byChannel.get(channel) ?? []), term]);
  }
  const whole = { top: 0, left: 0, bottom: height, right: width };
  const area = layer && "window" in layer && unit.index === undefined ? areaOf(layer, unit) : whole;
  const [down, across] = layer && "dilation" in layer ? layer.dilation : [1, 1];
  const rows = Math.ceil((area.bottom - area.top) / down);
  const columns = Math.ceil((area.right - area.left) / across);
  const kernels = layer?.kind === "convolution" ? kernelsOf(layer) : [];
  return [...byChannel].map(([channel, found]) => {
    const placed: (Term | undefined)[] = Array.from({ length: rows * columns }, () => undefined);
    for (const term of found) {
      const { row, column } = term.unit as UnitOfMap;
      placed[((row - area.top) / down) * columns + (column - area.left) / across] = term;
    }
    const kernel = kernels.find((one) => one.filter === unit.channel && one.channel === channel);
    const weights = placed.map((term, place) =>
      kernel && layer?.kind === "convolution"
        ? layer.weights[kernel.start + place]!
        : (term?.weight ?? 0),
    );
    const sum = found.reduce((total, { product }) => total + product, 0);
    return { channel, area, rows, columns, terms: placed, weights, sum };
  });
}

/** What a window sees at a place of the output. */
export function areaOf(layer: Way, { row, column }: UnitOfMap): Area {
  const { window, stride, dilation, margins } = layer;
  const [top, left] = [row * stride[0] - margins[2], column * stride[1] - margins[0]];
  return {
    top,
    left,
    bottom: top + dilation[0] * (window[0] - 1) + 1,
    right: left + dilation[1] * (window[1] - 1) + 1,
  };
}

/** Inputs from what counts most to what counts least, either way. */
export function mostFirst<Part>(parts: Part[], share: (part: Part) => number): Part[] {
  return [...parts].sort((one, other) => Math.abs(share(other)) - Math.abs(share(one)));
}

/** The curve of an activation over a range, and the point on it. */
export function curvePoints(layer: Layers["activation"], from: number, to: number, count = 61) {
  return Array.from({ length: count }, (_, index) => {
    const x = from + ((to - from) * index) / (count - 1);
    return [x, activate(layer, x)] as const;
  });
}
