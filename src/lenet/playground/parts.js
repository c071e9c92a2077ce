/**
 * Which of the pixels that differ from the ground belong to what was drawn.
 * As `lenet/pictures/_parts.py`.
 */

import { rangeOf } from "./frame.js";
import { growMask } from "./morphology.js";

const STRONG = 0.5; // of the strongest ink: every part has some as strong as this
const FIRM = 0.35; // of the strongest ink: fainter ink belongs to what is as strong as this
const REACH = 2; // pixels that it may be away,
const REACHES = 100; // or a hundredth of a picture's longer side
const LINED = 8; // crossings of a picture's edge that no symbol makes
const CONTRAST_STEP = 1.25; // by which more is asked for where the paper's lines were found
const LEAST_PART = 0.08; // of the largest part: less is a speck
const STRAIGHT = 0.8; // of each side of a frame is drawn
const LEAST_SIDE = 64; // pixels of a picture in which shadows are looked for
const COVERED = 0.32; // of a picture's edge: the largest digits that fill it cover less

/**
 * The parts of a picture that are drawn, as a mask: without specks, without the paper's lines and
 * frames. Below `least` contrast there is no ink; the strongest has `peak`.
 *
 * @type {(contrast: Float32Array, width: number, least: number, peak: number) => Uint8Array}
 */
export function drawnParts(contrast, width, least, peak) {
  let mask = connectedParts(contrast, width, least, peak);
  if (crossingsOfEdge(mask, width) >= LINED) {
    // Ruled or squared paper, whose lines are fainter than what is written on it.
    while (least < STRONG * peak && crossingsOfEdge(mask, width)) {
      least *= CONTRAST_STEP;
      mask = connectedParts(contrast, width, least, peak);
    }
  }
  return mask;
}

/**
 * Whether what was found covers more of the picture's edge than a symbol does: a shadow.
 *
 * In a picture of a few pixels, a symbol that fills it can't be told from a shadow.
 *
 * @type {(mask: Uint8Array, width: number) => boolean}
 */
export function holdsMoreThanStrokes(mask, width) {
  if (Math.min(width, mask.length / width) < LEAST_SIDE) return false;
  const edge = edgeOf(mask, width);
  return edge.filter(Boolean).length / edge.length > COVERED;
}

/** The connected parts of a picture that are strong somewhere, bar the specks and frames.
 * @param {Float32Array} contrast @param {number} width @param {number} least
 * @param {number} peak */
function connectedParts(contrast, width, least, peak) {
  // What is faint and far from all that is not, is a line of the paper or a shadow.
  const longer = Math.max(width, contrast.length / width);
  const firmest = Math.fround(Math.max(least, FIRM * peak)); // compared as numbers of 32 bits
  const faintest = Math.fround(least);
  const firm = new Uint8Array(contrast.length);
  for (let place = 0; place < firm.length; place++)
    firm[place] = Number(contrast[place] >= firmest);
  const inked = growMask(firm, width, Math.max(REACH, Math.floor(longer / REACHES)));
  for (let place = 0; place < inked.length; place++)
    inked[place] &= Number(contrast[place] >= faintest);
  const parts = labelParts(inked, width);
  const masses = parts.map((places) => massOf(places, contrast, Math.fround(STRONG * peak)));
  let kept = largeEnough(masses);
  for (const index of kept) {
    if (kept.length > 1 && isFrame(parts[index], width)) {
      masses[index] = 0;
      kept = largeEnough(masses);
    }
  }
  const mask = new Uint8Array(contrast.length);
  for (const index of kept) for (const place of parts[index]) mask[place] = 1;
  return mask;
}

/** All contrast of a part; none, if it is nowhere strong.
 * @type {(places: Int32Array, contrast: Float32Array, strong: number) => number} */
function massOf(places, contrast, strong) {
  let mass = 0;
  let strongest = 0;
  for (const place of places) {
    mass += contrast[place];
    strongest = Math.max(strongest, contrast[place]);
  }
  return strongest >= strong ? mass : 0;
}

/** Which parts are more than specks. @type {(masses: number[]) => number[]} */
function largeEnough(masses) {
  const least = LEAST_PART * rangeOf(masses)[1];
  return [...masses.keys()].filter((index) => masses[index] >= least);
}

/** The pieces of a mask that hang together, also across corners: the places of their pixels.
 * @type {(mask: Uint8Array, width: number) => Int32Array[]} */
export function labelParts(mask, width) {
  const isWaiting = mask.slice();
  const found = new Int32Array(mask.length);
  const parts = [];
  for (let start = 0; start < mask.length; start++) {
    if (!isWaiting[start]) continue;
    isWaiting[start] = 0;
    found[0] = start;
    let count = 1;
    for (let next = 0; next < count; next++) {
      const column = found[next] % width;
      const left = column > 0 ? -1 : 0;
      const right = column < width - 1 ? 1 : 0;
      for (let line = found[next] - width; line <= found[next] + width; line += width) {
        for (let place = line + left; place <= line + right; place++) {
          if (!isWaiting[place]) continue; // nothing waits outside the picture either
          isWaiting[place] = 0;
          found[count++] = place;
        }
      }
    }
    parts.push(found.slice(0, count));
  }
  return parts;
}

/** The rows and columns that hold some parts. @type {(parts: Int32Array[], width: number) => Box} */
export function boxOf(parts, width) {
  let [top, left, bottom, right] = [Infinity, Infinity, 0, 0];
  for (const places of parts) {
    for (const place of places) {
      const row = Math.floor(place / width);
      const column = place % width;
      top = Math.min(top, row);
      left = Math.min(left, column);
      bottom = Math.max(bottom, row + 1);
      right = Math.max(right, column + 1);
    }
  }
  return [top, left, bottom, right];
}

/** Whether a part is a frame: drawn along all four sides of its box and empty within.
 * @type {(places: Int32Array, width: number) => boolean} */
function isFrame(places, width) {
  const [top, left, bottom, right] = boxOf([places], width);
  const [rows, columns] = [bottom - top, right - left];
  const shorter = Math.min(rows, columns);
  if (shorter < 8) return false;
  const depth = Math.max(1, Math.floor(shorter / 12));
  const [above, below] = [new Set(), new Set()];
  const [before, after] = [new Set(), new Set()];
  for (const place of places) {
    const row = Math.floor(place / width) - top;
    const column = (place % width) - left;
    if (row < depth) above.add(column);
    if (row >= rows - depth) below.add(column);
    if (column < depth) before.add(row);
    if (column >= columns - depth) after.add(row);
    const isWithin = Math.min(row, column, rows - 1 - row, columns - 1 - column) >= 2 * depth;
    if (isWithin) return false;
  }
  const drawn = [above.size / columns, below.size / columns, before.size / rows, after.size / rows];
  return drawn.every((share) => share >= STRAIGHT);
}

/** How many times ink is met on the way once round the edge.
 * @type {(mask: Uint8Array, width: number) => number} */
function crossingsOfEdge(mask, width) {
  const edge = edgeOf(mask, width);
  return edge.filter((one, index) => one && !edge.at(index - 1)).length;
}

/** The pixels on the way once round the edge.
 * @type {(mask: Uint8Array, width: number) => number[]} */
function edgeOf(mask, width) {
  const height = mask.length / width;
  const last = mask.length - width;
  const edge = Array.from(mask.subarray(0, width));
  for (let row = 1; row < height; row++) edge.push(mask[row * width + width - 1]);
  for (let column = width - 2; column >= 0; column--) edge.push(mask[last + column]);
  for (let row = height - 2; row >= 1; row--) edge.push(mask[row * width]);
  return edge;
}
