/** The answer: a bar for each class, and the line from which it is sure enough. */

import { percent } from "../explanations/numbers.ts";
import type { LookState } from "../lab/look_state.ts";
import { nameOfClass } from "../words/classes.ts";
import { words } from "../words/look.ts";
import { type Layout, WIDTH } from "./layout.ts";

/** The classes' names, that of none of them last where there is one. */
export function classNames({ network: { card } }: LookState): string[] {
  return card.class_names.map((name, index) =>
    index < card.classes.length ? nameOfClass(name) : words.value.none,
  );
}

type AnswerProps = { state: LookState; layout: Layout; names: string[] };

export function Answer({ state, layout: { bars, names: place }, names }: AnswerProps) {
  const { isBlank } = state.seen.value;
  const shares = state.probabilities.value;
  const best = shares.indexOf(Math.max(...shares));
  const { threshold } = state.network.card.calibration;
  const line = bars[0]!.x + threshold * bars[0]!.width;
  return (
    <g>
      {bars.map(({ x, y, width, height }, index) => {
        const share = isBlank ? 0 : shares[index]!;
        const isBest = !isBlank && index === best;
        const isNone = place.anchor === "middle" && index >= state.network.card.classes.length;
        const size = place.anchor === "start" ? "t2" : isNone ? "t0 end" : "t4 mid";
        const baseline = y + height / 2 + (size === "t4 mid" ? 5.5 : 4);
        return (
          <g key={index}>
            <text
              x={isNone ? x - 3 : place.x}
              y={baseline}
              class={`${size} ${isBest ? "bold" : "m"}`}
            >
              {isNone ? words.value.noneShort : names[index]}
            </text>
            <rect x={x} y={y} width={width} height={height} rx="2" fill="var(--sunken)" />
            {share >= 0.002 && (
              <rect
                x={x}
                y={y}
                width={Math.max(1.5, share * width)}
                height={height}
                rx="2"
                fill={isBest ? "var(--ink)" : "var(--ink-3)"}
              />
            )}
            <text
              x={WIDTH}
              y={y + height / 2 + 4.5}
              class={`t2 end ${share >= 0.1 ? "bold" : "m"}`}
            >
              {isBlank ? "–" : share < 0.01 ? "< 1 %" : percent(share)}
            </text>
          </g>
        );
      })}
      {threshold > 0 && (
        <>
          <path
            d={`M${line},36V378`}
            stroke="var(--ink)"
            stroke-width="1.5"
            stroke-dasharray="4 3"
          />
          <text x={line + 4} y="392" class="t1 bold mid">
            {percent(threshold)}
          </text>
          <text x={line - 24} y="392" class="t1 m end">
            {words.value.sureFrom}
          </text>
        </>
      )}
    </g>
  );
}
