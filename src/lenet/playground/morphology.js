/**
 * Pictures made lighter or darker by what lies near: morphological dilation, closing and opening.
 */

/** Fill up what is dark and narrower than a window of an odd side: each number becomes the largest
 * in the window round it, then the smallest of these.
 * @type {(values: Float32Array, width: number, side: number) => Float32Array} */
export function closing(values, width, side) {
  return smallestAround(largestAround(values, width, side), width, side);
}

/** Fill up what is light and narrower than a window, likewise.
 * @type {(values: Float32Array, width: number, side: number) => Float32Array} */
export function opening(values, width, side) {
  return largestAround(smallestAround(values, width, side), width, side);
}

/** @type {(values: Float32Array, width: number, side: number) => Float32Array} */
function smallestAround(values, width, side) {
  const negative = values.map((value) => -value);
  return largestAround(negative, width, side).map((value) => -value);
}

/** The largest number in the window round each.
 * @type {(values: Float32Array, width: number, side: number) => Float32Array} */
function largestAround(values, width, side) {
  const height = values.length / width;
  const largest = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    largestInLine(values, largest, row * width, 1, width, side);
  }
  const result = new Float32Array(values.length);
  for (let column = 0; column < width; column++) {
    largestInLine(largest, result, column, width, height, side);
  }
  return result;
}

/**
 * The largest number in the window round each of a line, whatever the window's length in the same
 * time: of blocks as long as the window, the largest so far from the left and from the right are
 * noted, and a window is the end of one block and the start of the next.
 *
 * Source: van Herk (1992); Gil and Werman (1993).
 *
 * @param {Float32Array} values @param {Float32Array} largest @param {number} start
 * @param {number} step @param {number} length @param {number} side
 */
function largestInLine(values, largest, start, step, length, side) {
  const half = side >> 1;
  const padded = Math.ceil((length + 2 * half) / side) * side;
  const fromLeft = new Float32Array(padded).fill(-Infinity);
  for (let place = 0; place < length; place++) {
    fromLeft[half + place] = values[start + place * step];
  }
  const fromRight = fromLeft.slice();
  for (let place = 1; place < padded; place++) {
    if (place % side) fromLeft[place] = Math.max(fromLeft[place], fromLeft[place - 1]);
    const back = padded - 1 - place;
    if ((back + 1) % side) fromRight[back] = Math.max(fromRight[back], fromRight[back + 1]);
  }
  for (let place = 0; place < length; place++) {
    largest[start + place * step] = Math.max(fromRight[place], fromLeft[place + side - 1]);
  }
}

/** The largest number in the disk round each, from widths of the disk that grow line by line; the
 * grid has one channel and a border of the radius. @type {(grid: Grid, radius: number) => Grid} */
export function dilateByDisk(grid, radius) {
  const { values, width } = grid;
  const largest = values.slice();
  const inReach = values.slice(); // the largest number within `half` columns
  let half = 0;
  for (let away = radius; away >= 0; away--) {
    while ((half + 1) ** 2 + away ** 2 <= radius ** 2) {
      half++;
      for (let place = half; place < values.length; place++) {
        if (values[place - half] > inReach[place]) inReach[place] = values[place - half];
      }
      for (let place = half; place < values.length; place++) {
        if (values[place] > inReach[place - half]) inReach[place - half] = values[place];
      }
    }
    const offset = away * width;
    for (let place = offset; place < values.length; place++) {
      if (inReach[place - offset] > largest[place]) largest[place] = inReach[place - offset];
      if (inReach[place] > largest[place - offset]) largest[place - offset] = inReach[place];
    }
  }
  return { ...grid, values: largest };
}

/** Which pixels are at most so many steps up, down or sideways from one of a mask.
 * @type {(mask: Uint8Array, width: number, steps: number) => Uint8Array} */
export function growMask(mask, width, steps) {
  const far = steps + 1;
  const away = new Uint8Array(mask.length); // steps to the nearest
  for (let place = 0; place < mask.length; place++) away[place] = mask[place] ? 0 : far;
  /** @type {(from: number, to: number) => void} */
  const carry = (from, to) => {
    if (away[from] + 1 < away[to]) away[to] = away[from] + 1;
  };
  for (let start = 0; start < mask.length; start += width) {
    for (let place = start + 1; place < start + width; place++) carry(place - 1, place);
    for (let place = start + width - 2; place >= start; place--) carry(place + 1, place);
  }
  for (let place = width; place < mask.length; place++) carry(place - width, place);
  for (let place = mask.length - width - 1; place >= 0; place--) carry(place + width, place);
  for (let place = 0; place < mask.length; place++) away[place] = Number(away[place] < far);
  return away;
}
