/** Layer by layer: how far answers are spread, and how large gradients are. */

import { short } from "../lab/numbers.ts";
import { words } from "../words/training.ts";
import type { LayerState } from "./protocol.ts";

/** An axis of powers of ten, from where it begins to where it ends; widened where need be. */
type Axis = [number, number];
const GRADIENTS: Axis = [-5, -1];
const SPREADS: Axis = [-2, 1];

export function Layers({ layers }: { layers: LayerState[] }) {
  const gradients = widened(GRADIENTS, layers.flatMap((one) => [one.gradient, one.gradientAtStart]));
  const spreads = widened(SPREADS, layers.flatMap((one) => [one.spread, one.spreadAtStart]));
  const [from, to] = gradients.map((power) => short(10 ** power));
  return (
    <table class="by-layer">
      <caption>{words.value.layers}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col" colSpan={2}>{words.value.spread}</th>
          <th scope="col" colSpan={2} class="learn">{words.value.gradients}</th>
        </tr>
      </thead>
      <tbody>
        {layers.map((one) => (
          <tr key={one.name}>
            <th scope="row">{one.name} {one.title}</th>
            <td><Meter share={along(spreads, one.spread)} mark={along(spreads, one.spreadAtStart)} /></td>
            <td class="number">{short(one.spread)}</td>
            <td>
              <Meter
                share={along(gradients, one.gradient)}
                mark={along(gradients, one.gradientAtStart)}
                isLearning
              />
            </td>
            <td class="number">{short(one.gradient)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <td />
          <td colSpan={2} class="key"><i class="mark" /> {words.value.atStart}</td>
          <td class="scale"><span>{from}</span><span>{to}</span></td>
          <td />
        </tr>
      </tfoot>
    </table>
  );
}

/** An axis on which all numbers are; without those that have no place there. */
function widened([from, to]: Axis, numbers: number[]): Axis {
  const powers = numbers.filter((one) => one > 0 && Number.isFinite(one)).map(Math.log10);
  return [Math.min(from, ...powers.map(Math.floor)), Math.max(to, ...powers.map(Math.ceil))];
}

/** How far along an axis a number is, 0 to 1. */
function along([from, to]: Axis, value: number): number {
  return value > 0 ? Math.min((Math.log10(value) - from) / (to - from), 1) : 0;
}

function Meter({ share, mark, isLearning }: { share: number; mark: number; isLearning?: boolean }) {
  return (
    <div class={isLearning ? "meter learning" : "meter"}>
      <i class="bar" style={{ width: `${100 * share}%` }} />
      <i class="mark" style={{ left: `${100 * mark}%` }} />
    </div>
  );
}
