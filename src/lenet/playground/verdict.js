/**
 * What a network answers: the image that it saw, the answer, every class with its probability.
 */

import { paintImage } from "./canvas.js";
import { copyTemplate, find, line, make } from "./elements.js";
import { decide } from "./network.js";
import { inPercent, nameOfClass, words } from "./words.js";

const MOST_ROWS = 12; // of classes; of more, the likeliest are shown
const LIKELIEST = 10;
const WORD = /...|[^\x00-\u2dff]./u; // three letters, or two Chinese ones: no single sign
const SEVERAL = 3; // pieces that do not hang together, as in `lenet/cli/predict.py`

/** What an opinion comes to. @type {(opinion: Opinion) => Answer} */
export function answerOf({ model: { card }, seen, result: { probabilities } }) {
  if (seen.isBlank && !card.answers_blank) return { kind: "blank", text: words.nothing };
  const decision = decide(card, probabilities);
  const { index, probability, isSure } = decision;
  const name = nameOfClass(card.classes[index]);
  if (isSure) return { kind: "class", text: name, index, probability };
  const { threshold, reach } = card.calibration;
  return { kind: "none", text: words.none, nearest: name, threshold, reach, ...decision };
}

/** An answer in a line, for those who listen. @type {(answer: Answer) => string} */
export function answerInWords(answer) {
  return answer.kind === "blank" ? answer.text : words.listOf(answer.text, [howSure(answer)]);
}

/** @type {(answer: Answer) => string} */
function howSure(answer) {
  if (answer.kind === "blank") return words.nothing;
  if (answer.kind === "class") return words.sure(inPercent(answer.probability));
  const { nearest, probability, threshold, none, isFar, distance, reach } = answer;
  if (isFar) {
    // Rounded away from each other, so that what is too far looks so.
    return words.tooFar(nearest, inTenths(Math.ceil(10 * distance)), inTenths(Math.floor(10 * reach)));
  }
  if (none > probability || probability >= threshold) {
    return words.ratherNone(nearest, inPercent(probability), inPercent(none));
  }
  const [share, needed] = [probability, threshold].map(inPercent);
  // Cut off then, so that what is not enough does not look as if it were.
  const below = share === needed ? inPercent(Math.floor(1000 * probability) / 1000) : share;
  return words.notEnough(nearest, below, needed);
}

/** @type {(tenths: number) => string} */
function inTenths(tenths) {
  return (tenths / 10).toFixed(1);
}

/** One column of the page: a network and its answer. */
export class Verdict {
  constructor() {
    this.element = copyTemplate("verdict");
  }

  /**
   * @param {Opinion} opinion
   * @param {string | null} rightName  The class that the test image on the paper belongs to.
   * @param {Area | null} field  To outline.
   */
  show(opinion, rightName, field) {
    const {
      name,
      model: { card },
      result,
    } = opinion;
    const answer = answerOf(opinion);
    find(this.element, ".model-name").textContent = name;
    this.showSeen(opinion, field);
    const said = find(this.element, ".answer");
    said.textContent = answer.kind === "blank" ? words.nothingShort : answer.text;
    said.dataset.kind = answer.kind;
    said.classList.toggle("word", WORD.test(said.textContent));
    find(this.element, ".certainty").textContent = howSure(answer);
    const remark = find(this.element, ".remark");
    remark.textContent = remarkOn(answer, opinion, rightName);
    remark.dataset.kind = judge(answer, card, rightName);
    const chosen = answer.kind === "class" ? answer.index : undefined;
    this.showRows(card, answer.kind === "blank" ? null : result.probabilities, chosen);
    this.showThreshold(card.calibration);
  }

  /** @type {(opinion: Opinion, field: Area | null) => void} */
  showSeen({ model: { card }, seen, isExample }, field) {
    const canvas = find(this.element, ".seen canvas");
    paintImage(canvas, seen.image, card.input_shape, field);
    const [, height, width] = card.input_shape;
    const isWhole = card.preparation.method === "plain";
    const how = isExample ? words.sawWhole : isWhole ? words.sawAll : words.sawCut;
    const parts = [words.sawSize(width, height), ...(seen.isBlank ? [] : [how])];
    const text = words.listOf(words.saw, parts);
    find(this.element, ".seen figcaption").textContent = text;
    canvas.setAttribute("aria-label", text);
  }

  /** @type {(card: Card, probabilities: Float64Array | null, chosen?: number) => void} */
  showRows({ classes: names, class_names: outputs }, probabilities, chosen) {
    const shares = probabilities ?? new Float64Array(outputs.length);
    let order = [...names.keys()];
    if (names.length > MOST_ROWS) {
      order = order.sort((a, b) => shares[b] - shares[a]).slice(0, LIKELIEST);
    }
    const rows = order.map((index) => {
      return { name: nameOfClass(names[index]), share: shares[index], isChosen: index === chosen };
    });
    const left = names.length - order.length;
    const none = shares.subarray(names.length); // of one share, or empty
    if (left) {
      const rest = Math.max(0, 1 - rows.reduce((sum, { share }) => sum + share, none[0] ?? 0));
      rows.push({ name: words.others(left), share: rest, isChosen: false });
    }
    for (const share of none) {
      rows.push({ name: nameOfClass(outputs[names.length]), share, isChosen: false });
    }
    find(this.element, "caption").textContent = words.probabilities;
    const headings = this.element.querySelectorAll("thead th");
    headings[0].textContent = words.className;
    headings[1].textContent = words.probability;
    const body = find(this.element, "tbody");
    while (body.rows.length < rows.length) body.append(emptyRow());
    while (body.rows.length > rows.length) body.lastChild?.remove();
    for (const [place, { name, share, isChosen }] of rows.entries()) {
      const row = body.rows[place];
      find(row, "th").textContent = name;
      find(row, ".bar").style.setProperty("--share", share.toFixed(4));
      find(row, ".number").textContent = probabilities ? inPercent(share) : "";
      row.classList.toggle("chosen", isChosen);
      row.classList.toggle("apart", place >= order.length);
    }
  }

  /** The line in the bars that an answer has to reach. @type {(calibration: Calibration) => void} */
  showThreshold({ threshold }) {
    const table = find(this.element, ".probabilities");
    table.style.setProperty("--threshold", threshold.toFixed(4));
    table.classList.toggle("lined", threshold > 0);
    find(table, "tfoot").hidden = threshold === 0;
    find(table, ".needed").textContent = words.line(inPercent(threshold));
  }
}

function emptyRow() {
  const row = line(["", make("span", "", "bar")]);
  row.cells[1].append(make("span", "", "number"));
  return row;
}

/** Whether an answer is right, where that is known and no mere doubt; a counter-example has none.
 * @type {(answer: Answer, card: Card, rightName: string | null) => "right" | "wrong" | ""} */
function judge(answer, { classes, class_names: names }, rightName) {
  if (!rightName || !names.includes(rightName)) return "";
  if (answer.kind === "class") return classes[answer.index] === rightName ? "right" : "wrong";
  return classes.includes(rightName) ? "" : "right";
}

/** Whether a network can be shown pictures: grey or coloured ones.
 * @type {(card: Card) => boolean} */
export function takesPictures({ input_shape: [channels] }) {
  return channels === 1 || channels === 3;
}

/** @type {(answer: Answer, opinion: Opinion, rightName: string | null) => string} */
function remarkOn(answer, { model: { card }, seen, isExample }, rightName) {
  if (!takesPictures(card) && !isExample) return words.notPrepared;
  if (rightName && card.class_names.includes(rightName)) {
    const judged = judge(answer, card, rightName);
    return judged && words[judged];
  }
  return answer.kind === "none" && seen.parts >= SEVERAL ? words.severalParts : "";
}
