/** The lines below the tiles: what a path adds or takes away is how wide it is. */

import type { LookState } from "../lab/look_state.ts";
import { limitsOf, ofAllChannels, strongest } from "./flow.ts";
import { type Layout, curveOf, lineInto } from "./layout.ts";

export function FlowLines({ state, layout }: { state: LookState; layout: Layout }) {
  const { structure, columns } = state;
  const lines = state.shares.value.flatMap((shares, place) => {
    if (!shares) return [];
    const [before, after] = [layout.columns[place - 1]!, layout.columns[place]!];
    const { kind } = structure[columns[place]!.main]!;
    const [most, widest] = limitsOf(
      kind,
      place === 1,
      before.kind === "maps",
      place === columns.length - 1,
    );
    const shown = before.kind === "input" ? ofAllChannels(shares) : shares;
    return strongest(shown, most, widest).map(({ from, to, share, width }) => (
      <path
        key={`${place} ${from} ${to}`}
        class="flow"
        d={curveOf(lineInto(before, after, from, to), place === 1 ? layout.kernels[to] : undefined)}
        stroke={`var(--${share > 0 ? "pos" : "neg"}-line)`}
        stroke-width={width.toFixed(2)}
      />
    ));
  });
  return <g>{lines}</g>;
}
