/** Of many maps that a number sees: what each adds up to. One of them is shown square by square. */

import type { LookState } from "../lab/look_state.ts";
import { words } from "../words/look.ts";
import { type Equation, mostFirst } from "./equation.ts";
import { nameOfColumn } from "./names.ts";
import { decimalsFor, signed } from "./numbers.ts";
import { Panel, Press } from "./panel.tsx";

const WIDTH = 180;
const SHOWN = 6;
const PITCH = 19;
const ZERO = 92; // where bars begin
const LONGEST = 36;

export function MapsList({
  state,
  equation: { windows },
}: {
  state: LookState;
  equation: Equation;
}) {
  const { place } = state.columnOfChosen.value;
  const ordered = mostFirst(windows, ({ sum }) => sum);
  const shown = ordered.slice(0, SHOWN);
  const others = ordered.slice(SHOWN);
  const rest = others.reduce((total, { sum }) => total + sum, 0);
  const longest = Math.max(...shown.map(({ sum }) => Math.abs(sum)), Math.abs(rest)) || 1;
  const decimals = Math.min(4, decimalsFor(longest) + 1);
  const bar = (sum: number, y: number) => {
    const width = Math.max(1, (LONGEST * Math.abs(sum)) / longest);
    const sign = sum >= 0 ? "pos" : "neg";
    return (
      <>
        <rect
          x={sum >= 0 ? ZERO : ZERO - width}
          y={y - 8}
          width={width}
          height="10"
          rx="1.5"
          fill={`var(--${sign}-line)`}
        />
        <text x={WIDTH} y={y + 1} class={`t1 end ${sign}`}>
          {signed(sum, decimals)}
        </text>
      </>
    );
  };
  const chosen = state.window.value?.channel;
  return (
    <Panel width={WIDTH} title={words.value.maps(nameOfColumn(state, place - 1))}>
      {shown.map(({ channel, sum }, index) => {
        const y = 37 + index * PITCH;
        const name = words.value.map(channel + 1);
        return (
          <Press
            key={channel}
            label={name}
            onPress={() => {
              state.channel.value = channel;
            }}
          >
            <rect
              x="-4"
              y={y - 13}
              width={WIDTH + 8}
              height={PITCH - 1}
              rx="3"
              fill={channel === chosen ? "var(--sunken)" : "transparent"}
            />
            <text y={y + 1} class={`t2 ${channel === chosen ? "bold" : "link"}`}>
              {name}
            </text>
            {bar(sum, y)}
          </Press>
        );
      })}
      {others.length > 0 && (
        <>
          <text y={38 + SHOWN * PITCH} class="t1 m">
            {words.value.others(others.length)}
          </text>
          {bar(rest, 37 + SHOWN * PITCH)}
        </>
      )}
    </Panel>
  );
}
