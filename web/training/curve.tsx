/** The book's curve: loss and accuracies over the epochs. */

import { words } from "../words/training.ts";
import { Chart, type Series } from "./chart.tsx";
import type { CurvePoint, Report } from "./protocol.ts";

const LEAST_TOP = 2.5; // of the axis: the loss of guessing among ten classes, and a little
const MOST_STEPS = 6; // from its lowest tick to its highest

export function Curve({ report: { curve }, epochs }: { report: Report; epochs: number }) {
  const say = words.value;
  const loss = seriesOf(curve, "ink", say.trainLoss, ({ trainLoss }) => trainLoss);
  const train = seriesOf(curve, "learn dashed", say.trainAccuracy, ({ trainAccuracy }) => trainAccuracy);
  const test = seriesOf(curve, "learn", say.testAccuracy, ({ testAccuracy }) => testAccuracy);
  const highest = Math.max(LEAST_TOP, ...loss.points.map(([, value]) => value));
  const step = highest / 0.5 <= MOST_STEPS ? 0.5 : Math.ceil(highest / MOST_STEPS);
  return (
    <Chart
      series={[loss, train, { ...test, marks: "circle" }]}
      top={Math.ceil(highest / step) * step}
      step={step}
      epochs={epochs}
      at={curve.at(-1)?.epoch ?? 0}
    />
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
