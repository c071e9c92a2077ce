/** Below the layer: what the chosen number is made of. */

import { type Equation, type Window, mostFirst } from "../explanations/equation.ts";
import { Squares, partsOf } from "../explanations/grids.tsx";
import { linesOf, linesOfPixel } from "../explanations/lines.tsx";
import { nameOfChoice, placeName } from "../explanations/names.ts";
import { fixed, signed } from "../explanations/numbers.ts";
import type { LookState } from "../lab/look_state.ts";
import { type Move, neighbourOf, placeOfUnit } from "../stage/columns.ts";
import { Icon } from "../lab/icons.tsx";
import { words } from "../words/look.ts";
import { UNITS_IN_A_ROW } from "./units.tsx";

const NUDGES: ["left" | "up" | "down" | "right", Move][] = [
  ["left", [0, -1]],
  ["up", [-1, 0]],
  ["down", [1, 0]],
  ["right", [0, 1]],
];

export function Sheet({ state }: { state: LookState }) {
  const { chosen, columns } = state;
  const { place } = state.columnOfChosen.value;
  const { unit, stepIndex } = chosen.value;
  const equation = state.equation.value;
  const step = state.result.value.steps[stepIndex]!;
  const number = placeOfUnit(step, unit);
  const { lines, result } = equation
    ? linesOf(state, equation)
    : linesOfPixel(state, number, step.values[number]!);
  const inARow = place === columns.length - 1 ? 1 : UNITS_IN_A_ROW;
  const nudge = (by: Move) => {
    state.choose({ stepIndex, unit: neighbourOf(step, inARow, unit, by) }, true);
  };
  return (
    <section class="sheet" aria-label={words.value.drawer}>
      <div class="head">
        <div>
          <p class="muted">
            {unit.index === undefined
              ? words.value.pixelPlace(unit.row + 1, unit.column + 1)
              : placeName(state, chosen.value)}
          </p>
          <p class="value">
            <mark>{result.number}</mark>
          </p>
        </div>
        <div class="pad">
          {NUDGES.map(([name, by]) => (
            <button
              key={name}
              type="button"
              class="b"
              aria-label={words.value[name]}
              onClick={() => nudge(by)}
            >
              <Icon name={name} size={18} />
            </button>
          ))}
        </div>
      </div>
      {equation && <Sum state={state} equation={equation} />}
      {lines.map(({ label, number: written }) => (
        <p key={label} class="line">
          <span class="muted">{label}</span>
          <b>{written}</b>
        </p>
      ))}
      <p class="line">
        <span class="muted">{result.label}</span>
        <b>{result.number}</b>
      </p>
    </section>
  );
}

const SIDE = 80; // of the squares
const WIDTH = 358;
const SHOWN = 6; // inputs

type Props = { state: LookState; equation: Equation };

function Sum({ state, equation }: Props) {
  const window = state.window.value;
  if (!window) return <Terms state={state} equation={equation} />;
  return (
    <>
      <Row state={state} equation={equation} window={window} />
      {equation.windows.length > 1 && (
        <div class="chips">
          {mostFirst(equation.windows, ({ sum }) => sum).map(({ channel, sum }) => (
            <button
              key={channel}
              type="button"
              class={`b ${sum >= 0 ? "pos" : "neg"}`}
              aria-pressed={channel === window.channel}
              onClick={() => {
                state.channel.value = channel;
              }}
            >
              {words.value.map(channel + 1)} {signed(sum, 3)}
            </button>
          ))}
        </div>
      )}
    </>
  );
}

/** Numbers × weights = products as pictures. */
function Row({ state, equation, window }: Props & { window: Window }) {
  const { rows, columns, channel, sum } = window;
  const { values, weights, products, strongest, inputAt } = partsOf(state, equation, window);
  const cell = SIDE / Math.max(rows, columns);
  const common = {
    size: { across: cell, down: cell, columns, hasNumbers: false, top: 0 },
    at: strongest,
    decimals: 2,
    onPoint: () => {},
  };
  const { place } = state.columnOfChosen.value;
  const isPooling = equation.kind.endsWith("pooling");
  const parts = [
    { part: values, caption: place === 1 ? values.title : words.value.map(channel + 1), sign: "" },
    { part: weights, caption: words.value.weights(rows * columns), sign: "×" },
    { part: products, caption: `${words.value.sum} ${fixed(sum, 3)}`, sign: "=" },
  ].slice(0, isPooling ? 1 : 3);
  const between = (WIDTH - 3 * SIDE) / 2;
  return (
    <svg class="squares-row" viewBox={`0 0 ${WIDTH} ${SIDE + 18}`}>
      {parts.map(({ part, caption, sign }, index) => (
        <g key={sign} transform={`translate(${index * (SIDE + between)} 0)`}>
          <text x={-between / 2} y={SIDE / 2 + 6} class="t6 mid m">
            {sign}
          </text>
          <Squares
            {...common}
            {...part}
            {...(index === 0 && {
              onChoose: (at: number) => {
                const input = inputAt(at);
                if (input) state.choose(input);
              },
            })}
          />
          <text x={SIDE / 2} y={SIDE + 15} class="t1 mid m">
            {caption}
          </text>
        </g>
      ))}
    </svg>
  );
}

/** The strongest inputs of a unit, line by line; each leads to its own explanation. */
function Terms({ state, equation: { terms } }: Props) {
  const { place } = state.columnOfChosen.value;
  if (!terms.length) return null;
  const stepIndex = state.columns[place - 1]!.front;
  const shown = mostFirst(terms, ({ product }) => product).slice(0, SHOWN);
  const rest =
    terms.reduce((sum, { product }) => sum + product, 0) -
    shown.reduce((sum, { product }) => sum + product, 0);
  return (
    <>
      {shown.map(({ unit, value, weight, product }) => (
        <p key={placeName(state, { stepIndex, unit })} class="line">
          <button
            type="button"
            class="link"
            aria-label={nameOfChoice(state, { stepIndex, unit })}
            onClick={() => state.choose({ stepIndex, unit })}
          >
            {placeName(state, { stepIndex, unit })}
          </button>
          <span class="muted">
            {fixed(value, 3)} × {fixed(weight, 3)}
          </span>
          <b class={product >= 0 ? "pos" : "neg"}>{signed(product, 2)}</b>
        </p>
      ))}
      {terms.length > shown.length && (
        <p class="line">
          <span class="muted">{words.value.others(terms.length - shown.length)}</span>
          <b class={rest >= 0 ? "pos" : "neg"}>{signed(rest, 2)}</b>
        </p>
      )}
    </>
  );
}
