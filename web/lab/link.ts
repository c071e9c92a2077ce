/** The page's address: it says which view is shown and what is trained, so that it can be shared. */

import { effect, signal } from "@preact/signals";
import type { Settings } from "../training/protocol.ts";
import { FIELDS, usualSettings, withField, textOf } from "../training/settings.ts";
import type { Trainings } from "../training/state.ts";

const VIEWS = ["look", "train", "teach", "experiments"] as const;
export type View = (typeof VIEWS)[number];
const OTHER = "vary."; // before what is otherwise in the second training

export const view = signal<View>(readLink().view);

/** What the address says: `#train?data=mnist&activation=relu&vary.pooling=max`. */
function readLink() {
  const [name = "", query = ""] = location.hash.slice(1).split("?");
  const said = new URLSearchParams(query);
  const take = (prefix: string) => {
    const taken: Partial<Settings> = {};
    for (const field of FIELDS) {
      const text = said.get(prefix + field.name);
      if (text !== null) Object.assign(taken, { [field.name]: withField(taken as Settings, field, text)[field.name] });
    }
    return taken;
  };
  return {
    view: VIEWS.find((known) => known === name) ?? "train",
    data: said.get("data"),
    settings: take(""),
    varied: take(OTHER),
  };
}

/** Do what the address says, now and whenever it changes, and let it say what is done. */
export async function followLink(trainings: Trainings) {
  await obey(trainings);
  addEventListener("hashchange", () => void obey(trainings));
  effect(() => {
    const link = linkOf(trainings);
    if (link !== location.hash) history.replaceState(null, "", link);
  });
}

async function obey(trainings: Trainings) {
  const { view: name, data, settings, varied } = readLink();
  if (view.value !== name) scrollTo(0, 0);
  view.value = name;
  const known = trainings.sets.find((set) => set.name === data) ?? trainings.sets[0]!;
  const isOther = trainings.setName.value !== known.name;
  if (isOther) await trainings.choose(known.name);
  const isSaid = Object.keys(settings).length + Object.keys(varied).length > 0;
  if (isSaid && location.hash !== linkOf(trainings)) trainings.become(settings, varied);
}

/** The address of what is shown: settings are there where they are not the usual ones. */
function linkOf({ settings, varied, set, setName, sets }: Trainings): string {
  const said = new URLSearchParams();
  const { value } = settings;
  const usual = usualSettings(value.model, set.value?.train.labels.length ?? 0);
  if (setName.value !== sets[0]!.name) said.set("data", setName.value);
  if (value.model !== "lenet") said.set("model", value.model);
  for (const { name } of FIELDS) {
    if (textOf(value[name]) !== textOf(usual[name])) said.set(name, textOf(value[name]));
    if (varied.value[name] !== undefined) said.set(OTHER + name, textOf(varied.value[name]));
  }
  const query = said.toString();
  return `#${view.value}${query && `?${query}`}`;
}
