/** Strokes in a square field whose sides are 1, which can be undone and redone. */

import { computed, signal } from "@preact/signals";

export class Drawing {
  /** One more with each change. */
  readonly version = signal(0);
  strokes: Stroke[] = [];
  #past: Stroke[][] = [];
  #future: Stroke[][] = [];
  readonly canUndo = computed(() => this.version.value > 0 && this.#past.length > 0);
  readonly canRedo = computed(() => this.version.value > 0 && this.#future.length > 0);

  get isEmpty(): boolean {
    return this.strokes.every(({ erases }) => erases);
  }

  /** Begin a stroke: a dot so far. */
  begin(point: Point, erases: boolean) {
    this.#keep();
    this.strokes = [...this.strokes, { points: [point], erases }];
    this.version.value++;
  }

  /** Go on with the last stroke. */
  extend(point: Point) {
    this.strokes.at(-1)?.points.push(point);
    this.version.value++;
  }

  clear() {
    if (!this.strokes.length) return;
    this.#keep();
    this.strokes = [];
    this.version.value++;
  }

  undo() {
    this.#go(this.#past, this.#future);
  }

  redo() {
    this.#go(this.#future, this.#past);
  }

  #keep() {
    this.#past.push(this.strokes);
    this.#future = [];
  }

  #go(from: Stroke[][], to: Stroke[][]) {
    const strokes = from.pop();
    if (!strokes) return;
    to.push(this.strokes);
    this.strokes = strokes;
    this.version.value++;
  }
}

/**
 * A picture of a drawing that is kept up to date: only what is new is painted, however many strokes
 * there are. The end of a stroke may still bend, so it is painted over what is settled.
 */
export class Sheet {
  readonly canvas: OffscreenCanvas;
  readonly #settled: OffscreenCanvas;
  #strokes: Stroke[] = [];
  #pieces = 0; // of the last stroke that are settled

  readonly side: number;
  readonly ink: string;

  constructor(side: number, ink: string) {
    this.side = side;
    this.ink = ink;
    this.canvas = new OffscreenCanvas(side, side);
    this.#settled = new OffscreenCanvas(side, side);
  }

  /** Ink where there is some, nothing elsewhere. */
  paint({ strokes }: Drawing): OffscreenCanvas {
    const settled = penOf(this.#settled);
    const goesOn = this.#strokes.every((stroke, index) => stroke === strokes[index]);
    if (!goesOn) {
      settled.clearRect(0, 0, this.side, this.side);
      this.#strokes = [];
      this.#pieces = 0;
    }
    for (let index = Math.max(0, this.#strokes.length - 1); index < strokes.length; index++) {
      const isGoingOn = index === this.#strokes.length - 1;
      const from = isGoingOn ? this.#pieces : 0;
      const isLast = index === strokes.length - 1;
      const { points } = strokes[index]!;
      const end = isLast ? points.length - 1 : points.length;
      for (let piece = from; piece < end; piece++) this.#piece(settled, strokes[index]!, piece);
      this.#pieces = Math.max(from, end);
    }
    this.#strokes = strokes;
    const pen = penOf(this.canvas);
    pen.globalCompositeOperation = "copy";
    pen.drawImage(this.#settled, 0, 0);
    const last = strokes.at(-1);
    if (last && this.#pieces < last.points.length) this.#piece(pen, last, last.points.length - 1);
    return this.canvas;
  }

  /** The part of a stroke round one of its points: from the middle before it to that after it. */
  #piece(pen: OffscreenCanvasRenderingContext2D, { points, erases }: Stroke, index: number) {
    const scaled = (place: number) => points[place]!.map((number) => number * this.side);
    const [x, y, width] = scaled(index) as Point;
    const middle = (place: number) => {
      const [otherX, otherY] = scaled(place) as Point;
      return [(x + otherX) / 2, (y + otherY) / 2] as const;
    };
    pen.globalCompositeOperation = erases ? "destination-out" : "source-over";
    pen.strokeStyle = this.ink;
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(...(index ? middle(index - 1) : ([x, y] as const)));
    pen.quadraticCurveTo(
      x,
      y,
      ...(index < points.length - 1 ? middle(index + 1) : ([x, y] as const)),
    );
    pen.stroke();
  }
}

function penOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  return canvas.getContext("2d", { willReadFrequently: true })!;
}

/** The drawing as a picture, black on white. */
export function readDrawing(sheet: Sheet, drawing: Drawing): Picture {
  const { side } = sheet;
  const pen = penOf(sheet.paint(drawing));
  pen.globalCompositeOperation = "destination-over";
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, side, side);
  return { data: pen.getImageData(0, 0, side, side).data, width: side, height: side, channels: 4 };
}
