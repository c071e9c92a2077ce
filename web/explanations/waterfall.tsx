/** A sum of many products, from left to right: the largest, all others together, the bias, the sum. */

import type { LookState } from "../lab/look_state.ts";
import { words } from "../words/look.ts";
import { type Equation, type Term, mostFirst } from "./equation.ts";
import { nameOfChoice, nameOfColumn } from "./names.ts";
import { decimalsFor, fixed, signed } from "./numbers.ts";
import { Panel, Press } from "./panel.tsx";

const WIDTH = 656;
const SHOWN = 9;
const [TOP, BOTTOM] = [24, 111]; // of the steps
const [HIGHEST_TEXT, LOWEST_TEXT] = [26, 119]; // between the title and the names
const LETTER = 8; // of the title, about
const [PITCH, BAR] = [54, 42];
const SUM_X = 604;

type StepOfSum = { x: number; from: number; to: number; label: string; term?: Term };

type Props = {
  state: LookState;
  equation: Equation;
  /** Whether the sum is the chosen number itself, and not yet to be normalised or activated. */
  isResult: boolean;
};

export function Waterfall({ state, equation, isResult }: Props) {
  const { place } = state.columnOfChosen.value;
  const { terms, bias, total, kind } = equation;
  const shown = mostFirst(terms, ({ product }) => product).slice(0, SHOWN);
  const rest =
    terms.reduce((sum, { product }) => sum + product, 0) -
    shown.reduce((sum, { product }) => sum + product, 0);
  const steps = stepsOf(
    shown,
    terms.length - shown.length,
    rest,
    kind === "dense" ? bias : undefined,
  );
  const levels = [0, total, ...steps.map(({ to }) => to)];
  const [low, high] = [Math.min(...levels), Math.max(...levels)];
  const yOf = (value: number) => BOTTOM - ((value - low) / (high - low || 1)) * (BOTTOM - TOP);
  const decimals = Math.min(3, Math.max(2, decimalsFor(high - low)));
  const layer = nameOfColumn(state, place - 1);
  const title =
    kind === "distances" ? words.value.unitsDistance(layer) : words.value.unitsAdd(layer);
  const isScore = place === state.columns.length - 1;
  return (
    <Panel width={WIDTH} title={title}>
      <path d={`M0,${yOf(0)}H${WIDTH}`} class="axis" />
      {steps.map(({ x, from, to, label, term }) => {
        const sign = to >= from ? "pos" : "neg";
        const top = Math.min(yOf(from), yOf(to));
        const height = Math.max(1.5, Math.abs(yOf(to) - yOf(from)));
        const isBelowTitle = top - 5 < HIGHEST_TEXT && x < title.length * LETTER;
        const isBelow = (sign === "neg" || isBelowTitle) && top + height + 12 < LOWEST_TEXT;
        const text = isBelow ? top + height + 12 : top - 5;
        const choice = term && { stepIndex: state.columns[place - 1]!.front, unit: term.unit };
        return (
          <g key={label}>
            <rect x={x} y={top} width={BAR} height={height} rx="1.5" fill={`var(--${sign}-line)`} />
            <path d={`M${x + BAR},${yOf(to)}h${PITCH - BAR}`} class="axis" />
            <text x={x + BAR / 2} y={text} class={`t1 mid ${sign}`}>
              {signed(to - from, Math.abs(to - from) < 0.01 ? 3 : decimals)}
            </text>
            {choice && term ? (
              <>
                <Press label={nameOfChoice(state, choice)} onPress={() => state.choose(choice)}>
                  <text x={x + BAR / 2} y="131" class="t2 mid bold link">
                    {label}
                  </text>
                </Press>
                <text x={x + BAR / 2} y="146" class="t1 m mid">
                  {fixed(term.value, decimals + 1)}
                </text>
                <text x={x + BAR / 2} y="159" class="t1 m mid">
                  {kind === "distances" ? "−" : "×"} {fixed(term.weight, decimals + 1)}
                </text>
              </>
            ) : (
              <text x={x + BAR / 2} y="131" class="t1 m mid">
                {label}
              </text>
            )}
          </g>
        );
      })}
      <rect
        x={SUM_X}
        y={Math.min(yOf(0), yOf(total))}
        width="34"
        height={Math.max(2, Math.abs(yOf(total) - yOf(0)))}
        rx="2"
        fill={isResult ? "var(--chosen)" : "var(--sunken)"}
        stroke={isResult ? "var(--chosen-edge)" : "var(--line-strong)"}
      />
      <text x={SUM_X + 17} y={Math.min(yOf(0), yOf(total)) - 6} class="t3 mid bold">
        {fixed(total, decimals)}
      </text>
      <text x={SUM_X + 17} y="131" class="t2 mid bold">
        {isResult && isScore ? words.value.score : words.value.sum}
      </text>
    </Panel>
  );
}

/** The bars, each from where the one before ends; there is none for a bias that there isn't. */
function stepsOf(shown: Term[], others: number, rest: number, bias = 0): StepOfSum[] {
  let level = 0;
  const next = (amount: number, label: string, term?: Term): StepOfSum => {
    const step = { x: 0, from: level, to: level + amount, label, ...(term && { term }) };
    level += amount;
    return step;
  };
  const steps = shown.map((term) => next(term.product, `${(term.unit.index ?? 0) + 1}`, term));
  if (others) steps.push(next(rest, words.value.others(others)));
  if (bias) steps.push(next(bias, words.value.bias));
  return steps.map((step, index) => ({ ...step, x: 8 + index * PITCH }));
}
