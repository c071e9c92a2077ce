/**
 * Where the feature maps or units of a layer lie on its canvas, in pixels of the page.
 */

const GAP = 4; // between maps
const EDGE = 2; // round all of them, for frames
const UNIT_SIDE = 18; // of a number that is no part of a map
const FITTING_SHARE = 0.75; // maps are made as much smaller if they fit into one line then
const LABELLED_SIDE = 26; // of one with a name below it
const LABEL_HEIGHT = 18;
export const LABEL_FONT = "12px system-ui, sans-serif";

/** Lay a layer out, with names of its units, where it has any, and how wide a name is.
 * @type {(shape: Shape, outerWidth: number, labels: string[],
 *   measure: (label: string) => number) => Layout} */
export function layOut(shape, outerWidth, labels, measure) {
  const available = outerWidth - 2 * EDGE;
  const [count, rows = 1, columns = 1] = shape;
  if (rows === 1 && columns === 1) {
    const cell = labels.length ? LABELLED_SIDE : UNIT_SIDE;
    const labelWidth = Math.max(0, ...labels.map(measure));
    const tileWidth = Math.max(cell, Math.ceil(labelWidth) + GAP) + GAP;
    const tileHeight = cell + GAP + (labels.length ? LABEL_HEIGHT : 0);
    return inLines({ count, rows, columns, cell, tileWidth, tileHeight, labels }, available);
  }
  const side = Math.max(rows, columns);
  const least = Math.max(1, Math.round((28 + 2 * side) / side));
  const inOneLine = (available / Math.min(count, 16) - GAP) / columns;
  const wanted = inOneLine < FITTING_SHARE * least ? least : Math.min(inOneLine, 2 * least);
  const cell = onPixels(Math.min(wanted, available / columns));
  const tiles = { tileWidth: columns * cell + GAP, tileHeight: rows * cell + GAP };
  return inLines({ count, rows, columns, cell, ...tiles, labels: [] }, available);
}

/** A length that is a whole number of the screen's own pixels.
 * @type {(length: number) => number} */
function onPixels(length) {
  return Math.max(1, Math.floor(length * devicePixelRatio)) / devicePixelRatio;
}

/** @type {(layout: Tiles, available: number) => Layout} */
function inLines(layout, available) {
  const { count, tileWidth, tileHeight } = layout;
  const perLine = Math.max(1, Math.min(count, Math.floor((available + GAP) / tileWidth)));
  const lines = Math.ceil(count / perLine);
  return {
    ...layout,
    perLine,
    width: perLine * tileWidth - GAP + 2 * EDGE,
    height: lines * tileHeight - GAP + 2 * EDGE,
  };
}

/** Where the first number of a map or unit lies. @type {(layout: Layout, map: number) => Pair} */
export function cornerOf({ perLine, tileWidth, tileHeight, cell, columns }, map) {
  const inset = (tileWidth - GAP - cell * columns) / 2; // units in the middle above their labels
  const top = EDGE + Math.floor(map / perLine) * tileHeight;
  return [EDGE + (map % perLine) * tileWidth + inset, top];
}

/** The number at a point; none in the gaps.
 * @type {(layout: Layout, shape: Shape, x: number, y: number) => Unit | null} */
export function unitAt(layout, shape, x, y) {
  const { perLine, tileWidth, tileHeight, count, cell, rows, columns } = layout;
  const across = Math.floor((x - EDGE) / tileWidth);
  const map = Math.floor((y - EDGE) / tileHeight) * perLine + across;
  if (x < EDGE || y < EDGE || across >= perLine || map >= count) return null;
  const [left, top] = cornerOf(layout, map);
  const [row, column] = [Math.floor((y - top) / cell), Math.floor((x - left) / cell)];
  if (row < 0 || column < 0 || row >= rows || column >= columns) return null;
  return shape.length === 1 ? { index: map } : { channel: map, row, column };
}

/** The number beside another one, in the direction of a key; none at the edge.
 * @type {(layout: Layout, shape: Shape, unit: Unit, key: string) => Unit | null} */
export function neighbourOf(layout, shape, unit, key) {
  const [across, down, maps] = DIRECTIONS[key];
  if (unit.index !== undefined) {
    const index = unit.index + across + maps * 10 + down * layout.perLine;
    return index >= 0 && index < shape[0] ? { index } : null;
  }
  const [channels, rows, columns] = shape;
  const channel = unit.channel + maps;
  const [row, column] = [unit.row + down, unit.column + across];
  const isInside = row >= 0 && column >= 0 && row < rows && column < columns;
  return isInside && channel >= 0 && channel < channels ? { channel, row, column } : null;
}

/** What each key does: steps across, down, and from map to map.
 * @type {Record<string, [number, number, number]>} */
export const DIRECTIONS = {
  ArrowLeft: [-1, 0, 0],
  ArrowRight: [1, 0, 0],
  ArrowUp: [0, -1, 0],
  ArrowDown: [0, 1, 0],
  PageUp: [0, 0, -1],
  PageDown: [0, 0, 1],
};
