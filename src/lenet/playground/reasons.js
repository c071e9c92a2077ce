/**
 * What is behind a number: its inputs, their weights, and how they come to it.
 */

import { colourScale, rangeOf } from "./appearance.js";
import { explainUnit, indexOf, receptiveField } from "./explain.js";
import { line, make, penOf } from "./elements.js";
import { describeStep, nameOfUnit, titleOfStep } from "./layer_names.js";
import { numbersAsImage } from "./canvas.js";
import { inDigits, nameOfClass, words } from "./words.js";

const MOST_MAPS = 6; // whose patches are shown; those that contribute most
const MOST_UNITS = 8;
const PATCH_SIDE = 70; // of a patch on the page

/** Find out what is behind a number.
 * @type {(model: Network, result: Result, choice: Choice) => Reasons} */
export function findReasons(model, result, { stepIndex, unit }) {
  const { steps } = result;
  const explanation = explainUnit(model, result, stepIndex, unit);
  const [, height, width] = model.card.input_shape;
  const field =
    unit.index !== undefined
      ? { top: 0, left: 0, bottom: height, right: width }
      : receptiveField(model, stepIndex, unit);
  const contribution = contributionOf(steps[stepIndex]);
  const frames = framesOf(explanation.inputs, contribution);
  return { explanation, field, frames };
}

/** A distance's contribution, or a product. @type {(step: {kind: string}) => Contribute} */
function contributionOf({ kind }) {
  return ({ value, weight }) => (kind === "distances" ? -((value - weight) ** 2) : value * weight);
}

/** The areas that inputs take in their maps; of single units, those that contribute most.
 * @type {(inputs: Contribution[], contribution: Contribute) => AreaOfMap[]} */
function framesOf(inputs, contribution) {
  if (inputs.length && inputs[0].index !== undefined) {
    return largestFirst(inputs, contribution)
      .slice(0, MOST_UNITS)
      .map(({ index = 0 }) => ({ channel: index, top: 0, left: 0, bottom: 1, right: 1 }));
  }
  const maps = mapsFirst(inputs, contribution).slice(0, MOST_MAPS);
  return maps.map(({ channel, places }) => {
    const [top, bottom] = rangeOf(places.map(({ row }) => row));
    const [left, right] = rangeOf(places.map(({ column }) => column));
    return { channel, top, left, bottom: bottom + 1, right: right + 1 };
  });
}

/** The maps that inputs lie in, from the one that contributes most.
 * @type {(inputs: Contribution[], contribution: Contribute) => {channel: number, places: InMap[],
 *   sum: number}[]} */
function mapsFirst(inputs, contribution) {
  const maps = [...byChannel(inputs)].map(([channel, places]) => {
    const sum = places.reduce((total, place) => total + contribution(place), 0);
    return { channel, places, sum };
  });
  return largestFirst(maps, ({ sum }) => sum);
}

/** @type {(inputs: Contribution[]) => Map<number, InMap[]>} */
function byChannel(inputs) {
  const maps = new Map();
  for (const input of inputs) {
    if (!maps.has(input.channel)) maps.set(input.channel, []);
    maps.get(input.channel).push(input);
  }
  return maps;
}

/** @template T @param {T[]} list @param {(one: T) => number} size */
function largestFirst(list, size) {
  return [...list].sort((a, b) => Math.abs(size(b)) - Math.abs(size(a)));
}

/** Show what is behind a number.
 * @param {HTMLElement} body @param {Model} model @param {Step[]} steps @param {Choice} choice
 * @param {Reasons} reasons @param {Uint8Array} image What the network saw. */
export function showReasons(body, model, steps, choice, { explanation, field }, image) {
  const { stepIndex, unit } = choice;
  const step = steps[stepIndex];
  const isOpen = body.querySelector("details")?.open ?? false;
  /** @type {HTMLElement[]} */
  const shown = [headOf(model, steps, choice, explanation.value)];
  if (stepIndex === 0) {
    shown.push(...pixelReasons(model.card, step, unit, explanation.value, image));
  } else {
    const rows = field.bottom - field.top;
    shown.push(make("p", words.fieldSize(rows, field.right - field.left), "caption"));
    const { inputs } = explanation;
    const isSum = inputs.length || (step.layer && "bias" in step.layer);
    if (!isSum) shown.push(make("p", describeStep(step, false), "formula"));
    else shown.push(sumOf(explanation, step, steps[stepIndex - 1]));
    if (inputs.length > 1) {
      shown.push(allNumbers(explanation, step, isOpen));
    }
  }
  body.replaceChildren(...shown);
}

/** @param {Model} model @param {Step[]} steps @param {Choice} choice @param {number} value */
function headOf(model, steps, { stepIndex, unit }, value) {
  const head = make("p", "", "unit");
  const isLast = stepIndex === steps.length - 1;
  const name = isLast
    ? words.unitOf(
        titleOfStep(steps[stepIndex]),
        nameOfClass(model.card.class_names[unit.index ?? 0]),
      )
    : nameOfUnit(steps[stepIndex], unit);
  head.append(make("span", name), make("strong", inDigits(value)));
  head.title = describeStep(steps[stepIndex], isLast);
  return head;
}

/** @param {Card} card @param {Step} step @param {Unit} unit @param {number} value
 * @param {Uint8Array} image */
function pixelReasons({ normalisation }, step, unit, value, image) {
  const pixel = image[indexOf(step.shape, unit)];
  const { mean, std } = normalisation;
  const sum = `(${pixel} / 255 − ${inDigits(mean)}) / ${inDigits(std)} = ${inDigits(value)}`;
  return [make("p", words.pixelSum, "caption"), make("p", sum, "formula")];
}

/** How the inputs come to the number: patches of maps, or the largest contributions.
 * @type {(explanation: Explanation, step: Step, before: Step) => HTMLElement} */
function sumOf(explanation, step, before) {
  const { inputs, bias, value } = explanation;
  const contribution = contributionOf(step);
  if (step.kind === "activation") {
    const formula = `${titleOfStep(step)}(${inDigits(inputs[0].value)}) = ${inDigits(value)}`;
    return make("p", formula, "formula");
  }
  const table = make("table", "", "sum");
  const isOfMaps = inputs[0]?.index === undefined;
  const headings = [words.from, words.patch, words.weights, words.sum];
  table.append(headRow(isOfMaps ? headings : numberHeadings(step)));
  const rows = table.createTBody();
  rows.append(
    ...(isOfMaps
      ? patchLines(inputs, contribution, before, step)
      : unitLines(inputs, contribution)),
  );
  if (step.layer && "bias" in step.layer) rows.append(totalRow(words.bias, bias));
  const total = totalRow(words.total, value);
  total.className = "total";
  rows.append(total);
  return table;
}

/** @param {Contribution[]} inputs @param {Contribute} contribution @param {Step} before
 * @param {Step} step */
function patchLines(inputs, contribution, before, step) {
  const maps = mapsFirst(inputs, contribution);
  const shown = maps.slice(0, MOST_MAPS);
  const isImage = before.kind === "input" && before.shape[0] === 1;
  const valueScale = colourScale(inputs.map(({ value }) => value));
  const weightScale = colourScale(inputs.map(({ weight }) => weight));
  const lines = shown.map(({ channel, places, sum }) =>
    line([
      isImage ? words.image : words.mapNumber(channel + 1),
      patchCanvas(places, ({ value }) => value, valueScale, words.patch),
      places.length <= 4 && step.kind !== "convolution"
        ? places.map(({ weight }) => inDigits(weight)).join(" ")
        : patchCanvas(places, ({ weight }) => weight, weightScale, words.weights),
      inDigits(sum),
    ]),
  );
  const left = maps.length - shown.length;
  if (left) {
    const rest = maps.slice(MOST_MAPS).reduce((sum, map) => sum + map.sum, 0);
    lines.push(totalRow(words.restOfMaps(left), rest));
  }
  return lines;
}

/** @type {(inputs: Contribution[], contribution: Contribute) => HTMLElement[]} */
function unitLines(inputs, contribution) {
  const ordered = largestFirst(inputs, contribution);
  const shown = ordered.slice(0, MOST_UNITS);
  const lines = shown.map((input) => numberLine(words.place(input), input, contribution));
  const rest = ordered.slice(MOST_UNITS);
  if (rest.length) {
    const sum = rest.reduce((total, input) => total + contribution(input), 0);
    lines.push(totalRow(words.restOfUnits(rest.length), sum));
  }
  return lines;
}

/** All the inputs as a table, which is filled when it is opened.
 * @type {(explanation: Explanation, step: Step, isOpen: boolean) => HTMLElement} */
function allNumbers({ inputs }, step, isOpen) {
  const details = document.createElement("details");
  details.append(make("summary", words.allNumbers(inputs.length)));
  const fill = () => {
    if (!details.open || details.querySelector("table")) return;
    const table = make("table", "", "numbers");
    table.append(headRow(numberHeadings(step)));
    const rows = table.createTBody();
    for (const input of inputs) {
      rows.append(numberLine(words.place(input), input, contributionOf(step)));
    }
    const box = make("div", "", "scroll");
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", words.allNumbers(inputs.length));
    box.append(table);
    details.append(box);
  };
  details.addEventListener("toggle", fill);
  details.open = isOpen;
  fill();
  return details;
}

/** @type {(step: Step) => string[]} */
function numberHeadings({ kind }) {
  const last = kind === "distances" ? words.distance : words.product;
  return [words.from, words.value, words.weight, last];
}

/** @type {(name: string, input: Contribution, contribution: Contribute) => HTMLElement} */
function numberLine(name, input, contribution) {
  return line([name, ...[input.value, input.weight, contribution(input)].map(inDigits)]);
}

/** @param {InMap[]} places @param {Contribute} number @param {ColourScale} scale
 * @param {string} label */
function patchCanvas(places, number, scale, label) {
  const columns = new Set(places.map(({ column }) => column)).size;
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = places.length / columns;
  const longer = Math.max(canvas.width, canvas.height);
  canvas.style.width = `${(PATCH_SIDE * canvas.width) / longer}px`;
  canvas.style.height = `${(PATCH_SIDE * canvas.height) / longer}px`;
  canvas.setAttribute("role", "img");
  const range = words.legend(inDigits(scale.low), inDigits(scale.high));
  canvas.setAttribute("aria-label", words.listOf(label, [range]));
  const image = numbersAsImage(Float32Array.from(places, number), columns, scale);
  penOf(canvas).putImageData(image, 0, 0);
  return canvas;
}

/** @type {(headings: string[]) => HTMLElement} */
function headRow(headings) {
  const head = document.createElement("thead");
  const row = head.insertRow();
  for (const heading of headings) {
    const cell = make("th", heading);
    cell.scope = "col";
    row.append(cell);
  }
  return head;
}

/** @type {(heading: string, number: number) => HTMLTableRowElement} */
function totalRow(heading, number) {
  return line([heading, "", "", inDigits(number)]);
}
