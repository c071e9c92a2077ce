/** The columns of the stage: the layers of a network, each with what belongs to it. */

import { titleOfLayer } from "../../src/lenet/playground/layer_titles.js";

/** Places in the list of steps; step 0 is the input. */
export type Column = {
  /** The layer whose name the column has. */
  main: number;
  /** The batch norm after it: a line of its equation. */
  norm?: number;
  /** The activation after it: a copy that recedes behind the tiles. */
  activation?: number;
  /** What the tiles show: the numbers before the activation. */
  front: number;
  /** What the next column takes. */
  out: number;
};

/** Group steps into columns: batch norm and activation belong to the layer before them. */
export function columnsOf(steps: Step[]): Column[] {
  const columns: Column[] = [{ main: 0, front: 0, out: 0 }];
  for (const [index, { kind }] of steps.entries()) {
    const last = columns.at(-1)!;
    if (index === 0) continue;
    if (kind === "batch_norm" && last.main > 0 && last.out === last.main) {
      Object.assign(last, { norm: index, front: index, out: index });
    } else if (kind === "activation" && last.main > 0 && last.activation === undefined) {
      Object.assign(last, { activation: index, out: index });
    } else {
      columns.push({ main: index, front: index, out: index });
    }
  }
  return columns;
}

/** The number and the class of a layer, as `lenet inspect` has them: `2` and `Conv2d`; LeNet-5's
 * layers have names of their own, which their titles begin with. */
export function nameOfStep(step: Step): { name: string; title: string } {
  return { name: /^[\d.]+$/.test(step.name) ? step.name : "", title: step.layer ? titleOfLayer(step.name, step.layer) : "Input" };
}

export function fullName(step: Step): string {
  const { name, title } = nameOfStep(step);
  return `${name} ${title}`.trim();
}

/** How many maps or units a step has. */
export const countOf = ({ shape }: Step): number => shape[0]!;

/** Rows and columns of each of its maps; 1 × 1 for units. */
export const sidesOf = ({ shape: [, rows = 1, columns = 1] }: Step): [number, number] => [
  rows,
  columns,
];

/** A number's place among all of its step. */
export function placeOfUnit({ shape }: Step, unit: Unit): number {
  if (unit.index !== undefined) return unit.index;
  const [, rows = 1, columns = 1] = shape;
  return (unit.channel * rows + unit.row) * columns + unit.column;
}

export const sameUnit = (one: Unit, other: Unit): boolean =>
  one.index === other.index &&
  one.channel === other.channel &&
  one.row === other.row &&
  one.column === other.column;

/** Where the number stands that is farthest from 0. */
export function largestPlace(values: Float32Array): number {
  let best = 0;
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]!) > Math.abs(values[best]!)) best = i;
  }
  return best;
}

/** The number beside another one, some rows down and columns across; at the edge, that one itself.
 * Units stand in rows of `inARow`. */
export function neighbourOf(step: Step, inARow: number, unit: Unit, [down, across]: Move): Unit {
  const within = (at: number, count: number) => Math.min(count - 1, Math.max(0, at));
  if (unit.index !== undefined) {
    return { index: within(unit.index + down * inARow + across, countOf(step)) };
  }
  const [rows, columns] = sidesOf(step);
  const [row, column] = [within(unit.row + down, rows), within(unit.column + across, columns)];
  return { ...unit, row, column };
}

export type Move = readonly [down: number, across: number];
