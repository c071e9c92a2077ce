/** What a number sees of a map: the numbers × the weights = the products, square by square. */

import { useSignal } from "@preact/signals";
import type { LookState } from "../lab/look_state.ts";
import { amountScale, colourOf, limitOf, palette, signedScale } from "../stage/palette.ts";
import { words } from "../words/look.ts";
import type { Equation, Window } from "./equation.ts";
import { nameOfChoice } from "./names.ts";
import { fixed } from "./numbers.ts";
import { PANEL_HEIGHT, Panel } from "./panel.tsx";

const TOP = 22;
const [ROOM_WIDE, ROOM_HIGH] = [210, 120];
const [WIDEST, HIGHEST] = [56, 32]; // of a square with its gap
const LEAST_WIDE = 118; // so that a title fits above
const SIGN = 25; // between the squares

/** The numbers, the weights and the products of a window, each with its colours. */
export function partsOf(state: LookState, { stepIndex, unit, kind }: Equation, window: Window) {
  const { place } = state.columnOfChosen.value;
  const { terms, weights, channel } = window;
  const values = terms.map((term) => term?.value ?? 0);
  const products = terms.map((term) => term?.product ?? 0);
  const layer = state.structure[stepIndex]!.layer!;
  const { mean, std } = state.network.card.normalisation;
  const isOfPixels = place === 1;
  const filter = (unit.channel ?? unit.index) + 1;
  const { pixels, numbersOfMap, kernel, kernelOfMap } = words.value;
  const titleOfKernel = isOfPixels ? kernel(filter) : kernelOfMap(filter, channel + 1);
  const count = terms.length;
  return {
    values: {
      numbers: values,
      title: isOfPixels ? pixels(count) : numbersOfMap(count, channel + 1),
      colours: isOfPixels
        ? amountScale(palette.value, -mean / std, (1 - mean) / std)
        : signedScale(palette.value, state.limits.value[place - 1]!),
    },
    weights: {
      numbers: weights,
      title: kind === "convolution" ? titleOfKernel : words.value.weights(count),
      colours: signedScale(palette.value, "weights" in layer ? limitOf(layer.weights) : 1),
    },
    products: {
      numbers: products,
      title: words.value.products(count),
      colours: signedScale(palette.value, Math.max(...products.map(Math.abs))),
    },
    /** What counts most, either way. */
    strongest: products.reduce(
      (best, one, at) => (Math.abs(one) > Math.abs(products[best]!) ? at : best),
      0,
    ),
    /** Where a number comes from; none from a padding. */
    inputAt: (at: number): Choice | null => {
      const term = terms[at];
      return term ? { stepIndex: state.columns[place - 1]!.front, unit: term.unit } : null;
    },
  };
}

type Props = { state: LookState; equation: Equation; window: Window; roomWide?: number };

export function Grids({ state, equation, window, roomWide = ROOM_WIDE }: Props) {
  const pointed = useSignal<number | null>(null);
  const { values, weights, products, strongest, inputAt } = partsOf(state, equation, window);
  const { rows, columns } = window;
  const hasNumbers = ROOM_HIGH / rows >= 14 && roomWide / columns >= 30;
  const square = Math.min(ROOM_HIGH / rows, roomWide / columns);
  const across = hasNumbers ? Math.min(WIDEST, roomWide / columns) : square;
  const down = hasNumbers ? Math.min(HIGHEST, ROOM_HIGH / rows) : square;
  const wide = Math.max(columns * across, LEAST_WIDE);
  const at = Math.min(pointed.value ?? strongest, rows * columns - 1);
  const isRoomy = across >= 46;
  const common = {
    size: { across, down, columns, hasNumbers, top: TOP },
    at,
    onPoint: (where: number) => {
      pointed.value = where;
    },
  };
  const first = (decimals: number) => (
    <>
      <text y="12" class="t2 bold">
        {values.title}
      </text>
      <Squares
        {...common}
        {...values}
        decimals={decimals}
        onChoose={(where) => {
          const input = inputAt(where);
          if (input) state.choose(input);
        }}
        nameOf={(where) => {
          const input = inputAt(where);
          return input ? nameOfChoice(state, input) : "";
        }}
      />
    </>
  );
  if (equation.kind.endsWith("pooling")) return <Panel width={wide}>{first(3)}</Panel>;
  const next = wide + SIGN;
  const middle = TOP + (rows * down) / 2 + 6;
  const below = TOP + rows * down + 17;
  return (
    <Panel width={3 * wide + 2 * SIGN}>
      {first(isRoomy ? 3 : 2)}
      {[
        { sign: "×", part: weights, decimals: isRoomy ? 3 : 2 },
        { sign: "=", part: products, decimals: isRoomy ? 4 : across >= 38 ? 3 : 2 },
      ].map(({ sign, part, decimals }, index) => (
        <g key={sign} transform={`translate(${(index + 1) * next} 0)`}>
          <text x={-SIGN / 2} y={middle} class="t6 mid m">
            {sign}
          </text>
          <text y="12" class="t2 bold">
            {part.title}
          </text>
          <Squares {...common} {...part} decimals={decimals} />
        </g>
      ))}
      <text y={below} class="t2 m">
        {words.value.pointed} {fixed(values.numbers[at]!, 4)} × {fixed(weights.numbers[at]!, 4)} ={" "}
        <tspan class="bold ink">{fixed(products.numbers[at]!, 4)}</tspan>
      </text>
      {equation.kind === "dense" && below < PANEL_HEIGHT - 18 && (
        <Flatten state={state} equation={equation} y={below + 18} />
      )}
    </Panel>
  );
}

/** How the maps become a row of numbers: by a layer that only moves them. */
function Flatten({ state, equation, y }: { state: LookState; equation: Equation; y: number }) {
  const { structure, network } = state;
  const { stepIndex, count } = equation;
  const layers = network.card.layers as { kind: string; name?: string }[];
  const names = layers.map(({ name }, index) => name ?? `${index}`);
  const place = names.indexOf(structure[stepIndex]!.name);
  const flatten = layers
    .slice(0, place)
    .map(({ kind }) => kind)
    .lastIndexOf("flatten");
  if (flatten < 0) return null;
  const shape = structure[stepIndex - 1]!.shape.join(" × ");
  return (
    <text y={y} class="t2 m">
      {words.value.flatten(`${names[flatten]} Flatten`, shape, count)}
    </text>
  );
}

type SquaresProps = {
  size: {
    across: number;
    down: number;
    columns: number;
    hasNumbers: boolean;
    top: number;
  };
  numbers: number[];
  colours: ColourScale;
  decimals: number;
  at: number;
  onPoint: (place: number) => void;
  onChoose?: (place: number) => void;
  nameOf?: (place: number) => string;
};

/** Numbers as squares, one of which is pointed at. */
export function Squares({
  size,
  numbers,
  colours,
  decimals,
  at,
  onPoint,
  onChoose,
  nameOf,
}: SquaresProps) {
  const { across, down, columns, hasNumbers, top: start } = size;
  const gap = hasNumbers ? 1.5 : across > 8 ? 1 : 0;
  const corner = (place: number) =>
    [(place % columns) * across, start + Math.floor(place / columns) * down] as const;
  const [x, y] = corner(at);
  return (
    <g class={onChoose ? "squares press" : "squares"}>
      {numbers.map((number, place) => {
        const [left, top] = corner(place);
        const { fill, ink } = colourOf(number, colours);
        return (
          <g key={place} onPointerEnter={() => onPoint(place)} onClick={() => onChoose?.(place)}>
            {nameOf && <title>{nameOf(place)}</title>}
            <rect
              x={left}
              y={top}
              width={across - gap}
              height={down - gap}
              rx={hasNumbers ? 2 : 0}
              fill={fill}
            />
            {hasNumbers && (
              <text
                x={left + (across - gap) / 2}
                y={top + (down - gap) / 2 + 4.5}
                class="t1 mid"
                style={{ fill: ink }}
              >
                {fixed(number, decimals)}
              </text>
            )}
          </g>
        );
      })}
      <g pointer-events="none" fill="none">
        <rect
          x={x - 1}
          y={y - 1}
          width={across - gap + 2}
          height={down - gap + 2}
          rx="3"
          stroke="#fff"
          stroke-width="4.5"
        />
        <rect
          x={x - 1}
          y={y - 1}
          width={across - gap + 2}
          height={down - gap + 2}
          rx="3"
          stroke="#171b21"
          stroke-width="2"
        />
      </g>
    </g>
  );
}
