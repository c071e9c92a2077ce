/** What stands above and below the columns of the stage. */

import type { LookState } from "../lab/look_state.ts";
import { words } from "../words/look.ts";
import { countOf, fullName, nameOfStep } from "./columns.ts";
import { type ColumnLayout, HEIGHT, type Layout, PAPER } from "./layout.ts";

const LETTER = 6.7; // how wide one is, about
const FULL_WIDTH = 12.5; // of a Chinese character

/** How wide a text is, about. */
export const widthOf = (name: string): number =>
  [...name].reduce((sum, sign) => sum + (sign > "⺀" ? FULL_WIDTH : LETTER), 0);

export function Headings({ state, layout }: { state: LookState; layout: Layout }) {
  const { structure } = state;
  const middles = layout.columns.map(({ box }) => box.x + box.width / 2);
  return (
    <g>
      <text x={PAPER.width / 2} y="12" class="t2 mid bold">
        {words.value.paper}
      </text>
      <Heading x={middles[0]!} title={words.value.input} shape={structure[0]!.shape.join(" × ")} />
      {layout.columns.slice(1, -1).map((column, index) => (
        <LayerHeading
          key={column.column.main}
          state={state}
          column={column}
          x={middles[index + 1]!}
          room={middles[index + 2]! - middles[index]!}
        />
      ))}
      <ScoreHeading state={state} column={layout.columns.at(-1)!} />
    </g>
  );
}

type HeadingProps = { x: number; name?: string; title: string; shape: string };

function Heading({ x, name = "", title, shape }: HeadingProps) {
  return (
    <>
      <text x={x} y="12" class="t2 mid">
        <tspan class="m">{name}</tspan> <tspan class="bold">{title}</tspan>
      </text>
      <text x={x} y="27" class="t1 m mid">
        {shape}
      </text>
    </>
  );
}

type LayerHeadingProps = { state: LookState; column: ColumnLayout; x: number; room: number };

function LayerHeading({ state, column: { column, kind }, x, room }: LayerHeadingProps) {
  const step = state.structure[column.front]!;
  const { name, title } = nameOfStep(state.structure[column.main]!);
  const full = `${name} ${title}`.trim();
  const [isNarrow, hasName] = [widthOf(full) > room / 2 + 26, name !== ""];
  const activation =
    column.activation === undefined ? "" : fullName(state.structure[column.activation]!);
  const behind = words.value.behind(state.activationsInFront.value ? full : activation);
  const turn = () => {
    state.activationsInFront.value = !state.activationsInFront.value;
  };
  return (
    <g class={activation && kind === "maps" ? "turns" : ""} onClick={activation ? turn : undefined}>
      <title>{activation ? `${full}. ${words.value.showBehind}` : full}</title>
      <Heading
        x={x}
        name={name}
        title={!isNarrow ? title : hasName ? "" : title.split(" ")[0]!}
        shape={step.shape.join(" × ")}
      />
      {activation && kind === "maps" && widthOf(behind) < room / 2 + 26 && (
        <text x={x} y={HEIGHT - 4} class="t1 m mid">
          {behind}
        </text>
      )}
    </g>
  );
}

type ScoreHeadingProps = { state: LookState; column: ColumnLayout };

function ScoreHeading({ state, column: { column, box } }: ScoreHeadingProps) {
  const { name, title } = nameOfStep(state.structure[column.main]!);
  return (
    <>
      <text x={box.x - 4} y="12" class="t2">
        <tspan class="m">{name}</tspan>{" "}
        <tspan class="bold">{words.value.softmaxTitle(title)}</tspan>
      </text>
      <text x={box.x - 4} y="27" class="t1 m">
        {countOf(state.structure[column.main]!)}
      </text>
    </>
  );
}
