/** All units of a layer, or all classes, each to be pressed. */

import { fixed, percent } from "../explanations/numbers.ts";
import type { LookState } from "../lab/look_state.ts";
import { classNames } from "../stage/answer.tsx";
import { colourOf, palette, signedScale } from "../stage/palette.ts";
import { words } from "../words/look.ts";

export const UNITS_IN_A_ROW = 12;

export function Units({
  state,
  step,
  place,
  chosen,
}: {
  state: LookState;
  step: Step;
  place: number;
  chosen: number;
}) {
  const colours = signedScale(palette.value, state.limits.value[place]!);
  const { front } = state.columns[place]!;
  return (
    <div class="units" style={{ gridTemplateColumns: `repeat(${UNITS_IN_A_ROW}, 1fr)` }}>
      {Array.from(step.values, (value, index) => (
        <button
          key={index}
          type="button"
          aria-label={`${words.value.unit(index + 1)}${words.value.colon}${fixed(value, 2)}`}
          aria-pressed={index === chosen}
          style={{ background: colourOf(value, colours).fill }}
          onClick={() => state.choose({ stepIndex: front, unit: { index } })}
        />
      ))}
    </div>
  );
}

export function Classes({ state }: { state: LookState }) {
  const names = classNames(state);
  const { front } = state.columns.at(-1)!;
  const { threshold } = state.network.card.calibration;
  const chosen = state.chosen.value.unit.index;
  return (
    <div class="classes">
      {names.map((name, index) => {
        const share = state.probabilities.value[index]!;
        return (
          <button
            key={index}
            type="button"
            aria-pressed={index === chosen}
            onClick={() => state.choose({ stepIndex: front, unit: { index } })}
          >
            <span>{name}</span>
            <span class="share">
              <i style={{ width: `${100 * share}%` }} />
              <u style={{ left: `${100 * threshold}%` }} />
            </span>
            <span>{share < 0.01 ? "< 1 %" : percent(share)}</span>
          </button>
        );
      })}
    </div>
  );
}
