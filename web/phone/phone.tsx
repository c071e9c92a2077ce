/** The view of one network on a phone: the answer pinned, one layer at a time, and its sum below. */

import { type Signal, useSignal } from "@preact/signals";
import { placeOf } from "../../src/lenet/playground/explain.js";
import { backTo } from "../explanations/names.ts";
import type { LookState } from "../lab/look_state.ts";
import { countOf, largestPlace, nameOfStep, sidesOf } from "../stage/columns.ts";
import { Icon } from "../lab/icons.tsx";
import { LookPaper } from "../stage/look_paper.tsx";
import { Tools } from "../stage/tools.tsx";
import { sentenceOf } from "../lab/sentence.ts";
import { words } from "../words/look.ts";
import { Say } from "../words/say.tsx";
import { AnswerRow } from "./answer_row.tsx";
import { MapView } from "./map_view.tsx";
import { Sheet } from "./sheet.tsx";
import { Classes, Units } from "./units.tsx";
import "./phone.css";

/** A step of the network, or the paper. */
type Tab = { step: number; place: number } | null;

export function Phone({ state }: { state: LookState }) {
  const tab = useSignal<Tab>(null);
  const chosen = state.columnOfChosen.value;
  // a link backwards leads to its layer
  const shown =
    tab.value && tab.value.place !== chosen.place
      ? { step: chosen.column.front, place: chosen.place }
      : tab.value;
  return (
    <div class="phone">
      <h1 class="unseen"><Say text={sentenceOf(state)} /></h1>
      <AnswerRow state={state} />
      <Tabs state={state} tab={tab} shown={shown} />
      {shown ? (
        <LayerView state={state} step={shown.step} place={shown.place} />
      ) : (
        <Draw state={state} />
      )}
      {shown && <Sheet state={state} />}
    </div>
  );
}

function Draw({ state }: { state: LookState }) {
  return (
    <div class="draw">
      <div class="sheet-of-paper">
        <LookPaper state={state} />
      </div>
      <Tools state={state} />
    </div>
  );
}

function Tabs({ state, tab, shown }: { state: LookState; tab: Signal<Tab>; shown: Tab }) {
  const open = (step: number, place: number) => {
    const { place: at } = state.columnOfChosen.value;
    if (place !== at) {
      const back = place < at ? backTo(state, state.chosen.value, place) : null;
      state.choose(back ?? largestOf(state, place));
    }
    tab.value = { step, place };
  };
  const tabs = state.columns.flatMap(({ front, main, activation }, place) => {
    if (place === 0) return [];
    const own = { step: front, place, label: main };
    const isOfMaps = state.structure[front]!.shape.length === 3;
    return activation !== undefined && isOfMaps
      ? [own, { step: activation, place, label: activation }]
      : [own];
  });
  return (
    <nav class="tabs" aria-label={words.value.layers}>
      <button
        type="button"
        aria-label={words.value.draw}
        aria-current={!shown}
        onClick={() => {
          tab.value = null;
        }}
      >
        <Icon name="pen" size={16} />
      </button>
      {tabs.map(({ step, place, label }) => {
        const { name, title } = nameOfStep(state.structure[label]!);
        return (
          <button
            key={step}
            type="button"
            title={title}
            aria-label={`${name} ${title}`}
            aria-current={shown?.step === step}
            onClick={() => open(step, place)}
          >
            {name || title.split(" ")[0]}
          </button>
        );
      })}
    </nav>
  );
}

function largestOf(state: LookState, place: number): Choice {
  const { front } = state.columns[place]!;
  const { shape, values } = state.result.value.steps[front]!;
  return { stepIndex: front, unit: placeOf(shape, largestPlace(values)) };
}

type LayerProps = { state: LookState; step: number; place: number };

/** One layer: a map large and all of them small, or all units, or the classes. */
function LayerView({ state, step: index, place }: LayerProps) {
  const step = state.result.value.steps[index]!;
  const named = state.columns[place]!.front === index ? state.columns[place]!.main : index;
  const { name, title } = nameOfStep(state.structure[named]!);
  const { unit } = state.chosen.value;
  const [rows, columns] = sidesOf(step);
  const about =
    unit.index === undefined && place > 0
      ? words.value.mapOf(unit.channel + 1, countOf(step), rows, columns)
      : place > 0
        ? words.value.unitsOf(countOf(step))
        : step.shape.join(" × ");
  const isLast = place === state.columns.length - 1;
  return (
    <div class="layer">
      <header>
        <h2>
          {place === 0 ? (
            words.value.input
          ) : (
            <>
              <span class="muted">{name}</span> {title}
            </>
          )}
        </h2>
        <span class="muted">{about}</span>
      </header>
      {unit.index === undefined ? (
        <MapView state={state} step={step} place={place} unit={unit} />
      ) : isLast ? (
        <Classes state={state} />
      ) : (
        <Units state={state} step={step} place={place} chosen={unit.index} />
      )}
    </div>
  );
}
