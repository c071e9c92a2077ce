/**
 * Parts of the page that are lists of words.
 */

import { words } from "./words.js";

/** Fill a choice with values and their names. */
export function fillSelect(select, entries, chosen) {
  const options = entries.map(([value, name]) => new Option(name, value));
  select.replaceChildren(...options);
  select.value = chosen ?? "";
}

/** List the keys of the help. */
export function showKeys(place) {
  const { paper, layer, everywhere } = words.keyList;
  const groups = [
    [words.keysPaper, paper],
    [words.keysLayer, layer],
    [words.keysEverywhere, everywhere],
  ];
  place.replaceChildren(...groups.map(([heading, keys]) => keyTable(heading, keys)));
}

function keyTable(heading, keys) {
  const table = document.createElement("table");
  table.createCaption().textContent = heading;
  for (const [key, what] of keys) {
    const row = table.insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    const cap = document.createElement("kbd");
    cap.textContent = key;
    name.append(cap);
    row.append(name);
    row.insertCell().textContent = what;
  }
  return table;
}
