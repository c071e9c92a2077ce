/** A map as large as a phone is wide, with a lens above the finger, and all maps of the layer small. */

import { useSignal } from "@preact/signals";
import { numbersAsImage } from "../../src/lenet/playground/canvas.js";
import { fixed } from "../explanations/numbers.ts";
import { countOf, sidesOf } from "../stage/columns.ts";
import { Image, Pixels } from "../stage/image.tsx";
import { colourOf, palette, signedScale } from "../stage/palette.ts";
import { words } from "../words/look.ts";
import type { LookState } from "../lab/look_state.ts";

const SIDE = 358;
const LENS = { radius: 84, cell: 44, above: 104 };

type Props = { state: LookState; step: Step; place: number; unit: UnitOfMap };

export function MapView({ state, step, place, unit }: Props) {
  const isTouched = useSignal(false);
  const [rows, columns] = sidesOf(step);
  const { front } = state.columns[place]!;
  const colours = signedScale(palette.value, state.limits.value[place]!);
  const area = rows * columns;
  const valuesOf = (map: number) => step.values.subarray(map * area, (map + 1) * area);
  const cell = SIDE / Math.max(rows, columns);

  const point = (event: PointerEvent) => {
    const { left, top, width } = (event.currentTarget as Element).getBoundingClientRect();
    const at = (offset: number, count: number) =>
      Math.min(count - 1, Math.max(0, Math.floor((offset * SIDE) / width / cell)));
    const next = {
      channel: unit.channel,
      row: at(event.clientY - top, rows),
      column: at(event.clientX - left, columns),
    };
    state.choose({ stepIndex: front, unit: next }, true);
  };
  return (
    <>
      <div
        class="large"
        onPointerDown={(event) => {
          (event.currentTarget as Element).setPointerCapture(event.pointerId);
          isTouched.value = true;
          point(event);
        }}
        onPointerMove={(event) => {
          if (isTouched.value) point(event);
        }}
        onPointerUp={() => {
          isTouched.value = false;
        }}
        onPointerCancel={() => {
          isTouched.value = false;
        }}
      >
        <div
          style={{
            width: `${(100 * columns) / Math.max(rows, columns)}%`,
            height: `${(100 * rows) / Math.max(rows, columns)}%`,
          }}
        >
          {place === 0 ? (
            <Image image={state.seen.value.image} shape={state.network.card.input_shape} />
          ) : (
            <Pixels pixels={numbersAsImage(valuesOf(unit.channel), columns, colours)} />
          )}
        </div>
        <svg viewBox={`0 0 ${SIDE} ${SIDE}`}>
          <Frame x={unit.column * cell} y={unit.row * cell} side={cell} />
          {isTouched.value && place > 0 && (
            <Lens
              values={valuesOf(unit.channel)}
              rows={rows}
              columns={columns}
              unit={unit}
              cell={cell}
              colours={colours}
            />
          )}
        </svg>
      </div>
      {place > 0 && (
        <div class="maps">
          {Array.from({ length: countOf(step) }, (_, map) => (
            <button
              key={map}
              type="button"
              aria-label={words.value.map(map + 1)}
              aria-pressed={map === unit.channel}
              onClick={() =>
                state.choose({ stepIndex: front, unit: { ...unit, channel: map } }, true)
              }
            >
              <Pixels pixels={numbersAsImage(valuesOf(map), columns, colours)} />
            </button>
          ))}
        </div>
      )}
    </>
  );
}

function Frame({ x, y, side }: { x: number; y: number; side: number }) {
  const at = { x: x - 3, y: y - 3, width: side + 6, height: side + 6, fill: "none" };
  return (
    <>
      <rect {...at} stroke="var(--chosen-edge)" stroke-width="5" />
      <rect {...at} stroke="var(--chosen)" stroke-width="2.5" />
    </>
  );
}

type LensProps = {
  values: Float32Array;
  rows: number;
  columns: number;
  unit: UnitOfMap;
  cell: number;
  colours: ColourScale;
};

/** The numbers round the chosen one, where the finger does not hide them. */
function Lens({ values, rows, columns, unit, cell, colours }: LensProps) {
  const { radius, above } = LENS;
  const [x, y] = [(unit.column + 0.5) * cell, (unit.row + 0.5) * cell];
  const centre = Math.min(SIDE - radius, Math.max(radius, x));
  const [top, bottom] = [y - above - radius / 2, y + above + radius / 2];
  const middle = top - radius > -120 ? top : bottom;
  const reach = Math.ceil(radius / LENS.cell);
  const shown = Array.from({ length: (2 * reach + 1) ** 2 }, (_, index) => [
    Math.floor(index / (2 * reach + 1)) - reach,
    (index % (2 * reach + 1)) - reach,
  ]) as [number, number][];
  return (
    <g pointer-events="none">
      <path d={`M${x},${y}L${centre},${middle}`} stroke="var(--ink)" opacity=".55" />
      <defs>
        <clipPath id="lens">
          <circle cx={centre} cy={middle} r={radius} />
        </clipPath>
      </defs>
      <circle cx={centre} cy={middle} r={radius + 4} fill="var(--page)" />
      <g clip-path="url(#lens)">
        {shown.map(([down, across]) => {
          const [row, column] = [unit.row + down, unit.column + across];
          if (row < 0 || column < 0 || row >= rows || column >= columns) return null;
          const value = values[row * columns + column]!;
          const { fill, ink } = colourOf(value, colours);
          const [left, high] = [
            centre + (across - 0.5) * LENS.cell,
            middle + (down - 0.5) * LENS.cell,
          ];
          return (
            <g key={`${row} ${column}`}>
              <rect
                x={left}
                y={high}
                width={LENS.cell - 0.5}
                height={LENS.cell - 0.5}
                fill={fill}
              />
              <text
                x={left + LENS.cell / 2}
                y={high + LENS.cell / 2 + 4}
                class="t1 mid"
                style={{ fill: ink }}
              >
                {fixed(value, 2)}
              </text>
            </g>
          );
        })}
        <Frame x={centre - LENS.cell / 2 + 3} y={middle - LENS.cell / 2 + 3} side={LENS.cell - 6} />
      </g>
      <circle cx={centre} cy={middle} r={radius} fill="none" stroke="var(--ink)" stroke-width="2" />
    </g>
  );
}
