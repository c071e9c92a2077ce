/**
 * The paper: what is drawn on it, or the picture that lies on it.
 */

import { FRAME_COLOUR } from "./appearance.js";
import { penOf } from "./elements.js";

const READ_SIDE = 168; // pixels of a drawing as it is read
const KEY_STEP = 1 / 28; // of the field
const FINE_STEP = 1 / 112;

export class Paper {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} onChange  Is told when there is something else on the paper.
   */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.drawing = new Drawing();
    /** @type {ShownPicture | null} */
    this.picture = null;
    /** The part that was cut out, in shares; or none. @type {Box | null} */
    this.box = null;
    this.side = READ_SIDE; // on the page
    this.thickness = 0.05;
    this.erases = false;
    this.usesKeys = false; // rather than a pointer
    this.keyPen = { x: 0.5, y: 0.5, isDown: false };
    /** @type {number | undefined} */
    this.pointer = undefined; // whose stroke goes on
    this.reader = penOf(new OffscreenCanvas(READ_SIDE, READ_SIDE), true);
    this.listen();
  }

  get isEmpty() {
    return !this.picture && this.drawing.isEmpty;
  }

  /** Lay a picture onto the paper. @type {(picture: ShownPicture) => void} */
  lay(picture) {
    this.picture = picture;
    this.beginAnew();
  }

  undo() {
    if (this.picture) this.picture = null;
    else this.drawing.undo();
    this.beginAnew();
  }

  clear() {
    this.picture = null;
    this.drawing.clear();
    this.beginAnew();
  }

  /** Tell that something else is on the paper, where no stroke goes on. */
  beginAnew() {
    this.keyPen.isDown = false;
    this.pointer = undefined;
    this.onChange();
  }

  /** What is on the paper, as pixels. @type {() => Picture} */
  read() {
    if (this.picture) return this.picture;
    this.drawing.paint(this.reader, READ_SIDE);
    const { data } = this.reader.getImageData(0, 0, READ_SIDE, READ_SIDE);
    return { data, width: READ_SIDE, height: READ_SIDE, channels: 4 };
  }

  /** Show it, with the frame of what was cut out. */
  show() {
    const side = Math.round(this.side * devicePixelRatio);
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const pen = penOf(this.canvas);
    let [left, top, wide, high] = [0, 0, side, side];
    if (this.picture) {
      const { shown, width, height } = this.picture;
      const scale = Math.min(side / width, side / height);
      [wide, high] = [scale * width, scale * height];
      [left, top] = [(side - wide) / 2, (side - high) / 2];
      pen.clearRect(0, 0, side, side);
      pen.imageSmoothingEnabled = scale < 3;
      pen.drawImage(shown, left, top, wide, high);
    } else {
      this.drawing.paint(pen, side);
    }
    if (this.box) showBox(pen, this.box, [left, top, wide, high]);
    if (this.usesKeys && document.activeElement === this.canvas) this.showKeyPen(pen, side);
  }

  /** @type {(pen: Pen, side: number) => void} */
  showKeyPen(pen, side) {
    const { x, y, isDown } = this.keyPen;
    pen.beginPath();
    pen.arc(x * side, y * side, Math.max(5, (this.thickness * side) / 2), 0, 2 * Math.PI);
    pen.lineWidth = 2 * devicePixelRatio;
    pen.strokeStyle = FRAME_COLOUR;
    pen.fillStyle = FRAME_COLOUR;
    pen.stroke();
    if (isDown) pen.fill();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      canvas.setPointerCapture(event.pointerId);
      this.usesKeys = this.keyPen.isDown = false;
      this.begin(this.pointOf(event));
      this.pointer = event.pointerId;
      event.preventDefault(); // no selection, no scrolling
      canvas.focus({ focusVisible: false, preventScroll: true });
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== this.pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) this.drawing.extend(this.pointOf(one));
      this.onChange();
    });
    for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(end, (event) => {
        if (event.pointerId === this.pointer) this.pointer = undefined;
      });
    }
    canvas.addEventListener("focus", () => {
      this.usesKeys = canvas.matches(":focus-visible");
      this.onChange();
    });
    canvas.addEventListener("blur", () => this.onChange());
  }

  /** Begin a stroke; a picture is put aside for it. @type {(point: Point) => void} */
  begin(point) {
    this.picture = null;
    this.drawing.begin(point, this.erases);
    this.onChange();
  }

  /** @type {(event: PointerEvent) => Point} */
  pointOf({ clientX, clientY, pressure, pointerType }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const wide = pointerType === "pen" && pressure ? 0.4 + 1.2 * pressure : 1;
    return [(clientX - left) / width, (clientY - top) / height, wide * this.width];
  }

  get width() {
    return this.erases ? 2 * this.thickness : this.thickness;
  }

  /** Put the pen that the keyboard moves down, or lift it. */
  pressKeyPen() {
    const { keyPen } = this;
    this.usesKeys = true;
    keyPen.isDown = !keyPen.isDown;
    if (keyPen.isDown) this.begin([keyPen.x, keyPen.y, this.width]);
    else this.onChange();
  }

  /** Move it by so many steps. @type {(across: number, down: number, isFine: boolean) => void} */
  moveKeyPen(across, down, isFine) {
    const { keyPen } = this;
    this.usesKeys = true;
    const step = isFine ? FINE_STEP : KEY_STEP;
    keyPen.x = Math.min(1, Math.max(0, keyPen.x + across * step));
    keyPen.y = Math.min(1, Math.max(0, keyPen.y + down * step));
    if (keyPen.isDown) this.drawing.extend([keyPen.x, keyPen.y, this.width]);
    this.onChange();
  }
}

/** Strokes in a square field whose sides are 1, which can be undone. */
class Drawing {
  constructor() {
    /** @type {Stroke[]} */
    this.strokes = [];
    /** @type {Stroke[][]} */
    this.past = []; // what there was before each change
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  get canUndo() {
    return this.past.length > 0;
  }

  /** Begin a stroke. @type {(point: Point, erases: boolean) => void} */
  begin(point, erases) {
    this.past.push(this.strokes);
    this.strokes = [...this.strokes, { points: [point], erases }];
  }

  /** Go on with the last stroke. @type {(point: Point) => void} */
  extend(point) {
    this.strokes.at(-1)?.points.push(point);
  }

  clear() {
    if (this.isEmpty) return;
    this.past.push(this.strokes);
    this.strokes = [];
  }

  undo() {
    this.strokes = this.past.pop() ?? this.strokes;
  }

  /** Draw all strokes, black on white, into a square of so many pixels.
   * @type {(pen: Pen, side: number) => void} */
  paint(pen, side) {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, side, side);
    pen.lineCap = pen.lineJoin = "round";
    for (const { points, erases } of this.strokes) {
      pen.strokeStyle = erases ? "#fff" : "#111";
      const scaled = points.map((point) => point.map((number) => number * side));
      for (let index = 0; index < scaled.length; index++) paintPiece(pen, scaled, index);
    }
  }
}

/** The piece of a stroke round one of its points: a curve from the middle before to that after.
 * @type {(pen: Pen, points: number[][], index: number) => void} */
function paintPiece(pen, points, index) {
  const [x, y, width] = points[index];
  const [startX, startY] = index ? midpoint(points[index - 1], points[index]) : [x, y];
  const isLast = index === points.length - 1;
  const [endX, endY] = isLast ? [x, y] : midpoint(points[index], points[index + 1]);
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(startX, startY);
  pen.quadraticCurveTo(x, y, endX, endY);
  pen.stroke();
}

/** @type {(one: number[], other: number[]) => Pair} */
function midpoint([x, y], [otherX, otherY]) {
  return [(x + otherX) / 2, (y + otherY) / 2];
}

/** The frame of what was cut out. @type {(pen: Pen, box: Box, area: number[]) => void} */
function showBox(pen, [boxTop, boxLeft, boxBottom, boxRight], [left, top, width, height]) {
  pen.save();
  pen.lineCap = "butt";
  pen.lineWidth = 1.5 * devicePixelRatio;
  pen.strokeStyle = FRAME_COLOUR;
  pen.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  pen.strokeRect(
    left + boxLeft * width,
    top + boxTop * height,
    (boxRight - boxLeft) * width,
    (boxBottom - boxTop) * height,
  );
  pen.restore();
}
