/**
 * What a picture was drawn on: paper with a shadow on it, a blackboard, a coloured card.
 * As `lenet/pictures/_ground.py`.
 */

import { channelsOf, planeOf } from "./frame.js";
import { median } from "./order_statistics.js";
import { solve } from "./symmetric.js";

const ROUNDS = 6; // of fitting; the ground hardly changes after these
const SAMPLED_SIDE = 64; // pixels in a row or column are enough to know the ground
const TERMS = 6; // of a quadratic surface
const NEAR = 3; // standard deviations within which a pixel belongs to the ground
const ROUNDING = 1e-6; // of 255: whole numbers that are just as far belong to it on every machine
const LEAST_DEVIATION = 1; // of pixels 0 to 255: what rounding alone does
export const DEVIATION_OF_MEDIAN = 1.4826; // in median absolute deviations

/** The colour of the four corners: what fills a picture reaches its sides more often.
 * @type {(grid: Grid) => Float32Array} */
export function groundColour(grid) {
  const rows = ends(grid.height);
  const columns = ends(grid.width);
  return Float32Array.from(channelsOf(grid), (values) => {
    const corners = rows.flatMap((row) => columns.map((one) => values[row * grid.width + one]));
    return median(Float32Array.from(corners));
  });
}

/** The first and the last twelfth of rows or columns. @type {(size: number) => number[]} */
function ends(size) {
  const depth = Math.ceil(size / 12);
  const first = Array.from({ length: depth }, (_, place) => place);
  return [...first, ...first.map((place) => size - depth + place)];
}

/**
 * The ground under a drawing, unevenly lit, and its pixels' standard deviation: a quadratic surface
 * through what is no ink.
 *
 * The surface is fitted to the border first, then to all pixels, and each time again to those that
 * are near to it; ink is what stays far from it.
 *
 * @type {(grid: Grid) => {ground: Grid, deviation: number}}
 */
export function groundSurface(grid) {
  const { channels, height, width } = grid;
  const step = Math.ceil(Math.max(height, width) / SAMPLED_SIDE);
  const sampled = sample(grid, step);
  const { weights, deviation } = fitSurface(sampled);
  const rows = places(height, step, sampled.height);
  const columns = places(width, step, sampled.width);
  const ground = { ...grid, values: new Float32Array(grid.values.length) };
  for (let channel = 0; channel < channels; channel++) {
    const [constant, y, x, yy, xy, xx] = weights[channel];
    const surface = planeOf(ground, channel);
    let index = 0;
    for (const row of rows) {
      const inRow = constant + (y + yy * row) * row;
      const slope = x + xy * row;
      for (const column of columns) {
        const value = inRow + (slope + xx * column) * column;
        surface[index++] = Math.min(255, Math.max(0, value));
      }
    }
  }
  return { ground, deviation };
}

/** Every so manieth row and column. @type {(grid: Grid, step: number) => Grid} */
function sample(grid, step) {
  const height = Math.ceil(grid.height / step);
  const width = Math.ceil(grid.width / step);
  const values = new Float32Array(grid.channels * height * width);
  let index = 0;
  for (let channel = 0; channel < grid.channels; channel++) {
    for (let row = 0; row < grid.height; row += step) {
      const start = (channel * grid.height + row) * grid.width;
      for (let column = 0; column < grid.width; column += step) {
        values[index++] = grid.values[start + column];
      }
    }
  }
  return { values, channels: grid.channels, height, width };
}

/** Where rows or columns lie, about from -1 to 1; `count` of them, every `step`-th, were fitted.
 * @type {(size: number, step?: number, count?: number) => Float64Array} */
function places(size, step = 1, count = size) {
  const half = count / 2;
  return Float64Array.from({ length: size }, (_, place) => (place / step - half + 0.5) / half);
}

/** Each channel's weights of 1, y, x, y², xy and x², and the ground's standard deviation.
 * @type {(grid: Grid) => {weights: number[][], deviation: number}} */
function fitSurface(grid) {
  const { height, width } = grid;
  const planes = channelsOf(grid);
  const terms = quadraticTerms(height, width);
  const border = borderPlaces(height, width);
  const everywhere = Int32Array.from({ length: height * width }, (_, place) => place);
  const colours = planes.map((values) => median(Float32Array.from(border, (i) => values[i])));
  let weights = colours.map((colour) => [colour, 0, 0, 0, 0, 0]);
  let deviation = LEAST_DEVIATION;
  let ground = border;
  let fittedTo;
  for (const candidates of [border, everywhere]) {
    for (let round = 0; round < ROUNDS; round++) {
      const distances = surfaceDistances(planes, terms, weights);
      const middle = median(Float64Array.from(ground, (place) => distances[place]));
      deviation = Math.max(LEAST_DEVIATION, DEVIATION_OF_MEDIAN * middle);
      const most = NEAR * deviation + ROUNDING;
      ground = candidates.filter((place) => distances[place] <= most);
      if (ground.length < 4 * TERMS) return { weights, deviation };
      if (fittedTo && isSame(ground, fittedTo)) break;
      weights = leastSquares(planes, terms, ground);
      fittedTo = ground;
    }
  }
  return { weights, deviation };
}

/** The pixels at the border: a twenty-fifth of the shorter side, at least one.
 * @type {(height: number, width: number) => Int32Array} */
function borderPlaces(height, width) {
  const shorter = Math.min(height, width);
  const depth = Math.min(Math.max(1, Math.floor(shorter / 25)), Math.floor((shorter + 1) / 2));
  /** @type {(place: number, size: number) => boolean} */
  const isInside = (place, size) => place >= depth && place < size - depth;
  const all = Int32Array.from({ length: height * width }, (_, place) => place);
  return all.filter(
    (place) => !(isInside(Math.floor(place / width), height) && isInside(place % width, width)),
  );
}

/** 1, y, x, y², xy and x² at every pixel, one after the other.
 * @type {(height: number, width: number) => Float64Array} */
function quadraticTerms(height, width) {
  const terms = new Float64Array(TERMS * height * width);
  let index = 0;
  for (const y of places(height)) {
    for (const x of places(width)) {
      terms.set([1, y, x, y * y, x * y, x * x], index);
      index += TERMS;
    }
  }
  return terms;
}

/** How far each pixel is from the surface, in the channel where it is farthest.
 * @type {(planes: Float32Array[], terms: Float64Array, weights: number[][]) => Float64Array} */
function surfaceDistances(planes, terms, weights) {
  const distances = new Float64Array(planes[0].length);
  for (const [channel, values] of planes.entries()) {
    const [constant, y, x, yy, xy, xx] = weights[channel];
    for (let place = 0, term = 0; place < values.length; place++, term += TERMS) {
      const surface =
        constant +
        y * terms[term + 1] +
        x * terms[term + 2] +
        yy * terms[term + 3] +
        xy * terms[term + 4] +
        xx * terms[term + 5];
      distances[place] = Math.max(distances[place], Math.abs(values[place] - surface));
    }
  }
  return distances;
}

/** Each channel's surface that is nearest to some pixels, by the normal equations.
 * @type {(planes: Float32Array[], terms: Float64Array, ground: Int32Array) => number[][]} */
function leastSquares(planes, terms, ground) {
  const products = Array.from({ length: TERMS }, () => new Float64Array(TERMS));
  const sums = planes.map(() => new Float64Array(TERMS));
  for (const place of ground) {
    const start = place * TERMS;
    for (let i = 0; i < TERMS; i++) {
      const term = terms[start + i];
      for (let j = 0; j <= i; j++) products[i][j] += term * terms[start + j];
      for (let channel = 0; channel < planes.length; channel++) {
        sums[channel][i] += term * planes[channel][place];
      }
    }
  }
  const symmetric = products.map((row, i) =>
    Array.from(row, (value, j) => (j <= i ? value : products[j][i])),
  );
  return sums.map((sum) => solve(symmetric, Array.from(sum)));
}

/** @type {(first: Int32Array, second: Int32Array) => boolean} */
function isSame(first, second) {
  return first.length === second.length && first.every((value, index) => value === second[index]);
}
