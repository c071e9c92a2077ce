/** Loss and accuracies over the epochs. */

import { fixed } from "../lab/numbers.ts";
import { words } from "../words/training.ts";
import type { CurvePoint, Report } from "./protocol.ts";

const [WIDTH, HEIGHT] = [470, 272];
const AREA = { left: 30, right: 344, top: 8, bottom: 236 };
const LINE = 16; // of text, in pixels
const LEAST_TOP = 2.4; // of the axis: the loss of guessing among ten classes, and a little

type Series = { className: string; label: string; points: [number, number][]; marks?: boolean };

export function Curve({ report, epochs }: { report: Report; epochs: number }) {
  const { curve } = report;
  const all = words.value;
  const [loss, train, test] = [
    seriesOf(curve, "ink", all.trainLoss, ({ trainLoss }) => trainLoss),
    seriesOf(curve, "learn dashed", all.trainAccuracy, ({ trainAccuracy }) => trainAccuracy),
    seriesOf(curve, "learn", all.testAccuracy, ({ testAccuracy }) => testAccuracy),
  ] as [Series, Series, Series];
  test.marks = true;
  const top = Math.max(LEAST_TOP, Math.ceil(2 * Math.max(...loss.points.map(([, y]) => y))) / 2);
  const last = Math.max(epochs, curve.at(-1)?.epoch ?? 0);
  const x = (epoch: number) => AREA.left + (epoch / last) * (AREA.right - AREA.left);
  const y = (value: number) => AREA.bottom - (value / top) * (AREA.bottom - AREA.top);
  const now = x(curve.at(-1)?.epoch ?? 0);
  const shown = [loss, train, test].filter(({ points }) => points.length > 0);
  const said = [loss, train, test].map(({ points }) => lastOf(points)) as [string, string, string];
  return (
    <figure class="curve">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={all.curveAlternative(...said)}
      >
        {curve.length > 0 && (
          <rect x={now} y={AREA.top} width={AREA.right - now} height={AREA.bottom - AREA.top} class="ahead" />
        )}
        {ticks(top, 0.5).map((value) => (
          <g key={value}>
            <path d={`M${AREA.left},${y(value)}H${AREA.right}`} class="hairline" />
            <text x={AREA.left - 8} y={y(value) + 4} class="t1 m end">{value}</text>
          </g>
        ))}
        {epochTicks(last).map((epoch) => (
          <text key={epoch} x={x(epoch)} y={AREA.bottom + 18} class="t1 m mid">{epoch}</text>
        ))}
        <text x={AREA.right} y={AREA.bottom + 34} class="t1 m end">{all.epochAxis}</text>
        {shown.map(({ className, points, marks }) => (
          <g key={className} class={className}>
            <polyline points={points.map(([at, value]) => `${x(at)},${y(value)}`).join(" ")} />
            {marks && points.map(([at, value]) => <circle key={at} cx={x(at)} cy={y(value)} r="3.5" />)}
          </g>
        ))}
        <Labels series={shown} y={y} />
      </svg>
    </figure>
  );
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
  for (const one of [...placed].reverse()) {
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

function seriesOf(
  curve: CurvePoint[],
  className: string,
  label: string,
  take: (point: CurvePoint) => number | null,
): Series {
  const points = curve.flatMap((point): [number, number][] => {
    const value = take(point);
    return value === null || !Number.isFinite(value) ? [] : [[point.epoch, value]];
  });
  return { className, label, points };
}

function lastOf(points: [number, number][]): string {
  const last = points.at(-1);
  return last ? fixed(last[1], 3) : "–";
}

function ticks(top: number, step: number): number[] {
  const wide = top / step > 10 ? Math.ceil(top / 5) : step;
  return Array.from({ length: Math.floor(top / wide) + 1 }, (_, i) => i * wide);
}

function epochTicks(last: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100].find((one) => last / one <= 8) ?? Math.ceil(last / 8);
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
}
