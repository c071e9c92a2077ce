/** The chosen number: a frame round it, and a beam from what it sees over its kernel to it. */

import type { LookState } from "../lab/look_state.ts";
import { type Box, type Layout, boxOfArea, boxOfUnit } from "./layout.ts";

const LEAST_FRAME = 5;
const MOST_FRAMES = 8; // of more maps that are seen, only one is framed

type Props = { state: LookState; layout: Layout; choice: Choice; isPreview?: boolean };

export function Beam({ state, layout, choice, isPreview = false }: Props) {
  const place = state.columns.findIndex(({ front }) => front === choice.stepIndex);
  const column = layout.columns[place];
  if (!column) return null;
  const target = boxOfUnit(column, choice.unit);
  const seen = state.areaSeen(choice);
  const source = layout.columns[place - 1];
  const isOfKernels = place === 1 && layout.kernels.length > 0 && choice.unit.channel !== undefined;
  const kernel = isOfKernels ? layout.kernels[choice.unit.channel!] : undefined;
  const shown = isPreview ? seen?.channels[0] : (state.window.value?.channel ?? seen?.channels[0]);
  const windows =
    seen && source
      ? seen.channels.map((tile) => ({ tile, box: boxOfArea(source, tile, seen.area) }))
      : [];
  const main = windows.find(({ tile }) => tile === shown) ?? windows[0];
  const path =
    main && (kernel ? beam(main.box, kernel) + beam(kernel, target) : beam(main.box, target));
  return (
    <g class={isPreview ? "preview" : ""}>
      {path && <path key={state.trail.value.length} class="beam" d={path} />}
      {windows.length <= MOST_FRAMES &&
        !isPreview &&
        windows.map(({ tile, box }) => tile !== main?.tile && <Thin key={tile} box={box} />)}
      {main && <Frame box={main.box} />}
      {kernel && <Frame box={grown(kernel, 1)} />}
      <Frame
        box={choice.unit.index === undefined ? target : grown(target, target.width > 12 ? 3 : 1)}
        round={choice.unit.index !== undefined}
      />
    </g>
  );
}

function Frame({ box, round = false }: { box: Box; round?: boolean }) {
  const { x, y, width, height } = grown(box, Math.max(0, (LEAST_FRAME - box.width) / 2));
  const at = { x, y, width, height, rx: round ? Math.min(4, width / 6) : 0, fill: "none" };
  return (
    <>
      <rect {...at} stroke="var(--chosen-edge)" stroke-width="4.2" />
      <rect {...at} stroke="var(--chosen)" stroke-width="2.2" />
    </>
  );
}

/** Another map that is seen, too. */
function Thin({ box: { x, y, width, height } }: { box: Box }) {
  const at = { x, y, width, height, fill: "none" };
  return (
    <>
      <rect {...at} stroke="var(--chosen-edge)" stroke-width="1.8" />
      <rect {...at} stroke="var(--chosen)" stroke-width="1" />
    </>
  );
}

function grown({ x, y, width, height }: Box, by: number): Box {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

/** From the right edge of one box to the left edge of another. */
function beam(from: Box, to: Box): string {
  const right = from.x + from.width;
  return `M${right},${from.y}L${to.x},${to.y}V${to.y + to.height}L${right},${from.y + from.height}Z`;
}
