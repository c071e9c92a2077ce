/** Lines over epochs, with what they are called and where they end beside them. */

import { fixed } from "../explanations/numbers.ts";
import { words } from "../words/training.ts";

const [WIDTH, HEIGHT] = [470, 248];
const AREA = { left: 30, right: 344, top: 8, bottom: 226 };
const LINE = 16; // of text, in pixels
const MOST_TICKS = 8;
const MOST_MARKS = 60; // of a line, beyond which they would touch

export type Series = {
  className: string;
  label: string;
  points: [number, number][];
  marks?: "circle" | "diamond";
};

type Properties = {
  series: Series[];
  /** Of the axis of values, and what is between two of its ticks. */
  top: number;
  step: number;
  epochs: number;
  /** How far the training has come. */
  at: number;
  /** Of a line across, which is named: that of guessing. */
  level?: number;
};

export function Chart({ series, top, step, epochs, at, level }: Properties) {
  const last = Math.max(epochs, at);
  const x = (epoch: number) => AREA.left + (epoch / last) * (AREA.right - AREA.left);
  const y = (value: number) => AREA.bottom - (value / top) * (AREA.bottom - AREA.top);
  const shown = series.filter(({ points }) => points.length > 0);
  const said = series.map(({ label, points }) => `${label} ${lastOf(points)}`).join(", ");
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words.value.chart(said)}>
        {at > 0 && (
          <rect
            class="ahead"
            x={x(at)}
            y={AREA.top}
            width={AREA.right - x(at)}
            height={AREA.bottom - AREA.top}
          />
        )}
        {Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => i * step).map((value) => (
          <g key={value}>
            <path d={`M${AREA.left},${y(value)}H${AREA.right}`} class="hairline" />
            <text x={AREA.left - 8} y={y(value) + 4} class="t1 m end">{value}</text>
          </g>
        ))}
        {epochTicks(last).map((epoch) => (
          <text key={epoch} x={x(epoch)} y={AREA.bottom + 18} class="t1 m mid">{epoch}</text>
        ))}
        <text x={AREA.right + 14} y={AREA.bottom + 18} class="t1 m">{words.value.epochAxis}</text>
        {level !== undefined && (
          <>
            <path d={`M${AREA.left},${y(level)}H${AREA.right}`} class="level" />
            <text x={AREA.right - 4} y={y(level) - 5} class="t1 m end">{words.value.guess}</text>
          </>
        )}
        {shown.map(({ className, label, points, marks }) => (
          <g key={label} class={className}>
            <polyline points={points.map(([epoch, value]) => `${x(epoch)},${y(value)}`).join(" ")} />
            {marks && points.length <= MOST_MARKS && points.map(([epoch, value]) => <Mark key={epoch} kind={marks} x={x(epoch)} y={y(value)} />)}
          </g>
        ))}
        <Labels series={shown} y={y} />
      </svg>
    </figure>
  );
}

function Mark({ kind, x, y }: { kind: Series["marks"]; x: number; y: number }) {
  if (kind === "circle") return <circle cx={x} cy={y} r="3.5" />;
  return <path class="diamond" d={`M${x},${y - 5}l5,5l-5,5l-5,-5z`} />;
}

/** What the lines are and where they end, to the right of them and apart from each other. */
function Labels({ series, y }: { series: Series[]; y: (value: number) => number }) {
  const placed = series
    .map((one) => ({ ...one, place: y(one.points.at(-1)![1]) }))
    .sort((a, b) => a.place - b.place);
  let lowest = AREA.top;
  for (const one of placed) {
    one.place = Math.max(one.place, lowest + LINE / 2);
    lowest = one.place + LINE / 2;
  }
  let highest = AREA.bottom;
  for (const one of placed.toReversed()) {
    one.place = Math.min(one.place, highest - LINE / 2);
    highest = one.place - LINE / 2;
  }
  return (
    <>
      {placed.map(({ className, label, points, place }) => (
        <g key={label} class={className}>
          <text x={AREA.right + 10} y={place + 4} class="t2">{label}</text>
          <text x={WIDTH} y={place + 4} class="t2 bold end">{lastOf(points)}</text>
        </g>
      ))}
    </>
  );
}

function lastOf(points: [number, number][]): string {
  const last = points.at(-1);
  return last ? fixed(last[1], 3) : "–";
}

function epochTicks(last: number): number[] {
  const steps = [1, 2, 5, 10, 20, 50, 100];
  const step = steps.find((one) => last / one <= MOST_TICKS) ?? Math.ceil(last / MOST_TICKS);
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
}
