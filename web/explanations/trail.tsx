/** Where the chosen number stands, and the way back from it to the pixels. */

import type { LookState } from "../lab/look_state.ts";
import { words } from "../words/look.ts";
import { backTo, nameOfChoice, nameOfColumn, placeName, strongestInput, usedBy } from "./names.ts";

export function Trail({ state }: { state: LookState }) {
  const chosen = state.chosen.value;
  const { place } = state.columnOfChosen.value;
  const strongest = strongestInput(state, chosen);
  const isInMap = chosen.unit.index === undefined;
  const before = state.trail.value.at(-1);
  const next = usedBy(state, chosen);
  const farther = isInMap ? [] : [...Array(Math.max(0, place - 1)).keys()].reverse();
  const count = state.equation.value?.count ?? 0;
  return (
    <nav class="trail-names">
      <b>{nameOfChoice(state, chosen)}</b>
      {strongest && (
        <Link
          text={place === 1 ? words.value.pixels(count) : nearName(state, strongest, isInMap)}
          onPress={() => state.choose(strongest)}
        />
      )}
      {farther.map((at) => (
        <Link
          key={at}
          text={at === 0 ? words.value.pixels(1) : nameOfColumn(state, at)}
          onPress={() => {
            const found = backTo(state, chosen, at);
            if (found) state.choose(found);
          }}
        />
      ))}
      {before ? (
        <span class="apart">
          {words.value.back}{" "}
          <button type="button" class="link" onClick={() => state.back()}>
            {nameOfChoice(state, before)}
          </button>
        </span>
      ) : (
        next && (
          <span class="apart">
            {words.value.usedBy}{" "}
            <button type="button" class="link" onClick={() => state.choose(next)}>
              {nameOfChoice(state, next)}
            </button>
          </span>
        )
      )}
    </nav>
  );
}

/** The strongest input; in a map without the layer's name, which stands on the stage. */
function nearName(state: LookState, choice: Choice, isShort: boolean): string {
  return isShort ? placeName(state, choice) : nameOfChoice(state, choice);
}

function Link({ text, onPress }: { text: string; onPress: () => void }) {
  return (
    <>
      <span aria-hidden="true">‹</span>
      <button type="button" class="link" onClick={onPress}>
        {text}
      </button>
    </>
  );
}
