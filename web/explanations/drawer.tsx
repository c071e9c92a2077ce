/** The drawer below the stage: how the chosen number comes about, read like an equation. */

import type { LookState } from "../lab/look_state.ts";
import { nameOfStep, placeOfUnit } from "../stage/columns.ts";
import { words } from "../words/look.ts";
import { Say } from "../words/say.tsx";
import { Curve } from "./curve.tsx";
import type { Equation } from "./equation.ts";
import { Grids } from "./grids.tsx";
import { KernelPlayer } from "./kernel_player.tsx";
import { Lines, linesOf, linesOfPixel } from "./lines.tsx";
import { MapsList } from "./maps_list.tsx";
import { Softmax } from "./softmax.tsx";
import { Trail } from "./trail.tsx";
import { Waterfall } from "./waterfall.tsx";
import "./explanations.css";

const NARROW_GRID = 150; // of many maps, the squares share the room with their list

export function Drawer({ state }: { state: LookState }) {
  const { unit } = state.chosen.value;
  const equation = state.equation.value;
  if (state.isIdle.value) return <section class="why idle">{words.value.idle}</section>;
  const slides = equation?.kind === "convolution" && unit.index === undefined;
  return (
    <section class="why" aria-label={words.value.drawer}>
      <div class="trail">
        <Trail state={state} />
        {slides ? (
          <KernelPlayer state={state} unit={unit} />
        ) : (
          <span class="key">
            {unit.index !== undefined && state.trail.value.length === 0 && (
              <Say text={words.value.widths} />
            )}
          </span>
        )}
      </div>
      <div class="panels" key={state.trail.value.length}>
        {equation ? <Panels state={state} equation={equation} /> : <Pixel state={state} />}
      </div>
    </section>
  );
}

function Panels({ state, equation }: { state: LookState; equation: Equation }) {
  const { windows, norm, activation, unit } = equation;
  const { place } = state.columnOfChosen.value;
  const isScore = place === state.columns.length - 1;
  const window = state.window.value;
  const isSumOfUnits = windows.length === 0 && equation.terms.length > 0;
  return (
    <>
      {isSumOfUnits && (
        <Waterfall state={state} equation={equation} isResult={!norm && !activation} />
      )}
      {windows.length > 1 && <MapsList state={state} equation={equation} />}
      {window && (
        <Grids
          state={state}
          equation={equation}
          window={window}
          {...(windows.length > 1 && {
            roomWide: window.columns > 4 ? 34 * window.columns : NARROW_GRID,
          })}
        />
      )}
      {!(isSumOfUnits && isScore) && (
        <>
          {!isSumOfUnits && (
            <span class="leads" aria-hidden="true">
              →
            </span>
          )}
          <Lines {...linesOf(state, equation)} />
        </>
      )}
      {activation && (
        <Curve
          activation={activation}
          input={norm ? norm.value : equation.total}
          width={windows.length > 1 ? 200 : 232}
          title={nameOfStep(state.structure[activation.stepIndex]!).title}
        />
      )}
      {isScore && unit.index !== undefined && (
        <>
          <span class="parting" />
          <Softmax state={state} />
        </>
      )}
    </>
  );
}

/** A pixel comes from the picture, not from other numbers. */
function Pixel({ state }: { state: LookState }) {
  const step = state.result.value.steps[0]!;
  const place = placeOfUnit(step, state.chosen.value.unit);
  return <Lines {...linesOfPixel(state, place, step.values[place]!)} title={words.value.pixelIs} />;
}
