/** Layer by layer: how far answers are spread, and how large gradients are. */

import { short } from "../lab/numbers.ts";
import { words } from "../words/training.ts";
import type { LayerState } from "./protocol.ts";

/** An axis of powers of ten, from where it begins to where it ends; widened where need be. */
type Axis = [number, number];
const GRADIENTS: Axis = [-5, -1];
const SPREADS: Axis = [-2, 1];

export function Layers({ layers }: { layers: LayerState[] }) {
  const gradients = axisOfGradients(layers);
  const spreads = widened(SPREADS, layers.flatMap((one) => [one.spread, one.spreadAtStart]));
  return (
    <table class="by-layer">
      <caption>{words.value.layers}</caption>
      <colgroup>
        <col class="of-names" />
        <col />
        <col class="of-numbers" />
        <col />
        <col class="of-numbers" />
      </colgroup>
      <thead>
        <tr>
          <td />
          <th scope="col" colSpan={2}>{words.value.spread}</th>
          <th scope="col" colSpan={2} class="learn">{words.value.gradients}</th>
        </tr>
      </thead>
      <tbody>
        {layers.map(({ name, title, spread, spreadAtStart, gradient, gradientAtStart }) => (
          <tr key={name}>
            <th scope="row">{name} {title}</th>
            <td><Meter share={along(spreads, spread)} mark={along(spreads, spreadAtStart)} /></td>
            <td class="number">{short(spread)}</td>
            <td>
              <Meter
                className="learn"
                share={along(gradients, gradient)}
                mark={along(gradients, gradientAtStart)}
              />
            </td>
            <td class="number">{short(gradient)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <td><i class="mark" /> {words.value.atStart}</td>
          <td><Scale axis={spreads} /></td>
          <td />
          <td><Scale axis={gradients} /></td>
          <td />
        </tr>
      </tfoot>
    </table>
  );
}

/** On which the gradients of layers are shown, now and at the start. */
export function axisOfGradients(layers: LayerState[]): Axis {
  return widened(GRADIENTS, layers.flatMap((one) => [one.gradient, one.gradientAtStart]));
}

/** An axis on which all numbers are; without those that have no place there. */
function widened([from, to]: Axis, numbers: number[]): Axis {
  const powers = numbers.filter((one) => one > 0 && Number.isFinite(one)).map(Math.log10);
  return [Math.min(from, ...powers.map(Math.floor)), Math.max(to, ...powers.map(Math.ceil))];
}

/** How far along an axis a number is, 0 to 1. */
export function along([from, to]: Axis, value: number): number {
  return value > 0 ? Math.min((Math.log10(value) - from) / (to - from), 1) : 0;
}

function Scale({ axis }: { axis: Axis }) {
  const [from, to] = axis.map((power) => (power < -4 ? short(10 ** power) : `${10 ** power}`));
  return <div class="scale"><span>{from}</span><span>{to}</span></div>;
}

/** A bar in a track; `mark` is where something was before. */
export function Meter({ share, mark, className = "" }: { share: number; mark?: number; className?: string }) {
  return (
    <div class={`meter ${className}`}>
      <i class="bar" style={{ width: `${100 * share}%` }} />
      {mark !== undefined && <i class="mark" style={{ left: `${100 * mark}%` }} />}
    </div>
  );
}
