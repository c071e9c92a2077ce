/**
 * What was drawn, whichever of ink and ground is the lighter one and whatever their colours.
 * As `lenet/pictures/_ink.py`.
 */

import { contrastWithSurface, contrastWithSurroundings } from "./contrast.js";
import { fittedSize, resize } from "./frame.js";
import { percentile } from "./order_statistics.js";
import { drawnParts, holdsMoreThanStrokes } from "./parts.js";

const LARGEST_SIDE = 400; // pixels in which a symbol is looked for
/** @type {Pair} */
const SYMBOL_FRAME = [LARGEST_SIDE, LARGEST_SIDE];
const NOISE = 4; // standard deviations of the ground that ink must stand out
const FAINTEST = 12; // of 255: what stands out less is no ink
const WEAK = 0.05; // of the strongest ink: where ink ends
const FEWEST = 6; // pixels: less is noise and no symbol,
const LEAST_SHARE = 2e-4; // as is a smaller share of all pixels

/** Tell ink from its ground; a large picture is made smaller first.
 * @type {(grid: Grid) => Ink | undefined} */
export function findInk(grid) {
  const { height, width } = grid;
  const isLarge = Math.max(height, width) > LARGEST_SIDE;
  const image = isLarge ? resize(grid, ...fittedSize([height, width], SYMBOL_FRAME)) : grid;
  const ink = inkIn(contrastWithSurface(image), image);
  if (ink && holdsMoreThanStrokes(ink.mask, image.width)) {
    return inkIn(contrastWithSurroundings(image), image) ?? ink; // not the edge of a shadow
  }
  return ink;
}

/** What stands out. @type {(contrast: Contrast, size: Grid) => Ink | undefined} */
function inkIn({ contrast, deviation }, { height, width }) {
  const noise = NOISE * deviation;
  const floor = Math.fround(Math.max(FAINTEST, noise));
  const standsOut = chosen(contrast, (place) => contrast[place] >= floor);
  if (!standsOut.length) return undefined;
  const peak = percentile(standsOut, 95);
  const mask = drawnParts(contrast, width, Math.max(WEAK * peak, noise), peak);
  const inked = chosen(contrast, (place) => mask[place]);
  if (inked.length < Math.max(FEWEST, LEAST_SHARE * mask.length)) return undefined;
  const high = percentile(inked, 95);
  const values = new Float32Array(contrast.length);
  for (let place = 0; place < values.length; place++) {
    if (mask[place]) values[place] = Math.min(1, contrast[place] / high);
  }
  return { strength: { values, channels: 1, height, width }, mask };
}

/** The numbers at some places.
 * @type {(values: Float32Array, isChosen: (place: number) => unknown) => Float32Array} */
function chosen(values, isChosen) {
  const kept = new Float32Array(values.length);
  let count = 0;
  for (let place = 0; place < values.length; place++) {
    if (isChosen(place)) kept[count++] = values[place];
  }
  return kept.subarray(0, count);
}
