/** The stage: the whole network in one view, from the paper to the answer. */

import { useMemo, useRef } from "preact/hooks";
import type { LookState } from "../lab/look_state.ts";
import { words } from "../words/look.ts";
import { Answer, classNames } from "./answer.tsx";
import { Beam } from "./beam.tsx";
import { fullName, sameUnit } from "./columns.ts";
import { Headings, widthOf } from "./headings.tsx";
import { HEIGHT, type Layout, PAPER, WIDTH, layOut, tileAt, unitAt } from "./layout.ts";
import { FlowLines } from "./lines.tsx";
import { LookPaper } from "./look_paper.tsx";
import { Targets } from "./targets.tsx";
import { Tiles } from "./tiles.tsx";
import { Tools } from "./tools.tsx";
import "./stage.css";

export function Stage({ state }: { state: LookState }) {
  const root = useRef<HTMLDivElement>(null);
  const names = classNames(state);
  const nameWidth = Math.max(...names.slice(0, state.network.card.classes.length).map(widthOf));
  const layout = useMemo(() => {
    const headings = state.columns.map(({ main }) => widthOf(fullName(state.structure[main]!)));
    return layOut(state.structure, state.columns, nameWidth, headings);
  }, [state, nameWidth]);

  const choiceAt = (event: PointerEvent): Choice | null => {
    const { left, top, width } = root.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top].map(
      (at) => (at * WIDTH) / width,
    ) as [number, number];
    for (const column of layout.columns) {
      const tile = tileAt(column, x, y);
      if (tile >= 0) return { stepIndex: column.column.front, unit: unitAt(column, tile, x, y) };
    }
    const row = layout.bars.findIndex(
      (bar) => x >= 1000 && y >= bar.y - 4 && y <= bar.y + bar.height + 4,
    );
    return row < 0 ? null : { stepIndex: state.columns.at(-1)!.front, unit: { index: row } };
  };

  return (
    <div
      class="stage"
      ref={root}
      role="group"
      aria-label={words.value.stage}
      onPointerMove={(event) => {
        if (event.pointerType === "mouse") state.pointed.value = choiceAt(event);
      }}
      onPointerLeave={() => {
        state.pointed.value = null;
      }}
      onClick={(event) => {
        const choice = choiceAt(event as unknown as PointerEvent);
        if (choice) state.choose(choice);
      }}
    >
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        <FlowLines state={state} layout={layout} />
        <CutOut state={state} layout={layout} />
      </svg>
      <Tiles state={state} layout={layout} />
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
        <Headings state={state} layout={layout} />
        <Answer state={state} layout={layout} names={names} />
        <Chosen state={state} layout={layout} />
        <Targets state={state} layout={layout} />
      </svg>
      <div class="paper-place" onClick={(event) => event.stopPropagation()}>
        <LookPaper state={state} />
      </div>
      <Tools state={state} />
    </div>
  );
}

/** From the part of the paper that is seen to the input. */
function CutOut({ state, layout }: { state: LookState; layout: Layout }) {
  const {
    box: [top, left, bottom, right],
    isBlank,
  } = state.seen.value;
  const input = layout.columns[0]!.box;
  if (isBlank || state.example.value) return null;
  const at = (x: number, y: number) => `${PAPER.x + x * PAPER.width},${PAPER.y + y * PAPER.height}`;
  return (
    <path
      class="axis"
      stroke-dasharray="3 3"
      opacity=".8"
      d={`M${at(right, top)}L${input.x},${input.y}M${at(right, bottom)}L${input.x},${input.y + input.height}M${at(left, top)}`}
    />
  );
}

function Chosen({ state, layout }: { state: LookState; layout: Layout }) {
  const chosen = state.chosen.value;
  const pointed = state.pointed.value;
  const isSame = pointed?.stepIndex === chosen.stepIndex && sameUnit(pointed.unit, chosen.unit);
  return (
    <g>
      {!state.isIdle.value && <Beam state={state} layout={layout} choice={chosen} />}
      {pointed && !isSame && <Beam state={state} layout={layout} choice={pointed} isPreview />}
    </g>
  );
}
