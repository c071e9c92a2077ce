/**
 * Every layer's feature maps, on a canvas each, with a number that is chosen.
 */

import { colourScale, greyScale, rangeOf, upwardScale } from "./appearance.js";
import { describeStep, titleOfStep } from "./layer_names.js";
import { DIRECTIONS, LABEL_FONT, cornerOf, layOut, neighbourOf, unitAt } from "./map_layout.js";
import { asDrawable, frameArea, numbersAsImage } from "./canvas.js";
import { copyTemplate, find, penOf } from "./elements.js";
import { placeOf } from "./explain.js";
import { inDigits, nameOfClass, words } from "./words.js";

/** @type {Record<string, (values: Float32Array) => ColourScale>} */
const SCALES = { input: greyScale, distances: upwardScale }; // of what is not about 0
const MOST_LABELS = 30; // of classes below the last layer

export class FeatureMaps {
  /**
   * @param {HTMLElement} list
   * @param {(choice: Choice | null,
   *   isKey?: boolean) => void} onPoint  Something is pointed at, or nothing any more.
   * @param {(choice: Choice | null) => void} onPin  It is to stay chosen; nothing: let go.
   */
  constructor(list, onPoint, onPin) {
    this.list = list;
    this.onPoint = onPoint;
    this.onPin = onPin;
    this.width = 320; // that there is on the page
    /** @type {Step[]} */
    this.steps = [];
    /** @type {Layout[]} */
    this.layouts = [];
    /** @type {Unit[]} */
    this.lastUnits = []; // of each layer, where its keyboard focus was
  }

  /**
   * @param {Model} model
   * @param {Step[]} steps
   * @param {Choice | null} choice
   * @param {AreaOfMap[]} inputFrames  Areas of the step before that the chosen number is made of.
   */
  show({ card }, steps, choice, inputFrames) {
    this.steps = steps;
    while (this.list.children.length > steps.length) this.list.lastChild?.remove();
    while (this.list.children.length < steps.length) this.addLayer(this.list.children.length);
    for (const [index, step] of steps.entries()) {
      const isLast = index === steps.length - 1;
      const scale = (SCALES[step.kind] ?? colourScale)(step.values);
      const element = this.list.children[index];
      this.showHead(element, step, isLast, scale);
      const isLabelled = isLast && step.shape[0] <= MOST_LABELS;
      const labels = isLabelled ? card.class_names.map(nameOfClass) : [];
      const canvas = find(element, "canvas.maps");
      this.paintMaps(index, canvas, step, scale, labels);
      if (choice?.stepIndex === index) this.frame(index, canvas, areaOf(choice.unit));
      if (choice?.stepIndex === index + 1) {
        for (const area of inputFrames) this.frame(index, canvas, area);
      }
    }
  }

  /** @type {(index: number) => void} */
  addLayer(index) {
    const element = copyTemplate("layer");
    const canvas = find(element, "canvas.maps");
    /** @type {(event: MouseEvent) => Choice | null} */
    const choiceAt = (event) => {
      const { shape } = this.steps[index];
      const unit = unitAt(this.layouts[index], shape, event.offsetX, event.offsetY);
      return unit && { stepIndex: index, unit };
    };
    canvas.addEventListener("pointermove", (event) => {
      const isMoved = event.movementX !== 0 || event.movementY !== 0; // rather than the page below
      if (event.pointerType === "mouse" && isMoved) this.onPoint(choiceAt(event) ?? this.inFocus());
    });
    canvas.addEventListener("pointerleave", () => this.onPoint(this.inFocus()));
    canvas.addEventListener("click", (event) => {
      const choice = choiceAt(event);
      if (choice) this.lastUnits[index] = choice.unit; // the keys go on from there
      this.onPin(choice);
    });
    canvas.addEventListener("focus", () => {
      if (canvas.matches(":focus-visible")) this.onPoint(this.inFocus());
    });
    canvas.addEventListener("blur", () => this.onPoint(null));
    canvas.addEventListener("keydown", (event) => this.press(index, event));
    this.list.append(element);
  }

  /** @type {(index: number, event: KeyboardEvent) => void} */
  press(index, event) {
    const unit = this.unitInFocus(index);
    if (event.key in DIRECTIONS) {
      const next = neighbourOf(this.layouts[index], this.steps[index].shape, unit, event.key);
      this.lastUnits[index] = next ?? unit;
      this.onPoint({ stepIndex: index, unit: this.lastUnits[index] }, true);
    } else if (event.key === "Enter") {
      this.onPin({ stepIndex: index, unit });
    } else {
      return;
    }
    event.preventDefault();
  }

  /** The number that the keyboard has come to; none where it is elsewhere.
   * @type {() => Choice | null} */
  inFocus() {
    const canvas = this.list.querySelector("canvas:focus-visible");
    const stepIndex = [...this.list.children].findIndex((one) => one.contains(canvas));
    if (!canvas) return null;
    return { stepIndex, unit: this.unitInFocus(stepIndex) };
  }

  /** Where the keyboard is in a layer: first, at its largest number.
   * @type {(index: number) => Unit} */
  unitInFocus(index) {
    const { shape, values } = this.steps[index];
    const last = this.lastUnits[index];
    if (last && isInShape(last, shape)) return last;
    this.lastUnits[index] = placeOf(shape, values.indexOf(rangeOf(values)[1]));
    return this.lastUnits[index];
  }

  /** @type {(element: Element, step: Step, isLast: boolean, scale: ColourScale) => void} */
  showHead(element, step, isLast, scale) {
    const { low, high } = scale;
    const title = titleOfStep(step);
    const shape = words.mapsShape(step.shape);
    const [lowest, highest] = [inDigits(low), inDigits(high)];
    setText(find(element, "h3"), title);
    setText(find(element, ".shape"), shape);
    setText(find(element, ".what"), describeStep(step, isLast));
    setText(find(element, ".low"), lowest);
    setText(find(element, ".high"), highest);
    const legend = find(element, ".legend canvas");
    const length = legend.width;
    const ramp = Float32Array.from({ length }, (_, i) => low + ((high - low) * i) / (length - 1));
    penOf(legend).putImageData(numbersAsImage(ramp, legend.width, scale), 0, 0);
  }

  /** Say what the canvases show, for those who don't see them; too slow for every stroke. */
  describe() {
    for (const [index, step] of this.steps.entries()) {
      const element = this.list.children[index];
      const [low, high] = [".low", ".high"].map((end) => find(element, end).textContent);
      const shape = words.mapsShape(step.shape);
      const alternative = words.layerAlternative(titleOfStep(step), shape, low, high);
      const canvas = find(element, "canvas.maps");
      canvas.setAttribute("aria-label", `${alternative}. ${words.mapsHow}`);
      canvas.setAttribute("aria-roledescription", words.mapsRole);
    }
  }

  /** @param {number} index @param {HTMLCanvasElement} canvas @param {Step} step
   * @param {ColourScale} scale @param {string[]} labels */
  paintMaps(index, canvas, step, scale, labels) {
    const pen = penOf(canvas);
    pen.font = LABEL_FONT;
    const layout = layOut(step.shape, this.width, labels, (label) => pen.measureText(label).width);
    this.layouts[index] = layout;
    const { width, height, rows, columns, cell, count } = layout;
    const ratio = devicePixelRatio;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) {
      canvas.width = wide;
      canvas.height = high;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.imageSmoothingEnabled = false;
    const numbers = asDrawable(numbersAsImage(step.values, columns, scale));
    for (let map = 0; map < count; map++) {
      const [left, top] = cornerOf(layout, map);
      pen.drawImage(numbers, 0, map * rows, columns, rows, left, top, columns * cell, rows * cell);
      if (labels.length) {
        pen.font = LABEL_FONT;
        pen.textAlign = "center";
        pen.fillStyle = getComputedStyle(canvas).color;
        pen.fillText(labels[map], left + cell / 2, top + cell + 14);
      }
    }
  }

  /** Outline an area of a map.
   * @type {(index: number, canvas: HTMLCanvasElement, area: AreaOfMap) => void} */
  frame(index, canvas, { channel, top, left, bottom, right }) {
    const layout = this.layouts[index];
    const [x, y] = cornerOf(layout, channel);
    const pen = penOf(canvas);
    pen.save();
    pen.translate(x, y);
    frameArea(pen, { top, left, bottom, right }, layout.cell, 2);
    pen.restore();
  }
}

/** The area that a number takes in its map. @type {(unit: Unit) => AreaOfMap} */
function areaOf({ channel = 0, row = 0, column = 0, index }) {
  return { channel: index ?? channel, top: row, left: column, bottom: row + 1, right: column + 1 };
}

/** @type {(unit: Unit, shape: Shape) => boolean} */
function isInShape(unit, shape) {
  if (unit.index !== undefined) return shape.length === 1 && unit.index < shape[0];
  return unit.channel < shape[0] && unit.row < shape[1] && unit.column < shape[2];
}

/** @type {(element: Element, text: string) => void} */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
