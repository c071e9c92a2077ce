/**
 * Elements of the page: how they are found, made and filled.
 */

import { words } from "./words.js";

/** One of those of `playground.html`.
 * @type {<Id extends string>(id: Id) => Id extends keyof Elements ? Elements[Id] : HTMLElement} */
export function byId(id) {
  return /** @type {any} */ (document.getElementById(id));
}

/** The first one in a place that a selector names; there is one. @type {Find} */
export function find(place, selector) {
  return /** @type {any} */ (place.querySelector(selector));
}

/** What a template of the page holds. @type {(id: "verdict" | "layer") => HTMLElement} */
export function copyTemplate(id) {
  const template = /** @type {any} */ (byId(id));
  return template.content.cloneNode(true).firstElementChild;
}

/** The pen of a canvas.
 * @type {(canvas: HTMLCanvasElement | OffscreenCanvas, isReadOften?: boolean) => Pen} */
export function penOf(canvas, isReadOften = false) {
  return /** @type {any} */ (canvas).getContext("2d", { willReadFrequently: isReadOften });
}

/** Make one.
 * @type {<Tag extends keyof HTMLElementTagNameMap>(
 *   tag: Tag, text: string, className?: string) => HTMLElementTagNameMap[Tag]} */
export function make(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** A row whose first cell says what it is.
 * @type {(cells: (string | Node)[]) => HTMLTableRowElement} */
export function line([heading, ...cells]) {
  const row = make("tr", "");
  const first = make("th", "");
  first.scope = "row";
  first.append(heading);
  row.append(first);
  for (const content of cells) row.insertCell().append(content);
  return row;
}

/** Fill a choice with values and their names.
 * @type {(select: HTMLSelectElement, values: string[], names: string[],
 *   chosen?: string) => void} */
export function fillSelect(select, values, names, chosen = "") {
  select.replaceChildren(...names.map((name, place) => new Option(name, values[place])));
  select.value = chosen;
}

/** List the keys of the help. @type {(place: HTMLElement) => void} */
export function showKeys(place) {
  const { paper, layer, everywhere } = words.keyList;
  place.replaceChildren(
    keyTable(words.keysPaper, paper),
    keyTable(words.keysLayer, layer),
    keyTable(words.keysEverywhere, everywhere),
  );
}

/** @type {(heading: string, keys: string[][]) => HTMLTableElement} */
function keyTable(heading, keys) {
  const table = make("table", "");
  table.createCaption().textContent = heading;
  for (const [key, what] of keys) {
    table.append(line([make("kbd", key), what]));
  }
  return table;
}
