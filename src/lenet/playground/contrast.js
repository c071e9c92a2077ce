/**
 * How far the pixels of a picture are from its ground, towards the ink.
 * As `lenet/pictures/_contrast.py`.
 */

import { channelsOf, rangeOf } from "./frame.js";
import { DEVIATION_OF_MEDIAN, groundSurface } from "./ground.js";
import { closing, opening } from "./morphology.js";
import { median, percentile } from "./order_statistics.js";
import { eigen } from "./symmetric.js";

const FAR_FROM_GROUND = 0.5; // of the largest difference: what is certainly ink
const DARKEST_PAPER = 40; // of 255: where it seems darker, it is no shadow
const WIDER_THAN_STROKES = 0.2; // of a picture's longer side

/**
 * Contrast with a smooth ground, in the direction in which the two colours differ.
 *
 * Ink that is darker than its ground takes a share of the light, so in the shadow it counts more.
 *
 * @type {(grid: Grid) => Contrast}
 */
export function contrastWithSurface(grid) {
  const { ground, deviation } = groundSurface(grid);
  const difference = { ...grid, values: subtract(grid.values, ground.values) };
  const direction = inkDirection(difference);
  const contrast = alongDirection(difference, direction);
  for (let place = 0; place < contrast.length; place++) {
    if (contrast[place] < 0) contrast[place] = 0;
  }
  const isDarker = direction.reduce((sum, part) => sum + part, 0) < 0;
  if (isDarker) brighten(contrast, meanOfChannels(ground));
  return { contrast, deviation };
}

/** The direction from the colour of the ground to that of the ink, of length 1.
 * @type {(difference: Grid) => number[]} */
function inkDirection(difference) {
  const far = farthest(channelsOf(difference));
  const { values, vectors } = eigen(far.map((row) => far.map((column) => dot(row, column))));
  const strongest = values.indexOf(Math.max(...values));
  const direction = vectors.map((row) => row[strongest]);
  const sums = far.map((row) => row.reduce((sum, value) => sum + value, 0));
  return dot(direction, sums) < 0 ? direction.map((part) => -part) : direction;
}

/** What is certainly ink: each channel's numbers for the pixels that differ most.
 * @type {(planes: Float32Array[]) => number[][]} */
function farthest(planes) {
  const squares = new Float32Array(planes[0].length);
  for (const values of planes) {
    for (let place = 0; place < values.length; place++) squares[place] += values[place] ** 2;
  }
  const least = Math.fround(FAR_FROM_GROUND ** 2 * rangeOf(squares)[1]);
  const places = /** @type {number[]} */ ([]);
  for (let place = 0; place < squares.length; place++) {
    if (squares[place] >= least) places.push(place);
  }
  return planes.map((values) => places.map((place) => values[place]));
}

/** @type {(first: number[], second: number[]) => number} */
function dot(first, second) {
  return first.reduce((sum, value, i) => sum + value * second[i], 0);
}

/** How far each pixel goes in a direction of colours.
 * @type {(grid: Grid, direction: number[]) => Float32Array} */
function alongDirection(grid, direction) {
  const along = new Float32Array(grid.height * grid.width);
  for (const [channel, values] of channelsOf(grid).entries()) {
    const part = direction[channel];
    for (let place = 0; place < along.length; place++) along[place] += part * values[place];
  }
  return along;
}

/** Contrast times how much more light would fall on its paper at the brightest place.
 * @type {(contrast: Float32Array, paper: Float32Array) => void} */
function brighten(contrast, paper) {
  const [, brightest] = rangeOf(paper);
  for (let place = 0; place < contrast.length; place++) {
    contrast[place] *= brightest / Math.max(DARKEST_PAPER, paper[place]);
  }
}

/**
 * Contrast of what is narrower than all that lies round it, whatever the ground is.
 *
 * The ground is what is left when all that is narrow and dark, or narrow and light, is filled up;
 * the one that finds more is taken.
 *
 * @type {(grid: Grid) => Contrast}
 */
export function contrastWithSurroundings(grid) {
  const grey = meanOfChannels(grid);
  const side = Math.floor(WIDER_THAN_STROKES * Math.max(grid.height, grid.width)) | 1;
  const paper = closing(grey, grid.width, side);
  const dark = subtract(paper, grey);
  const light = subtract(grey, opening(grey, grid.width, side));
  const isDark = percentile(dark, 98) >= percentile(light, 98);
  const contrast = isDark ? dark : light;
  if (isDark) brighten(contrast, paper);
  return { contrast, deviation: Math.max(1, DEVIATION_OF_MEDIAN * median(contrast)) };
}

/** @type {(grid: Grid) => Float32Array} */
function meanOfChannels(grid) {
  if (grid.channels === 1) return grid.values;
  const mean = new Float32Array(grid.height * grid.width);
  for (const values of channelsOf(grid)) {
    for (let place = 0; place < mean.length; place++) mean[place] += values[place];
  }
  for (let place = 0; place < mean.length; place++) mean[place] /= grid.channels;
  return mean;
}

/** @type {(first: Float32Array, second: Float32Array) => Float32Array} */
function subtract(first, second) {
  const difference = new Float32Array(first.length);
  for (let i = 0; i < first.length; i++) difference[i] = first[i] - second[i];
  return difference;
}
