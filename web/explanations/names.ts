/** What the numbers of a network are called. */

import type { LookState } from "../lab/look_state.ts";
import { fullName } from "../stage/columns.ts";
import { nameOfClass as nameInLanguage } from "../words/classes.ts";
import { words } from "../words/look.ts";
import { explain, mostFirst } from "./equation.ts";

/** The layer of a column, such as `0 Conv2d`. */
export function nameOfColumn({ structure, columns }: LookState, place: number): string {
  if (place === 0) return words.value.input;
  return fullName(structure[columns[place]!.main]!);
}

/** A number within its layer, counted from 1: `map 6, row 17, column 10`. */
export function placeName(
  { network: { card }, columns }: LookState,
  { stepIndex, unit }: Choice,
): string {
  const { mapPlace, pixelPlace, unit: nameOfUnit, scoreOf } = words.value;
  if (unit.index === undefined) {
    const [row, column] = [unit.row + 1, unit.column + 1];
    return stepIndex === 0 ? pixelPlace(row, column) : mapPlace(unit.channel + 1, row, column);
  }
  if (stepIndex !== columns.at(-1)!.front) return nameOfUnit(unit.index + 1);
  return scoreOf(nameOfClass(card, unit.index));
}

export function nameOfClass({ class_names: names, classes }: Card, index: number): string {
  return index < classes.length ? nameInLanguage(names[index]!) : words.value.none;
}

export function nameOfChoice(state: LookState, choice: Choice): string {
  const place = state.columns.findIndex(({ front }) => front === choice.stepIndex);
  return `${nameOfColumn(state, place)}${words.value.comma}${placeName(state, choice)}`;
}

/** What counts most, either way, for a number; none before a pixel. */
export function strongestInput(state: LookState, choice: Choice): Choice | null {
  const place = state.columns.findIndex(({ front }) => front === choice.stepIndex);
  if (place < 1) return null;
  const { terms } = explain(state.network, state.result.value, state.columns[place]!, choice.unit);
  const strongest = mostFirst(terms, ({ product }) => product)[0];
  return strongest ? { stepIndex: state.columns[place - 1]!.front, unit: strongest.unit } : null;
}

/** The number of a column that is reached from another one by what counts most each time. */
export function backTo(state: LookState, choice: Choice, place: number): Choice | null {
  let found: Choice | null = choice;
  while (found && found.stepIndex > state.columns[place]!.front)
    found = strongestInput(state, found);
  return found;
}

/** The number of a pooling layer that a number of a map goes into. */
export function usedBy(
  { structure, columns }: LookState,
  { stepIndex, unit }: Choice,
): Choice | null {
  const place = columns.findIndex(({ front }) => front === stepIndex);
  const next = columns[place + 1];
  const layer = next && structure[next.main]!.layer;
  if (!layer || layer.kind !== "pooling" || unit.index !== undefined) return null;
  const [row, column] = [
    Math.floor(unit.row / layer.stride[0]),
    Math.floor(unit.column / layer.stride[1]),
  ];
  if (
    row >= layer.shape[1]! ||
    column >= layer.shape[2]! ||
    layer.margins.some((margin) => margin > 0)
  )
    return null;
  return { stepIndex: next.front, unit: { channel: unit.channel, row, column } };
}
