/**
 * Drawn symbols as the makers of MNIST would have put them into their frames.
 * As `lenet/pictures/_symbol.py`.
 *
 * Source: LeCun, Bottou, Bengio and Haffner (1998), section III.A: a symbol is fitted into a box of
 * 20×20 pixels with its proportions kept, and its centre of mass comes to the middle of 28×28.
 */

import { distanceToEdge } from "./distance.js";
import { fittedSize, cropGrid, placeInFrame, rangeOf, resize, roundToEven } from "./frame.js";
import { dilateByDisk } from "./morphology.js";

const THINNEST = 1.35; // pixels of the box: thinner strokes
const THIN = 1.9; // get this width
const FINE = 4; // pixels for one of the box, where strokes are measured
const HALF_INK = 0.5;
const PER_PIXEL = 1000; // places are told apart; what is finer is rounding

/** Fit ink of 0 to 1 into a box, with its centre of mass in the middle of the frame.
 * @type {(strength: Grid, box: Box, preparation: Preparation) => Grid} */
export function fitSymbol(strength, box, { height, width, margin }) {
  const drawn = cropGrid(strength, box);
  const inner = fittedSize([drawn.height, drawn.width], [height - 2 * margin, width - 2 * margin]);
  const fitted = resize(thickEnough(drawn, inner), ...inner);
  const [, strongest] = rangeOf(fitted.values);
  fitted.values = fitted.values.map((value) => value / strongest);
  const { rows, columns } = massesOf(fitted);
  return placeInFrame(fitted, height, width, startOf(rows, height), startOf(columns, width), [0]);
}

/** How much ink there is in each row, and in each column.
 * @type {(grid: Grid) => {rows: Float64Array, columns: Float64Array}} */
function massesOf({ values, height, width }) {
  const rows = new Float64Array(height);
  const columns = new Float64Array(width);
  values.forEach((value, place) => {
    rows[Math.floor(place / width)] += value;
    columns[place % width] += value;
  });
  return { rows, columns };
}

/** Where rows, or columns, begin so that their centre of mass is in the middle of the room.
 * @type {(masses: Float64Array, room: number) => number} */
function startOf(masses, room) {
  let [total, moment] = [0, 0];
  masses.forEach((mass, place) => {
    total += mass;
    moment += mass * place;
  });
  const offset = roundToEven(PER_PIXEL * (Math.floor(room / 2) - moment / total));
  const start = roundToEven(offset / PER_PIXEL);
  return Math.max(0, Math.min(room - masses.length, start));
}

/** Make strokes thicker that would be too thin in the box; others are left as they are.
 * @type {(drawn: Grid, inner: Pair) => Grid} */
function thickEnough(drawn, inner) {
  const enlarged = resize(
    drawn,
    Math.max(drawn.height, FINE * inner[0]),
    Math.max(drawn.width, FINE * inner[1]),
  );
  const scale = Math.max(...inner) / Math.max(enlarged.height, enlarged.width);
  const width = strokeWidth(enlarged) * scale;
  if (width >= THINNEST) return drawn;
  const radius = Math.max(1, roundToEven((THIN - width) / 2 / scale));
  return dilateByDisk(surround(enlarged, radius), radius);
}

/** How wide strokes are, in the mean over their pixels. @type {(grid: Grid) => number} */
function strokeWidth(grid) {
  const { values, width } = surround(grid, 1);
  const stroke = new Uint8Array(values.length);
  for (let place = 0; place < values.length; place++)
    stroke[place] = Number(values[place] > HALF_INK);
  let [sum, count] = [0, 0];
  for (const distance of distanceToEdge(stroke, width)) {
    sum += distance;
    count += Number(distance > 0);
  }
  // Across a stroke, the distance to its edge is (width + 2) / 4 in the mean.
  return count ? (4 * sum) / count - 2 : 0;
}

/** A grid with a border of zeros. @type {(grid: Grid, border: number) => Grid} */
function surround(grid, border) {
  const [height, width] = [grid.height + 2 * border, grid.width + 2 * border];
  return placeInFrame(grid, height, width, border, border, [0]);
}
