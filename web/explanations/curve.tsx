/** The curve of an activation, with the point where the chosen number lies. */

import { words } from "../words/look.ts";
import { type Equation, curvePoints } from "./equation.ts";
import { fixed } from "./numbers.ts";
import { Panel } from "./panel.tsx";

const [TOP, BOTTOM] = [22, 134];
const REACH = 3; // at least, to both sides of 0

type Props = {
  activation: NonNullable<Equation["activation"]>;
  input: number;
  title: string;
  width: number;
};

export function Curve({ activation: { layer, value }, input, title, width }: Props) {
  const reach = Math.max(REACH, 1.25 * Math.abs(input));
  const points = curvePoints(layer, -reach, reach, 121);
  const heights = points.map(([, y]) => y);
  const [low, high] = [Math.min(0, ...heights), Math.max(...heights)];
  const xOf = (x: number) => (width * (x + reach)) / (2 * reach);
  const yOf = (y: number) => BOTTOM - ((BOTTOM - TOP) * (y - low)) / (high - low || 1);
  const [x, y, zero] = [xOf(input), yOf(value), yOf(0)];
  const isFlat = Math.abs(y - zero) < 12;
  const isBefore = input >= 0 || isFlat; // the axis, where there is room
  const named = words.value.curve[layer.activation] ?? words.value.curveOf(title);
  return (
    <Panel width={width} title={named} name="curve">
      <path
        d={`M0,${zero}H${width}M${width / 2},${TOP - 4}V${Math.max(zero, BOTTOM) + 4}`}
        class="axis"
      />
      <path
        d={`M${points.map(([px, py]) => `${xOf(px).toFixed(1)},${yOf(py).toFixed(1)}`).join("L")}`}
        fill="none"
        stroke="var(--ink)"
        stroke-width="2.25"
        stroke-linejoin="round"
      />
      <path
        d={`M${x},${zero}V${y}H${width / 2}`}
        stroke="var(--ink-3)"
        stroke-dasharray="3 3"
        fill="none"
      />
      <circle
        cx={x}
        cy={y}
        r="6.5"
        fill="var(--chosen)"
        stroke="var(--chosen-edge)"
        stroke-width="1.5"
      />
      <text x={Math.min(width - 14, Math.max(14, x))} y={BOTTOM + 18} class="t1 mid bold">
        {fixed(input, 2)}
      </text>
      <text
        x={width / 2 + (isBefore ? -6 : 6)}
        y={y + (isFlat ? -8 : 4)}
        class={`t1 bold ${isBefore ? "end" : ""}`}
      >
        {fixed(value, 2)}
      </text>
    </Panel>
  );
}
