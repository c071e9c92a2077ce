/** What becomes of a sum: bias, batch norm, activation, line by line as on a bill. */

import type { LookState } from "../lab/look_state.ts";
import { fullName } from "../stage/columns.ts";
import { words } from "../words/look.ts";
import type { Equation } from "./equation.ts";
import { decimalsFor, fixed } from "./numbers.ts";
import { Panel } from "./panel.tsx";

const WIDTH = 204;
const [FIRST, LAST] = [36, 132];
const MOST_PITCH = 30;

export type Line = { label: string; number: string };

export function Lines({ lines, result, title }: { lines: Line[]; result: Line; title?: string }) {
  const pitch = Math.min(MOST_PITCH, (LAST - FIRST) / (lines.length + 0.2));
  const end = FIRST + 4 + (lines.length - 1) * pitch;
  const last = end + 32;
  return (
    <Panel width={WIDTH} {...(title && { title })}>
      {lines.map(({ label, number }, index) => (
        <g key={label}>
          <text y={FIRST + 4 + index * pitch} class="t2 m">
            {label}
          </text>
          <text
            x={WIDTH - 4}
            y={FIRST + 4 + index * pitch}
            class={`t3 end ${index === lines.length - 1 ? "bold" : ""}`}
          >
            {number}
          </text>
        </g>
      ))}
      <path d={`M0,${end + 10}H${WIDTH - 4}`} class="axis" />
      <text y={last} class="t2 m">
        {result.label}
      </text>
      <rect
        x={WIDTH - 8 - 9.6 * result.number.length}
        y={last - 16}
        width={8 + 9.6 * result.number.length}
        height="22"
        rx="3"
        fill="var(--chosen)"
      />
      <text x={WIDTH - 5} y={last} class="t4 end bold on-chosen">
        {result.number}
      </text>
    </Panel>
  );
}

/** The lines of a number of a layer. */
export function linesOf(
  { structure }: LookState,
  equation: Equation,
): { lines: Line[]; result: Line } {
  const { terms, count, sum, bias, total, norm, activation, kind, value } = equation;
  // what is multiplied carries more digits, so that a calculator comes to the same result
  const more = norm ? Math.max(0, Math.ceil(Math.log10(Math.abs(norm.factor) || 1)) + 1) : 0;
  const said = (number: number, decimals = 3) => fixed(number, decimals);
  const lines: Line[] = [];
  if (kind === "pooling" || kind === "adaptive_pooling") {
    lines.push(
      ...poolingLines(
        structure[equation.stepIndex]!,
        terms.map((term) => term.value),
        said,
      ),
    );
  } else if (kind !== "residual") {
    lines.push({
      label: count ? words.value.sumOf(count) : words.value.sum,
      number: said(sum, 3 + more),
    });
    if (bias) lines.push({ label: plus(bias, words.value.bias), number: said(total, 3 + more) });
  }
  if (norm) {
    const name = fullName(structure[norm.stepIndex]!);
    lines.push({
      label: `${name}${words.value.colon}× ${fixed(norm.factor, Math.min(4, decimalsFor(norm.factor, 5)))}`,
      number: said(total * norm.factor),
    });
    lines.push({ label: plus(norm.offset), number: said(norm.value) });
  }
  const label = activation ? fullName(structure[activation.stepIndex]!) : words.value.value;
  return { lines, result: { label, number: said(value) } };
}

const plus = (number: number, name = "") =>
  `${number < 0 ? "−" : "+"} ${fixed(Math.abs(number), 3)} ${name}`.trim();

function poolingLines({ layer }: Step, values: number[], said: (number: number) => string): Line[] {
  const { method } = layer as AnyPooling;
  if (method === "max") return [{ label: words.value.largest, number: said(Math.max(...values)) }];
  const sum = values.reduce((total, value) => total + value, 0);
  return [
    { label: words.value.sumOfAll, number: said(sum) },
    { label: words.value.mean(values.length), number: said(sum / values.length) },
  ];
}

/** The lines of a pixel: from its grey level to what the network takes. */
export function linesOfPixel({ network, seen }: LookState, place: number, value: number) {
  const { mean, std } = network.card.normalisation;
  const grey = seen.value.image[place]!;
  const lines = [
    { label: words.value.grey, number: `${grey}` },
    { label: words.value.ofWhite, number: fixed(grey / 255, 4) },
    { label: words.value.lessMean(fixed(mean, 4)), number: fixed(grey / 255 - mean, 4) },
    {
      label: words.value.overDeviation(fixed(std, 4)),
      number: fixed((grey / 255 - mean) / std, 3),
    },
  ];
  return { lines, result: { label: words.value.value, number: fixed(value, 3) } };
}
