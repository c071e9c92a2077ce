/**
 * Sizes: fitting something into a frame with its proportions kept. As `lenet/pictures/_frame.py`.
 */

/** The whole number nearest to another; of two that are as near, the even one, as in Python.
 * @type {(value: number) => number} */
export function roundToEven(value) {
  const below = Math.floor(value);
  const share = value - below;
  if (share === 0.5) return below + Math.abs(below % 2);
  return share < 0.5 ? below : below + 1;
}

/** The largest height and width of the same proportions within a frame, each at least 1.
 * @type {(size: Pair, frame: Pair) => Pair} */
export function fittedSize([height, width], [frameHeight, frameWidth]) {
  const scale = Math.min(frameHeight / height, frameWidth / width);
  return [
    Math.min(frameHeight, Math.max(1, roundToEven(height * scale))),
    Math.min(frameWidth, Math.max(1, roundToEven(width * scale))),
  ];
}

/**
 * Other numbers of rows and columns, smooth when enlarged and averaged when made smaller.
 *
 * The same filters as Pillow's `BICUBIC` and `BOX`, which work on columns first, then on rows.
 *
 * @type {(grid: Grid, height: number, width: number) => Grid}
 */
export function resize(grid, height, width) {
  if (grid.height === height && grid.width === width) return grid;
  const isSmaller = height < grid.height || width < grid.width;
  const filter = isSmaller ? BOX : BICUBIC;
  const resized = resizeRows(resizeColumns(grid, width, filter), height, filter);
  clipToRange(resized, grid);
  return resized;
}

/** @type {Filter} */
const BOX = { support: 0.5, weigh: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
const BICUBIC = { support: 2, weigh: weighBicubic };

/** Keys (1981), "Cubic convolution interpolation for digital image processing", a = -1/2.
 * @type {(distance: number) => number} */
function weighBicubic(distance) {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/** For each number wanted, the first of those that it is made of, and their weights.
 * @type {(size: number, wanted: number, filter: Filter) => {first: number, weights: number[]}[]} */
function filterWeights(size, wanted, { support, weigh }) {
  const scale = size / wanted;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support * stretch + 0.5));
    const end = Math.min(size, Math.trunc(centre + support * stretch + 0.5));
    const weights = Array.from({ length: end - first }, (_, step) =>
      weigh((step + first - centre + 0.5) / stretch),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

/** @type {(grid: Grid, width: number, filter: Filter) => Grid} */
function resizeColumns(grid, width, filter) {
  if (grid.width === width) return grid;
  const lines = grid.channels * grid.height;
  const values = new Float32Array(lines * width);
  for (const [column, { first, weights }] of filterWeights(grid.width, width, filter).entries()) {
    for (let line = 0; line < lines; line++) {
      const start = line * grid.width + first;
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) sum += grid.values[start + tap] * weights[tap];
      values[line * width + column] = sum;
    }
  }
  return { ...grid, values, width };
}

/** @type {(grid: Grid, height: number, filter: Filter) => Grid} */
function resizeRows(grid, height, filter) {
  if (grid.height === height) return grid;
  const { channels, width } = grid;
  const values = new Float32Array(channels * height * width);
  const sums = new Float64Array(width);
  const rows = filterWeights(grid.height, height, filter);
  for (let channel = 0; channel < channels; channel++) {
    for (const [row, { first, weights }] of rows.entries()) {
      sums.fill(0);
      for (let tap = 0; tap < weights.length; tap++) {
        const start = (channel * grid.height + first + tap) * width;
        const weight = weights[tap];
        for (let x = 0; x < width; x++) sums[x] += grid.values[start + x] * weight;
      }
      values.set(sums, (channel * height + row) * width);
    }
  }
  return { ...grid, values, height };
}

/** Keep each channel between its lowest and highest value before, as curves may swing beyond.
 * @type {(resized: Grid, original: Grid) => void} */
function clipToRange(resized, original) {
  for (let channel = 0; channel < resized.channels; channel++) {
    const [lowest, highest] = rangeOf(planeOf(original, channel));
    const values = planeOf(resized, channel);
    for (let index = 0; index < values.length; index++) {
      values[index] = Math.min(highest, Math.max(lowest, values[index]));
    }
  }
}

/** One channel's numbers; a change of them changes the grid.
 * @type {(grid: Grid, channel: number) => Float32Array} */
export function planeOf({ values, height, width }, channel) {
  const size = height * width;
  return values.subarray(channel * size, (channel + 1) * size);
}

/** Every channel's numbers, likewise. @type {(grid: Grid) => Float32Array[]} */
export function channelsOf(grid) {
  return Array.from({ length: grid.channels }, (_, channel) => planeOf(grid, channel));
}

/** The lowest and the highest of some numbers. @type {(values: ArrayLike<number>) => Pair} */
export function rangeOf(values) {
  let lowest = Infinity;
  let highest = -Infinity;
  for (let index = 0; index < values.length; index++) {
    if (values[index] < lowest) lowest = values[index];
    if (values[index] > highest) highest = values[index];
  }
  return [lowest, highest];
}

/** A part of a grid. @type {(grid: Grid, box: Box) => Grid} */
export function cropGrid(grid, [top, left, bottom, right]) {
  const [height, width] = [bottom - top, right - left];
  const values = new Float32Array(grid.channels * height * width);
  for (let channel = 0; channel < grid.channels; channel++) {
    for (let row = 0; row < height; row++) {
      const start = (channel * grid.height + top + row) * grid.width;
      const line = (channel * height + row) * width;
      values.set(grid.values.subarray(start + left, start + right), line);
    }
  }
  return { values, channels: grid.channels, height, width };
}

/** A larger grid with another one in it, which begins at `top` and `left`; round it is the ground, a
 * number for each channel.
 * @param {Grid} grid @param {number} height @param {number} width @param {number} top
 * @param {number} left @param {ArrayLike<number>} ground @returns {Grid} */
export function placeInFrame(grid, height, width, top, left, ground) {
  const { channels } = grid;
  const framed = { values: new Float32Array(channels * height * width), channels, height, width };
  for (let channel = 0; channel < channels; channel++) {
    planeOf(framed, channel).fill(ground[channel]);
    for (let row = 0; row < grid.height; row++) {
      const start = (channel * grid.height + row) * grid.width;
      const line = (channel * height + top + row) * width;
      framed.values.set(grid.values.subarray(start, start + grid.width), line + left);
    }
  }
  return framed;
}

/** Values from 0 to 255, rounded. @type {(values: Float32Array) => Uint8Array} */
export function asBytes(values) {
  return Uint8Array.from(values, roundToEven);
}
