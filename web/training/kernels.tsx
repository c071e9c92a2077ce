/** The first layer's kernels, from the start to now. */

import { Tile } from "../lab/tile.tsx";
import { words } from "../words/training.ts";
import type { Moment, Report } from "./protocol.ts";

const MOST_ROWS = 6;

export function Kernels({ kernels }: { kernels: Report["kernels"] }) {
  const { name, title, shape, moments } = kernels;
  const [filters = 0, , , columns = 1] = shape;
  const rows = Math.min(filters, MOST_ROWS);
  const scale = scaleOf(moments);
  const say = words.value;
  const heading = columns > 7 ? say.units(`${name} ${title}`) : say.kernels(`${name} ${title}`);
  return (
    <table class="kernels">
      <caption>
        {heading} {rows < filters && <span class="muted">{say.someOf(rows, filters)}</span>}
      </caption>
      <thead>
        <tr>
          <td />
          {moments.map((moment, place) => (
            <th key={`${moment.step}`} scope="col" class={place === moments.length - 1 ? "now" : ""}>
              {nameOf(moments, place)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: rows }, (_, row) => (
          <tr key={row}>
            <th scope="row">{row + 1}</th>
            {moments.map(({ weights, step }, place) => (
              <td key={`${step}`} class={place === moments.length - 1 ? "now" : ""}>
                <Tile
                  values={kernelOf(weights, row, shape)}
                  width={columns}
                  scale={scale}
                  label={say.kernelAlternative(row + 1, nameOf(moments, place))}
                />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A kernel, the sum over its channels: what it is to an image without colours. */
export function kernelOf(weights: Float32Array, index: number, shape: number[]): Float32Array {
  const [, channels = 1, rows = 1, columns = 1] = shape;
  const area = rows * columns;
  const start = index * channels * area;
  if (channels === 1) return weights.subarray(start, start + area);
  return Float32Array.from({ length: area }, (_, place) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += weights[start + channel * area + place]!;
    return sum;
  });
}

/** One scale over time, so that growth is seen: the 99.5th percentile of what is shown. */
function scaleOf(moments: Moment[]): number {
  const sizes = moments.flatMap(({ weights }) => Array.from(weights, Math.abs)).sort((a, b) => a - b);
  return sizes[Math.floor(0.995 * (sizes.length - 1))] || 1;
}

function nameOf(moments: Moment[], place: number): string {
  const { step, epoch } = moments[place]!;
  const say = words.value;
  if (step === 0) return say.start;
  if (place === moments.length - 1) return say.now;
  return Number.isInteger(epoch) ? say.atEpoch(epoch) : say.atStep(step);
}
