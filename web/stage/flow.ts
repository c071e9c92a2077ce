/**
 * What each path through the network adds to one number of it, or takes away.
 *
 * A path's share is taken where the network is: input × weight × slope of the chosen number, summed
 * over the positions of a map. For the layer just before, it is exactly the product in its sum;
 * further back it is the linear part at this input.
 */

import { slopeOf } from "./activation_functions.ts";
import { type Column, countOf } from "./columns.ts";

/** Shares of the paths between two columns: of each tile before, to each tile after. */
export type Shares = { before: number; after: number; values: Float64Array };

/** Shares of all paths to a number, one entry for each column after the input up to its own; where
 * a layer's slopes are not known, what lies before it is left out. */
export function sharesTo(steps: Step[], columns: Column[], choice: Choice): (Shares | undefined)[] {
  const last = columns.findIndex(({ front }) => front === choice.stepIndex);
  const slopes = new Float32Array(steps[choice.stepIndex]!.values.length);
  slopes[choice.unit.index ?? 0] = 1;
  const found: (Shares | undefined)[] = columns.map(() => undefined);
  let after: Float32Array | undefined = slopes;
  let step = choice.stepIndex;
  for (let place = last; place > 0 && after; place--) {
    const [column, before] = [columns[place]!, columns[place - 1]!];
    for (; step > column.main; step--) after = slopesBefore(steps, step, after!);
    const inputs = steps[before.out]!;
    const values = new Float64Array(countOf(inputs) * countOf(steps[column.main]!));
    after = slopesBefore(steps, step, after!, values);
    step--;
    if (!after) break;
    found[place] = { before: countOf(inputs), after: countOf(steps[column.main]!), values };
  }
  return found;
}

/** Slopes with respect to a step's inputs from those with respect to itself; adds up the shares of
 * the paths through it, where they are asked for. */
function slopesBefore(
  steps: Step[],
  index: number,
  slopes: Float32Array,
  shares?: Float64Array,
): Float32Array | undefined {
  const [{ values }, { layer, shape }] = [steps[index - 1]!, steps[index]!];
  const before = new Float32Array(values.length);
  switch (layer!.kind) {
    case "dense":
      throughDense(layer!, values, slopes, before, shares);
      return before;
    case "convolution":
      throughConvolution(layer!, values, slopes, before, shares);
      return before;
    case "activation": {
      const activation = layer!;
      slopes.forEach((slope, i) => {
        if (slope) before[i] = slope * slopeOf(activation, values[i]!);
      });
      break;
    }
    case "batch_norm": {
      const { weights } = layer!;
      const area = values.length / weights.length;
      for (let i = 0; i < before.length; i++)
        before[i] = slopes[i]! * weights[Math.floor(i / area)]!;
      break;
    }
    case "pooling":
    case "subsampling":
      throughWindows(layer!, values, slopes, before);
      break;
    default:
      return undefined;
  }
  if (shares) addOneToOne(values, before, shape[0]!, shares);
  return before;
}

/** Each map goes into the map of its own number. */
function addOneToOne(
  values: Float32Array,
  slopes: Float32Array,
  count: number,
  shares: Float64Array,
) {
  const area = values.length / count;
  for (let i = 0; i < values.length; i++) {
    const tile = Math.floor(i / area);
    shares[tile * count + tile]! += values[i]! * slopes[i]!;
  }
}

function throughDense(
  { weights, shape: [outputs], inputShape: [tiles] }: Layers["dense"],
  values: Float32Array,
  slopes: Float32Array,
  before: Float32Array,
  shares?: Float64Array,
) {
  const area = values.length / tiles!;
  for (let output = 0; output < outputs!; output++) {
    const slope = slopes[output]!;
    if (!slope) continue;
    const row = output * values.length;
    for (let tile = 0, i = 0; tile < tiles!; tile++) {
      let sum = 0;
      for (const end = i + area; i < end; i++) {
        const factor = weights[row + i]! * slope;
        before[i]! += factor;
        sum += values[i]! * factor;
      }
      if (shares) shares[tile * outputs! + output] = sum;
    }
  }
}

function throughConvolution(
  layer: Layers["convolution"],
  values: Float32Array,
  slopes: Float32Array,
  before: Float32Array,
  shares?: Float64Array,
) {
  const { shape, inputShape, window, stride, dilation, margins, weights } = layer;
  const [filters, rows, columns] = shape as [number, number, number];
  const [, height, width] = inputShape as [number, number, number];
  for (const { filter, channel, start } of kernelsOf(layer)) {
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const slope = slopes[(filter * rows + row) * columns + column]!;
        if (!slope) continue;
        for (let i = 0; i < window[0]; i++) {
          const y = row * stride[0] + i * dilation[0] - margins[2];
          if (y < 0 || y >= height) continue;
          for (let j = 0; j < window[1]; j++) {
            const x = column * stride[1] + j * dilation[1] - margins[0];
            if (x < 0 || x >= width) continue;
            const place = (channel * height + y) * width + x;
            const factor = weights[start + i * window[1] + j]! * slope;
            before[place]! += factor;
            sum += values[place]! * factor;
          }
        }
      }
    }
    if (shares) shares[channel * filters + filter]! += sum;
  }
}

/** Where the weights from each channel to each filter begin. */
export function kernelsOf({
  shape,
  inputShape,
  window,
  groups,
  connections,
}: Layers["convolution"]) {
  const area = window[0] * window[1];
  if (connections.length) {
    return connections.map(([filter, channel], index) => ({
      filter,
      channel,
      start: index * area,
    }));
  }
  const [filters, seen] = [shape[0]!, inputShape[0]! / groups];
  return Array.from({ length: filters * seen }, (_, index) => {
    const filter = Math.floor(index / seen);
    const group = Math.floor((filter * groups) / filters);
    return { filter, channel: group * seen + (index % seen), start: index * area };
  });
}

function throughWindows(
  layer: Layers["pooling" | "subsampling"],
  values: Float32Array,
  slopes: Float32Array,
  before: Float32Array,
) {
  const { inputShape, shape, window, stride, dilation, margins } = layer;
  const [maps, rows, columns] = shape as [number, number, number];
  const [, height, width] = inputShape as [number, number, number];
  for (let i = 0; i < maps * rows * columns; i++) {
    if (!slopes[i]) continue;
    const [map, row, column] = [
      Math.floor(i / (rows * columns)),
      Math.floor(i / columns) % rows,
      i % columns,
    ];
    const places: number[] = [];
    for (let down = 0; down < window[0]; down++) {
      for (let across = 0; across < window[1]; across++) {
        const y = row * stride[0] + down * dilation[0] - margins[2];
        const x = column * stride[1] + across * dilation[1] - margins[0];
        if (y >= 0 && x >= 0 && y < height && x < width)
          places.push((map * height + y) * width + x);
      }
    }
    if (layer.kind === "pooling" && layer.method === "max") {
      const largest = places.reduce((one, other) => (values[other]! > values[one]! ? other : one));
      before[largest]! += slopes[i]!;
      continue;
    }
    const count =
      layer.kind === "pooling" && layer.countPadding ? window[0] * window[1] : places.length;
    const factor = layer.kind === "subsampling" ? layer.weights[map]! : 1 / count;
    for (const place of places) before[place]! += slopes[i]! * factor;
  }
}

/** A path that is drawn: from a tile to one of the next column. */
export type Path = { from: number; to: number; share: number; width: number };

const THINNEST = 0.8;
const MOST_INK = 48; // of all lines of a gap side by side
const LEAST_WIDEST = 5;

/** Paths from all channels of an image together, which stands on the stage once. */
export function ofAllChannels({ after, values }: Shares): Shares {
  const sums = new Float64Array(after);
  for (const [place, value] of values.entries()) sums[place % after]! += value;
  return { before: 1, after, values: sums };
}

/** The strongest paths of a gap, the strongest last, with how wide they are drawn. */
export function strongest({ after, values }: Shares, most: number, widest: number): Path[] {
  const order: number[] = []; // the strongest first
  for (let place = 0; place < values.length; place++) {
    const size = Math.abs(values[place]!);
    if (!size || (order.length === most && size <= Math.abs(values[order[most - 1]!]!))) continue;
    if (order.length === most) order.pop();
    const at = order.findIndex((one) => Math.abs(values[one]!) < size);
    order.splice(at < 0 ? order.length : at, 0, place);
  }
  const largest = Math.abs(values[order[0] ?? 0]!);
  const together = order.reduce((sum, place) => sum + Math.abs(values[place]!), 0) / largest;
  const unit = Math.min(widest, Math.max(LEAST_WIDEST, MOST_INK / together));
  return order
    .map((place) => ({
      from: Math.floor(place / after),
      to: place % after,
      share: values[place]!,
      width: (unit * Math.abs(values[place]!)) / largest,
    }))
    .filter(({ width }) => width >= THINNEST)
    .reverse();
}

/** How many lines a gap has at most, and how wide the widest is. */
export function limitsOf(
  kind: string,
  isFirst: boolean,
  isFromMaps: boolean,
  isLast: boolean,
): [number, number] {
  if (isFirst) return [16, 7];
  if (isLast) return [12, 8];
  if (kind === "convolution") return [14, 8];
  if (kind === "dense") return isFromMaps ? [14, 5] : [16, 6];
  return [9, 8];
}
