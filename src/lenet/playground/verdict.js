/**
 * What a network answers: the image that it saw, the answer, every class with its probability.
 */

import { paintImage } from "./canvas.js";
import { inPercent, nameOfClass, words } from "./words.js";

const MOST_ROWS = 12; // of classes; of more, the likeliest are shown
const LIKELIEST = 10;
const WORD = /...|[^\x00-\u2dff]./u; // three letters, or two Chinese ones: no single sign
const SEVERAL = 3; // pieces that do not hang together, as in `lenet/cli/predict.py`

/**
 * @typedef {object} Opinion  What a model makes of what is on the paper.
 * @property {string} name  The model's.
 * @property {import("./model.js").Model} model
 * @property {{image: Uint8Array, box: number[], isBlank: boolean, parts: number}} seen
 * @property {{probabilities: Float64Array, steps: object[]}} result
 * @property {boolean} isExample  Whether the image is one of its test images, as it is.
 */

/** What an opinion comes to. */
export function answerOf({ model: { card }, seen, result: { probabilities } }) {
  const index = probabilities.indexOf(Math.max(...probabilities));
  const probability = probabilities[index];
  const name = nameOfClass(card.class_names[index]);
  if (seen.isBlank && !card.answers_blank) return { kind: "blank", text: words.nothing };
  if (probability < card.calibration.threshold) {
    return { kind: "none", text: words.none, nearest: name, probability };
  }
  return { kind: "class", text: name, index, probability };
}

/** An answer in a line, for those who listen. */
export function answerInWords({ kind, text, nearest, probability }) {
  if (kind === "blank") return text;
  const share = inPercent(probability);
  const rest = kind === "none" ? words.nearest(nearest, share) : words.sure(share);
  return words.listOf(text, [rest]);
}

/** One column of the page: a network and its answer. */
export class Verdict {
  constructor() {
    const template = document.getElementById("verdict");
    this.element = template.content.cloneNode(true).firstElementChild;
    this.rows = [];
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  /**
   * @param {Opinion} opinion
   * @param {string | null} rightName  The class that the test image on the paper belongs to.
   * @param {{top: number, left: number, bottom: number, right: number} | null} field  To outline.
   */
  show(opinion, rightName, field) {
    const { name, model, seen, result } = opinion;
    const { card } = model;
    const answer = answerOf(opinion);
    this.find(".model-name").textContent = name;
    this.showSeen(opinion, field);
    const said = this.find(".answer");
    said.textContent = answer.kind === "blank" ? words.nothingShort : answer.text;
    said.dataset.kind = answer.kind;
    said.classList.toggle("word", WORD.test(said.textContent));
    this.find(".certainty").textContent = {
      blank: () => words.nothing,
      none: () => words.nearest(answer.nearest, inPercent(answer.probability)),
      class: () => words.sure(inPercent(answer.probability)),
    }[answer.kind]();
    const remark = this.find(".remark");
    remark.textContent = remarkOn(answer, opinion, rightName);
    const isJudged = answer.kind === "class" && rightName;
    remark.dataset.kind = isJudged ? isRight(answer, card, rightName) : "";
    this.showRows(card, answer.kind === "blank" ? null : result.probabilities, answer.index);
  }

  showSeen({ model: { card }, seen, isExample }, field) {
    const canvas = this.find(".seen canvas");
    paintImage(canvas, seen.image, card.input_shape, field);
    const [, height, width] = card.input_shape;
    const isWhole = card.preparation.method === "plain";
    const how = isExample ? words.sawWhole : isWhole ? words.sawAll : words.sawCut;
    const parts = [words.sawSize(width, height), ...(seen.isBlank ? [] : [how])];
    const text = words.listOf(words.saw, parts);
    this.find(".seen figcaption").textContent = text;
    canvas.setAttribute("aria-label", text);
  }

  showRows({ class_names: names }, probabilities, chosen) {
    const shares = probabilities ?? new Float64Array(names.length);
    let order = [...names.keys()];
    if (names.length > MOST_ROWS) {
      order = order.sort((a, b) => shares[b] - shares[a]).slice(0, LIKELIEST);
    }
    const left = names.length - order.length;
    this.find("caption").textContent = words.probabilities;
    const headings = this.element.querySelectorAll("thead th");
    headings[0].textContent = words.className;
    headings[1].textContent = words.probability;
    const body = this.find("tbody");
    while (body.rows.length < order.length + (left ? 1 : 0)) body.append(emptyRow());
    while (body.rows.length > order.length + (left ? 1 : 0)) body.lastChild.remove();
    for (const [place, index] of order.entries()) {
      const text = probabilities ? inPercent(shares[index]) : "";
      fillRow(body.rows[place], nameOfClass(names[index]), shares[index], text, index === chosen);
    }
    if (left) {
      const rest = 1 - order.reduce((sum, index) => sum + shares[index], 0);
      const share = Math.max(0, rest);
      const text = probabilities ? inPercent(share) : "";
      fillRow(body.rows[order.length], words.others(left), share, text, false);
    }
  }
}

function emptyRow() {
  const row = document.createElement("tr");
  const heading = document.createElement("th");
  heading.scope = "row";
  const cell = document.createElement("td");
  const bar = document.createElement("span");
  bar.className = "bar";
  const number = document.createElement("span");
  number.className = "number";
  cell.append(bar, number);
  row.append(heading, cell);
  return row;
}

function fillRow(row, name, share, text, isChosen) {
  const [heading, cell] = row.children;
  heading.textContent = name;
  cell.firstChild.style.setProperty("--share", share.toFixed(4));
  cell.lastChild.textContent = text;
  row.classList.toggle("chosen", isChosen);
}

function isRight({ index }, card, rightName) {
  return card.class_names[index] === rightName ? "right" : "wrong";
}

/** Whether a network can be shown pictures: grey or coloured ones. */
export function takesPictures({ input_shape: [channels] }) {
  return channels === 1 || channels === 3;
}

function remarkOn(answer, { model: { card }, seen, isExample }, rightName) {
  if (!takesPictures(card) && !isExample) return words.notPrepared;
  if (rightName && card.class_names.includes(rightName)) {
    return answer.kind === "class" ? words[isRight(answer, card, rightName)] : "";
  }
  return answer.kind === "none" && seen.parts >= SEVERAL ? words.severalParts : "";
}
