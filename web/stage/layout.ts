/** Where everything stands on the stage, in units of its 1232 × 396 grid. No DOM. */

import { type Column, countOf, sidesOf } from "./columns.ts";

export const WIDTH = 1232;
export const HEIGHT = 396;
export const PAPER = { x: 0, y: 123, width: 146, height: 146 };

const TOP = 36; // of the field of tiles
const FIELD = 340; // its height
const MIDDLE = TOP + FIELD / 2;
const INPUT = { x: 170, side: 112 };
const BAR = { x: 1066, width: 110, height: 16 };
const ONE_COLUMN = 8; // maps; more stand like bricks, in two
const MAP_SIDE = 50; // at most
const POOLED_SIDE = 0.68; // of the maps before
const BRICK_SIDE = 0.78; // of what a brick takes; the rest is free for lines
const UNIT_PITCH = 8.5;
const UNITS_IN_A_ROW = 3; // at least
const MOST_UNITS_HIGH = 40;
const MOST_UNITS_WIDE = 16;
const SCORE_PITCH = 34;
const SCORE_SIDE = 18;
const HEADINGS_APART = 9;
const KERNEL_SIDE = 20;
const KERNEL_FROM_MAP = 29; // from its middle
const KERNEL_SPREAD = 0.76; // of the maps'; of many, more
const MOST_KERNELS = 16;

export type Box = { x: number; y: number; width: number; height: number };

export type ColumnLayout = {
  column: Column;
  kind: "input" | "maps" | "units" | "scores";
  /** One for each map or unit. */
  tiles: Box[];
  /** All of them. */
  box: Box;
  /** Rows and columns of numbers in a tile. */
  rows: number;
  columns: number;
  /** By how much the copy behind stands out. */
  shift: number;
};

export type Layout = {
  columns: ColumnLayout[];
  /** The first layer's weights, each on the line that it belongs to; none where there are too many. */
  kernels: Box[];
  /** Of each class. */
  bars: Box[];
  /** Where its name stands. */
  names: { x: number; anchor: "middle" | "start" };
};

/** Lay out the columns of a network, whose widest class name takes `nameWidth`, below headings of
 * some widths. */
export function layOut(
  steps: Step[],
  columns: Column[],
  nameWidth: number,
  headings: number[],
): Layout {
  const isLong = nameWidth > 22;
  const scoresX = isLong ? BAR.x - nameWidth - SCORE_SIDE - 20 : 1016;
  const inner = columns.slice(1, -1).map((column) => tilesOf(steps, column));
  const scores = scoreTiles(countOf(steps[columns.at(-1)!.front]!), scoresX);
  const kinds = columns.map(({ main }) => steps[main]!.kind);
  const weights = kinds.slice(1).map((kind, index) => gapWeight(kind, index === 0));
  const start = INPUT.x + INPUT.side;
  const taken = inner.reduce((sum, { width, shift }) => sum + width + shift / 2, 0);
  const free = (scoresX - start - taken) / weights.reduce((sum, weight) => sum + weight, 0);
  const gaps = weights.map((weight) => free * weight);
  makeRoom(
    gaps,
    inner.map(({ width }) => width),
    headings.slice(1, -1),
  );
  const placed: ColumnLayout[] = [inputLayout(steps, columns[0]!)];
  let x = start;
  for (const [index, { tiles, width, shift, kind }] of inner.entries()) {
    x += gaps[index]!;
    const column = columns[index + 1]!;
    const [rows, wide] = sidesOf(steps[column.front]!);
    const moved = tiles.map((tile) => ({ ...tile, x: tile.x + x }));
    placed.push({ column, kind, tiles: moved, box: boxRound(moved), rows, columns: wide, shift });
    x += width + shift / 2;
  }
  const last = { column: columns.at(-1)!, tiles: scores, box: boxRound(scores), shift: 0 };
  placed.push({ ...last, kind: "scores", rows: 1, columns: 1 });
  return {
    columns: placed,
    kernels: kernelTiles(steps, placed),
    bars: scores.map(({ y, height }) => {
      const high = Math.min(BAR.height, height);
      return { ...BAR, height: high, y: y + (height - high) / 2 };
    }),
    names: isLong
      ? { x: scoresX + SCORE_SIDE + 10, anchor: "start" }
      : { x: 1052, anchor: "middle" },
  };
}

/** Widen gaps where headings would touch, at the cost of those that have room. */
function makeRoom(gaps: number[], widths: number[], headings: number[]) {
  const missing = gaps.map((gap, index) => {
    if (index === 0 || index >= widths.length) return 0;
    const between = gap + (widths[index - 1]! + widths[index]!) / 2;
    return Math.max(0, (headings[index - 1]! + headings[index]!) / 2 + HEADINGS_APART - between);
  });
  const total = missing.reduce((sum, one) => sum + one, 0);
  const givers = missing.filter((one) => one === 0).length;
  gaps.forEach((gap, index) => {
    gaps[index] = gap + (missing[index]! || -Math.min(total / givers, gap / 3));
  });
}

/** How much room is left before a layer. */
function gapWeight(kind: string, isFirst: boolean): number {
  if (isFirst) return 1.2; // its kernels stand there
  if (kind.endsWith("pooling") || kind === "subsampling") return 0.95;
  return kind === "convolution" ? 1.05 : 1;
}

type Tiles = { kind: "maps" | "units"; tiles: Box[]; width: number; shift: number };

/** The tiles of a layer, from x = 0. */
function tilesOf(steps: Step[], column: Column): Tiles {
  const step = steps[column.front]!;
  const count = countOf(step);
  if (step.shape.length === 1) return { kind: "units", ...unitTiles(count), shift: 0 };
  const isPooled = /pooling|subsampling/.test(steps[column.main]!.kind);
  const share = isPooled ? POOLED_SIDE : 1;
  const { centres, across, side } = count <= ONE_COLUMN ? oneColumn(count) : bricks(count);
  const [rows, columns] = sidesOf(step);
  const [width, height] = [
    (share * side * columns) / Math.max(rows, columns),
    (share * side * rows) / Math.max(rows, columns),
  ];
  const gap = Math.max(2.5, 0.25 * width);
  const tiles = centres.map((centre, index) => ({
    x: (index % across) * (width + gap),
    y: centre - height / 2,
    width,
    height,
  }));
  const shift = column.activation === undefined ? 0 : Math.min(5, 0.12 * side);
  return { kind: "maps", tiles, width: across * (width + gap) - gap, shift };
}

/** Maps below each other. */
function oneColumn(count: number) {
  const side = Math.min(MAP_SIDE, (FIELD + 8) / count - 8);
  const pitch = count > 1 ? Math.min(90, (FIELD - side) / (count - 1)) : 0;
  const centres = Array.from({ length: count }, (_, i) => MIDDLE + (i - (count - 1) / 2) * pitch);
  return { centres, across: 1, side };
}

/** Maps in two columns, the second half a map lower, so that each has a free edge on both sides. */
function bricks(count: number) {
  const rows = Math.ceil(count / 2);
  const pitch = Math.min(58, FIELD / (rows - 0.5 + BRICK_SIDE));
  const side = BRICK_SIDE * pitch;
  const first = MIDDLE - ((rows - 0.5) * pitch) / 2;
  const centres = Array.from({ length: count }, (_, i) => first + (i / 2) * pitch);
  return { centres, across: 2, side };
}

function unitTiles(count: number) {
  const across = Math.min(
    MOST_UNITS_WIDE,
    Math.max(UNITS_IN_A_ROW, Math.ceil(count / MOST_UNITS_HIGH)),
    count,
  );
  const rows = Math.ceil(count / across);
  const pitch = Math.min(UNIT_PITCH, FIELD / rows);
  const side = pitch * (1 - 1 / UNIT_PITCH);
  const tiles = Array.from({ length: count }, (_, index) => ({
    x: (index % across) * pitch,
    y: MIDDLE - (rows * pitch) / 2 + Math.floor(index / across) * pitch,
    width: side,
    height: side,
  }));
  return { tiles, width: across * pitch };
}

function scoreTiles(count: number, x: number): Box[] {
  const pitch = Math.min(SCORE_PITCH, FIELD / count);
  const side = Math.min(SCORE_SIDE, 0.8 * pitch);
  return Array.from({ length: count }, (_, index) => ({
    x: x + SCORE_SIDE - side,
    y: MIDDLE + (index - (count - 1) / 2) * pitch - side / 2 + 2,
    width: side,
    height: side,
  }));
}

function inputLayout(steps: Step[], column: Column): ColumnLayout {
  const [rows, columns] = sidesOf(steps[0]!);
  const scale = INPUT.side / Math.max(rows, columns);
  const [width, height] = [scale * columns, scale * rows];
  const tile = { x: INPUT.x + INPUT.side - width, y: MIDDLE + 2 - height / 2, width, height };
  return { column, kind: "input", tiles: [tile], box: tile, rows, columns, shift: 0 };
}

/** The first layer's kernels, or a few units' weights, in a column of their own. */
function kernelTiles(steps: Step[], [, first]: ColumnLayout[]): Box[] {
  const { kind } = steps[first!.column.main]!;
  const { tiles, box } = first!;
  const isDense = kind === "dense";
  if ((kind !== "convolution" && !isDense) || tiles.length > MOST_KERNELS) return [];
  const spread = tiles.length > ONE_COLUMN && !isDense ? 0.9 : KERNEL_SPREAD;
  const middles = tiles.map(({ y, height }) => MIDDLE + spread * (y + height / 2 - MIDDLE));
  const pitch = tiles.length > 1 ? (middles.at(-1)! - middles[0]!) / (tiles.length - 1) : FIELD;
  const side = Math.min(isDense ? 28 : KERNEL_SIDE, Math.max(0.72 * pitch, pitch - 4));
  const x = box.x - (isDense ? 60 : KERNEL_FROM_MAP);
  return middles.map((y) => ({ x: x - side / 2, y: y - side / 2, width: side, height: side }));
}

export type Line = { from: [number, number]; to: [number, number] };

/** From a tile to one of the next column; lines leave the input beside each other. */
export function lineInto(
  before: ColumnLayout,
  after: ColumnLayout,
  from: number,
  to: number,
): Line {
  const [source, target] = [before.tiles[from]!, after.tiles[to]!];
  const count = after.tiles.length;
  const spread = Math.min(9, (0.9 * source.height) / count);
  const port =
    before.kind === "input" && after.kind !== "units" ? (to - (count - 1) / 2) * spread : 0;
  return {
    from: [source.x + source.width, source.y + source.height / 2 + port],
    to: [target.x, target.y + target.height / 2],
  };
}

/** A cubic curve with horizontal ends; below a kernel it goes through that one's middle. */
export function curveOf({ from: [x, y], to: [endX, endY] }: Line, kernel?: Box): string {
  if (kernel) {
    const at = kernel.y + kernel.height / 2;
    const [left, right] = [kernel.x, kernel.x + kernel.width];
    return `M${x},${y}${bend(x, y, left, at)}H${right}${bend(right, at, endX, endY)}`;
  }
  return `M${x},${y}${bend(x, y, endX, endY)}`;
}

function bend(x: number, y: number, endX: number, endY: number): string {
  const middle = (x + endX) / 2;
  return `C${middle},${y} ${middle},${endY} ${endX},${endY}`;
}

function boxRound(tiles: Box[]): Box {
  const x = Math.min(...tiles.map((tile) => tile.x));
  const y = Math.min(...tiles.map((tile) => tile.y));
  const right = Math.max(...tiles.map((tile) => tile.x + tile.width));
  const bottom = Math.max(...tiles.map((tile) => tile.y + tile.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** The number of a tile at a point. */
export function unitAt(layout: ColumnLayout, tile: number, x: number, y: number): Unit {
  if (layout.kind === "units" || layout.kind === "scores") return { index: tile };
  const { x: left, y: top, width, height } = layout.tiles[tile]!;
  const inside = (share: number, count: number) =>
    Math.min(count - 1, Math.max(0, Math.floor(share * count)));
  return {
    channel: tile,
    row: inside((y - top) / height, layout.rows),
    column: inside((x - left) / width, layout.columns),
  };
}

/** The tile at a point; none in the gaps. */
export function tileAt({ tiles }: ColumnLayout, x: number, y: number): number {
  return tiles.findIndex(
    (tile) => x >= tile.x && y >= tile.y && x <= tile.x + tile.width && y <= tile.y + tile.height,
  );
}

/** Where a number stands. */
export function boxOfUnit(layout: ColumnLayout, unit: Unit): Box {
  if (unit.index !== undefined) return layout.tiles[unit.index]!;
  const { channel, row, column } = unit;
  return boxOfArea(layout, channel, { top: row, left: column, bottom: row + 1, right: column + 1 });
}

/** Where a part of a map stands; an image's channels stand on one another. */
export function boxOfArea(layout: ColumnLayout, tile: number, area: Area): Box {
  const { x, y, width, height } = layout.tiles[layout.kind === "input" ? 0 : tile]!;
  const [wide, high] = [width / layout.columns, height / layout.rows];
  return {
    x: x + area.left * wide,
    y: y + area.top * high,
    width: (area.right - area.left) * wide,
    height: (area.bottom - area.top) * high,
  };
}
