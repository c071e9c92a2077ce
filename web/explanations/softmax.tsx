/** How scores become shares, with the temperature, and the line from which an answer is sure. */

import type { LookState } from "../lab/look_state.ts";
import { words } from "../words/look.ts";
import { nameOfClass } from "./names.ts";
import { digits, fixed, percent } from "./numbers.ts";
import { Panel, Press } from "./panel.tsx";

const WIDTH = 492;
const BAR = { x: 350, width: 80 };
const [EXPONENT, POWER, DIVISOR] = [84, 250, 256]; // where they stand
const DECIMALS = 5; // of exponents, so that a pocket calculator agrees in four digits of a power
const LARGEST = 1e6; // that is written out
const MOST_EXPONENT = 30; // beyond it, the largest score is taken away first: the shares stay
const [LEAST, MOST] = [0.25, 4]; // temperatures to try out

export function Softmax({ state }: { state: LookState }) {
  const { card } = state.network;
  const { logits } = state.result.value;
  const temperature = state.temperature.value;
  const own = fixed(card.calibration.temperature, DECIMALS);
  const shares = [...state.probabilities.value];
  const order = [...shares.keys()].sort((one, other) => shares[other]! - shares[one]!);
  const chosen = state.chosen.value.unit.index!;
  const first = order[0]!;
  const second = chosen === first ? order[1]! : chosen;
  const largest = Math.max(...logits);
  const isModerate = Math.abs(largest / temperature) < MOST_EXPONENT;
  const scores = Array.from(logits, (logit) => (isModerate ? logit : logit - largest));
  const powers = scores.map((score) => Math.exp(score / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const rows = [first, second].filter((index) => index !== undefined);
  const others = shares.length - rows.length;
  const rest = total - rows.reduce((sum, index) => sum + powers[index]!, 0);
  const { threshold } = card.calibration;
  const line = BAR.x + threshold * BAR.width;
  const row = (y: number, name: string, power: number, exponent?: string, isBold = false) => (
    <g key={name}>
      <text y={y} class={`t3 ${isBold ? "bold" : exponent ? "" : "m"}`}>
        {name}
      </text>
      {exponent && (
        <text x={EXPONENT} y={y} class="t3 m">
          e
          <tspan dy="-5" font-size="10">
            {exponent}
          </tspan>
        </text>
      )}
      <text x={POWER} y={y} class="t3 end">
        {written(power)}
      </text>
      <text x={DIVISOR} y={y} class="t2 m">
        ÷ {written(total)} =
      </text>
      <rect
        x={BAR.x}
        y={y - 11}
        width={Math.max(1.5, (BAR.width * power) / total)}
        height="14"
        rx="2"
        fill={isBold ? "var(--ink)" : "var(--ink-3)"}
      />
      <text x={WIDTH} y={y} class={`t3 end ${isBold ? "bold" : "m"}`}>
        {percent(power / total)}
      </text>
    </g>
  );
  return (
    <Panel width={WIDTH} title={words.value.softmax}>
      {rows.map((index, place) =>
        row(
          44 + 27 * place,
          nameOfClass(card, index),
          powers[index]!,
          `${fixed(scores[index]!, DECIMALS)} / ${fixed(temperature, DECIMALS)}`,
          index === first,
        ),
      )}
      {others > 0 && row(98, words.value.otherClasses(others), rest)}
      {threshold > 0 && (
        <>
          <path
            d={`M${line},24V108`}
            stroke="var(--ink)"
            stroke-width="1.5"
            stroke-dasharray="4 3"
          />
          <text x={line} y="124" class="t1 bold mid">
            {percent(threshold)}
          </text>
        </>
      )}
      {!isModerate && (
        <text y="124" class="t1 m">
          {words.value.lessLargest(fixed(largest, DECIMALS))}
        </text>
      )}
      <text y="144" class="t2 m">
        {words.value.temperature}
      </text>
      <foreignObject x="80" y="130" width="160" height="22">
        <input
          type="range"
          class="slider"
          aria-label={words.value.temperature}
          min={Math.log(LEAST)}
          max={Math.log(MOST)}
          step="0.01"
          value={Math.log(temperature)}
          onInput={(event) => {
            state.triedTemperature.value = Math.exp(Number(event.currentTarget.value));
          }}
        />
      </foreignObject>
      <text x="250" y="144" class="t2 bold">
        {fixed(temperature, DECIMALS)}
      </text>
      {state.triedTemperature.value !== null && (
        <Press
          label={words.value.ownTemperature(own)}
          onPress={() => {
            state.triedTemperature.value = null;
          }}
        >
          <text x="312" y="144" class="t2 link">
            {words.value.ownTemperature(own)}
          </text>
        </Press>
      )}
    </Panel>
  );
}

/** In four digits. */
function written(power: number): string {
  if (power < 0.001) return "< 0.001";
  if (power < LARGEST) return digits(Number(power.toPrecision(4)), power < 1 ? 2 : 4);
  const exponent = Math.floor(Math.log10(power));
  const raised = [...`${exponent}`].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");
  return `${fixed(power / 10 ** exponent, 3)} · 10${raised}`;
}
