/** What the keyboard reaches on the stage: one tab stop a map, or for all units of a layer. */

import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { nameOfChoice, nameOfColumn } from "../explanations/names.ts";
import type { LookState } from "../lab/look_state.ts";
import { words } from "../words/look.ts";
import { type Move, largestPlace, neighbourOf, placeOfUnit } from "./columns.ts";
import type { Box, ColumnLayout, Layout } from "./layout.ts";

const MOVES: Record<string, Move> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

export function Targets({ state, layout }: { state: LookState; layout: Layout }) {
  return (
    <g>
      {layout.columns.map((column, place) =>
        column.kind === "maps" || column.kind === "input" ? (
          column.tiles.map((box, tile) => (
            <Target
              key={`${place} ${tile}`}
              state={state}
              place={place}
              column={column}
              tile={tile}
              box={box}
            />
          ))
        ) : (
          <Target
            key={place}
            state={state}
            place={place}
            column={column}
            tile={-1}
            box={column.box}
          />
        ),
      )}
    </g>
  );
}

type Props = { state: LookState; place: number; column: ColumnLayout; tile: number; box: Box };

/** A map, or all units where `tile` is −1. */
function Target({ state, place, column, tile, box }: Props) {
  const cursor = useRef<Unit | null>(null);
  const stepIndex = column.column.front;
  const isMap = tile >= 0;
  const inARow = column.tiles.filter(({ y }) => y === column.tiles[0]!.y).length;

  const start = (): Unit => {
    const step = state.result.value.steps[stepIndex]!;
    if (!isMap) return { index: largestPlace(step.values) };
    const area = column.rows * column.columns;
    const first = placeOfUnit(step, { channel: tile, row: 0, column: 0 });
    const at = largestPlace(step.values.subarray(first, first + area));
    return { channel: tile, row: Math.floor(at / column.columns), column: at % column.columns };
  };
  const point = (unit: Unit) => {
    cursor.current = unit;
    state.pointed.value = { stepIndex, unit };
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const unit = cursor.current ?? start();
    const move = MOVES[event.key];
    if (move) point(neighbourOf(state.structure[stepIndex]!, inARow, unit, move));
    else if (event.key === "Enter" || event.key === " ") state.choose({ stepIndex, unit });
    else return;
    event.preventDefault();
  };

  const label = useComputed(() => {
    const pointed = state.pointed.value;
    const isHere = pointed?.stepIndex === stepIndex && (!isMap || pointed.unit.channel === tile);
    if (isHere) return nameOfChoice(state, pointed);
    const layer = nameOfColumn(state, place);
    return isMap && place > 0 ? `${layer}${words.value.comma}${words.value.map(tile + 1)}` : layer;
  });
  return (
    <rect
      class="target"
      {...box}
      tabIndex={0}
      role="button"
      aria-label={label}
      onFocus={(event) => {
        if ((event.target as Element).matches(":focus-visible")) point(cursor.current ?? start());
      }}
      onBlur={() => {
        state.pointed.value = null;
      }}
      onKeyDown={onKeyDown}
    />
  );
}
